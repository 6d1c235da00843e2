from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.clip import Clip
from media.strip import PICTURES, SHORT_SIDE, Strip


def watched(count, shape=(120, 160)):
    strip = Strip()
    for start in range(0, count, 16):
        shades = np.arange(start, min(start + 16, count)) % 200
        frames = shades.astype(np.uint8)[:, None, None, None] * np.ones((1, *shape, 3), np.uint8)
        strip.watch(Clip(frames, np.arange(start, start + len(frames)) / 4, 4.0))
    return strip.pictures()


@given(st.integers(1, 400))
def test_few_pictures_are_spread_over_all_of_a_video(count):
    pictures = watched(count, shape=(8, 8))

    assert len(pictures) == min(count, PICTURES)
    assert pictures[0].time_s == 0
    assert pictures[-1].time_s >= 0.5 * (count - 1) / 4


def test_pictures_are_small_jpegs_of_the_frames():
    (first, *_, last) = watched(32)

    for picture, shade in ((first, 0), (last, last.time_s * 4)):
        shown = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert min(shown.shape[:2]) == SHORT_SIDE
        assert abs(float(shown.mean()) - shade) < 3


def test_no_frames_no_pictures():
    assert Strip().pictures() == ()
