"""What is redacted cannot be recognised, and what is not stays as it was."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from media.clip import Clip
from media.redaction import MARGIN_FRAMES, Place, redacted

FPS = 10.0


def noisy(count=20, height=96, width=128):
    frames = np.random.default_rng(3).integers(0, 256, (count, height, width, 3), np.uint8)
    return Clip(frames, np.arange(count) / FPS, FPS)


def detail(frame):
    """Largest difference of two neighbouring pixels."""
    return max(int(np.abs(np.diff(frame.astype(int), axis=axis)).max()) for axis in (0, 1))


def test_only_the_stretch_and_two_frames_around_it_are_altered():
    clip = noisy()

    altered = redacted(clip, [Place(0.5, 1.0)])

    changed = [at for at in range(20) if not np.array_equal(altered.frames[at], clip.frames[at])]
    assert changed == list(range(5 - MARGIN_FRAMES, 10 + MARGIN_FRAMES))
    assert all(detail(altered.frames[at]) < 60 for at in changed)


def test_only_the_box_and_a_margin_are_altered():
    clip = noisy()

    altered = redacted(clip, [Place(0.5, 0.6, (0.25, 0.25, 0.5, 0.5))]).frames[5]

    differs = (altered != clip.frames[5]).any(axis=-1)
    rows, columns = differs.any(axis=1).nonzero()[0], differs.any(axis=0).nonzero()[0]
    assert (rows[0], rows[-1]) == (20, 51)  # 24 to 48, and 15 % of 24 on each side
    assert (columns[0], columns[-1]) == (27, 68)
    assert detail(altered[22:50, 30:66]) < 60


def test_the_clip_that_was_given_stays_as_it_is():
    clip = noisy()
    before = clip.frames.copy()

    redacted(clip, [Place(0.0, 9.0)])

    np.testing.assert_array_equal(clip.frames, before)


sides = st.floats(0, 1)


@settings(max_examples=50)
@given(st.integers(1, 40), st.integers(1, 40), st.tuples(sides, sides, sides, sides))
def test_any_box_of_any_frame_can_be_redacted(height, width, box):
    left, right = sorted(box[::2])
    top, bottom = sorted(box[1::2])
    clip = noisy(2, height, width)

    assert redacted(clip, [Place(0.0, 9.0, (left, top, right, bottom))]).frames.shape == clip.frames.shape
