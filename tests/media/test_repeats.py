"""A frame is a repetition only where nothing changed that anybody could see, wherever and however small it is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.repeats import SIDE, WITHIN, WITHIN_AS_IT_IS, as_looked_at, shown_before

rng = np.random.default_rng(3)
GROUND = rng.integers(40, 200, (144, 256, 3), np.uint8)
GREY = np.full((768, 1280, 3), 128, np.uint8)


def noisy(frame, seed, spread=3):
    noise = np.random.default_rng(seed).integers(-spread, spread + 1, frame.shape)
    return np.clip(frame.astype(int) + noise, 0, 255).astype(np.uint8)


def drawing_without_mean(across, down, strength=100):
    """A line drawing on grey from which the mean of each of `across` by `down` cells is taken away."""
    lines = np.zeros((768, 1280), np.float32)
    cv2.line(lines, (300, 360), (900, 330), 1.0, 6)
    cv2.rectangle(lines, (420, 300), (760, 420), 1.0, 4)
    cv2.ellipse(lines, (560, 470), (60, 90), 20, 0, 360, 1.0, 4)
    cells = cv2.resize(lines, (across, down), interpolation=cv2.INTER_AREA)
    lines -= cv2.resize(cells, (1280, 768), interpolation=cv2.INTER_NEAREST)
    picture = np.clip(np.rint(128 + strength * lines), 0, 255).astype(np.uint8)
    return np.repeat(picture[:, :, None], 3, axis=2)


def test_noise_is_a_repetition_and_another_picture_is_not():
    still = np.full((720, 1280, 3), 120, np.uint8)
    other = 255 - GROUND

    assert shown_before([still, noisy(still, 1), noisy(still, 2)]) == [0, 0, 0]
    assert shown_before([GROUND, other, other, GROUND]) == [0, 1, 1, 3]


@pytest.mark.parametrize(("across", "down"), [(64, 64), (128, 96), (320, 192)])
def test_a_drawing_whose_cells_have_no_mean_is_not_the_grey_frame_before_it(across, down):
    drawing = drawing_without_mean(across, down)
    means = cv2.resize(drawing, (across, down), interpolation=cv2.INTER_AREA)
    assert np.abs(means.astype(int) - 128).max() <= 1

    assert shown_before([GREY, drawing, GREY]) == [0, 1, 2]


def test_fine_lines_that_cancel_out_at_the_networks_size_are_not_the_grey_frame_before_them():
    lines = np.full((SIDE * 3, SIDE * 3, 3), 128, np.uint8)
    lines[:, 0::3], lines[:, 1::3], lines[:, 2::3] = 108, 168, 108
    grey = np.full_like(lines, 128)
    assert (as_looked_at(lines) == as_looked_at(grey)).all()

    assert shown_before([grey, lines]) == [0, 1]


def test_frames_of_other_sizes_are_never_the_same():
    assert shown_before([GREY, GREY[:-2], GREY[:-2]]) == [0, 1, 1]


def test_changes_too_small_to_count_add_up():
    frames = [np.full((90, 160, 3), level, np.uint8) for level in range(100, 111)]

    assert shown_before(frames) == [0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 10]


@given(left=st.integers(0, 1275), top=st.integers(0, 715), channel=st.integers(0, 2))
def test_a_dot_of_five_pixels_is_never_lost(left, top, channel):
    frame = np.full((720, 1280, 3), 100, np.uint8)
    dotted = frame.copy()
    dotted[top : top + 5, left : left + 5, channel] = 255

    assert shown_before([frame, dotted]) == [0, 1]


@given(
    left=st.integers(0, 395),
    top=st.integers(0, 221),
    across=st.integers(1, 9),
    down=st.integers(1, 9),
    channel=st.integers(0, 2),
    change=st.integers(-60, 60),
    seed=st.integers(0, 50),
)
def test_what_differs_anywhere_by_more_than_the_bounds_is_never_a_repetition(
    left, top, across, down, channel, change, seed
):
    frame = np.random.default_rng(seed).integers(60, 196, (288, 512, 3), np.uint8)
    other = noisy(frame, seed + 1, spread=1)
    other[top : top + down, left : left + across, channel] = np.clip(
        frame[top : top + down, left : left + across, channel].astype(int) + change, 0, 255
    )
    seen = np.abs(as_looked_at(frame).astype(int) - as_looked_at(other)).max()
    as_it_is = np.abs(frame.astype(int) - other).max()

    repeated = shown_before([frame, other]) == [0, 0]

    assert repeated == (seen <= WITHIN and as_it_is <= WITHIN_AS_IT_IS)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12))
def test_every_frame_is_within_the_bound_of_the_one_that_stands_for_it(levels):
    frames = [np.full((64, 64, 3), level, np.uint8) for level in levels]
    shown = shown_before(frames)

    assert all(shown[first] == first <= at for at, first in enumerate(shown))
    assert all(abs(levels[at] - levels[first]) <= WITHIN for at, first in enumerate(shown))
