"""A frame is a repetition only where nothing changed that anybody could see."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.repeats import CELLS, WITHIN, shown_before

rng = np.random.default_rng(3)
GROUND = rng.integers(40, 200, (144, 256, 3), np.uint8)


def noisy(frame, seed, spread=3):
    noise = np.random.default_rng(seed).integers(-spread, spread + 1, frame.shape)
    return np.clip(frame.astype(int) + noise, 0, 255).astype(np.uint8)


def test_noise_is_a_repetition_and_another_picture_is_not():
    still = np.full((720, 1280, 3), 120, np.uint8)
    other = 255 - GROUND

    assert shown_before([still, noisy(still, 1), noisy(still, 2)]) == [0, 0, 0]
    assert shown_before([GROUND, other, other, GROUND]) == [0, 1, 1, 3]


def test_changes_too_small_to_count_add_up():
    frames = [np.full((90, 160, 3), level, np.uint8) for level in range(100, 106)]

    assert shown_before(frames) == [0, 0, 2, 2, 4, 4]


@given(left=st.integers(0, 1275), top=st.integers(0, 715), channel=st.integers(0, 2))
def test_a_dot_of_five_pixels_is_never_lost(left, top, channel):
    frame = np.full((720, 1280, 3), 100, np.uint8)
    dotted = frame.copy()
    dotted[top : top + 5, left : left + 5, channel] = 255

    assert shown_before([frame, dotted]) == [0, 1]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12))
def test_every_frame_is_within_the_bound_of_the_one_that_stands_for_it(levels):
    frames = [np.full((CELLS, CELLS, 3), level, np.uint8) for level in levels]
    shown = shown_before(frames)

    assert all(shown[first] == first <= at for at, first in enumerate(shown))
    assert all(abs(levels[at] - levels[first]) < WITHIN for at, first in enumerate(shown))
