"""What is kept of a frame so that a part of it is known again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.clip import Clip
from media.local_features import (
    ASKED_POINTS,
    KEPT_POINTS,
    MOST_FRAMES,
    PLACE_UNIT,
    POINT,
    FrameFeatures,
    described,
    features_of,
    local_features,
    unpack,
)
from tests.media.leaves import mirrored, scene


@given(st.integers(1, 256), st.integers(1, 256), st.integers(0, ASKED_POINTS), st.randoms(use_true_random=False))
def test_what_is_packed_reads_back(width: int, height: int, count: int, random) -> None:
    points = np.frombuffer(random.randbytes(POINT.itemsize * count), POINT)
    packed = FrameFeatures(width, height, points, points).pack()
    read = unpack(packed)

    assert len(packed) == 5 + 38 * count
    assert (read.width, read.height, read.points.tobytes()) == (width, height, points.tobytes())
    assert len(read.mirrored) == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x01\x10\x00\x10",
        b"\x02\x10\x00\x10\x00",
        b"\x01\x00\x00\x10\x00",
        b"\x01\x10\x00\x01\x01",
        b"\x01\x10\x00\x10\x00" + b"x" * 37,
        b"\x01\x10\x00\x10\x00" + b"x" * 38 * (ASKED_POINTS + 1),
    ],
)
def test_what_was_not_packed_here_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"local features|bytes|points"):
        unpack(raw)


def test_the_points_of_a_mirrored_frame_are_told_without_looking_at_it() -> None:
    told, seen = local_features(scene(1)), local_features(mirrored(scene(1)))
    like = 0
    for point in told.mirrored:
        apart = np.hypot(seen.points["x"] * 1.0 - point["x"], seen.points["y"] * 1.0 - point["y"]) / PLACE_UNIT
        bits = np.bitwise_count(seen.points["code"] ^ point["code"]).sum(axis=1)
        like += bool(((apart < 2) & (bits < 40)).any())

    assert like > 0.6 * len(told.mirrored)


def test_points_are_spread_and_few() -> None:
    faint = scene(2)
    faint[180:] = 110 + faint[180:] // 6
    found = local_features(faint, KEPT_POINTS)

    assert len(found.points) == KEPT_POINTS
    assert (found.width, found.height) == (256, 144)
    assert (found.points["y"] > 72 * PLACE_UNIT).sum() > KEPT_POINTS / 4, "the strong half does not take all"


@pytest.mark.parametrize("frame", [np.zeros((360, 640, 3), np.uint8), np.full((2, 900, 3), 9, np.uint8)])
def test_a_frame_without_corners_has_no_points(frame: np.ndarray) -> None:
    found = local_features(frame)

    assert len(found.points) == len(found.mirrored) == 0
    assert len(unpack(found.pack()).points) == 0


def test_a_picture_that_stands_still_is_described_once_and_a_cut_twice() -> None:
    first, second = scene(1), scene(2)

    assert len(described([first, first, first])) == 1
    assert len(described([first, second, first])) == 3


def test_one_key_frame_a_second_and_of_long_clips_a_few() -> None:
    frames = np.stack([scene(seed, 30, (60, 80)) for seed in range(40)])
    short = Clip(frames, np.arange(40) / 10, 10.0)
    long = Clip(frames, np.arange(40) / 1.0, 1.0)

    assert len(features_of(short)) == 5
    assert len(features_of(long)) == MOST_FRAMES
