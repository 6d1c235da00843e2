"""A picture inside the picture is found by borders that stand while all else moves, with its seconds."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from media.clip import Clip
from media.inserts import GROUP, MOST_FRAMES, Insert, InsertFinder
from media.splices import CORNERS, inserted

FPS = 4.0


def pan(picture, count, size=(240, 320), step=7):
    """A camera that moves over a photograph."""
    high, wide = size
    return [picture[at : at + high, step * at : step * at + wide] for at in range(count)]


@pytest.fixture(scope="module")
def outside():
    return pan(skimage.data.coffee(), 24)


@pytest.fixture(scope="module")
def inside():
    return pan(skimage.data.astronaut(), 24, step=5)


def watched(frames):
    finder = InsertFinder()
    for at in range(0, len(frames), 5):
        part = np.stack(frames[at : at + 5])
        finder.watch(Clip(part, (at + np.arange(len(part))) / FPS, FPS))
    return finder


def box_of(corner, share):
    left, top = (0.0 if "left" in corner else 1 - share), (0.0 if "upper" in corner else 1 - share)
    return left, top, left + share, top + share


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("share", [0.3, 0.45])
def test_an_insert_is_found_in_its_corner(outside, inside, corner, share):
    (found,) = watched(inserted(outside, inside, corner=corner, share=share, fps=FPS)).found()

    assert found.box == pytest.approx(box_of(corner, share), abs=0.02)
    assert found.start_s <= 0.5
    assert found.end_s >= 4.5


def test_nothing_is_found_where_nothing_is_inserted(outside, inside):
    assert watched(outside).found() == watched(inside).found() == []


def test_a_still_picture_with_a_frame_in_it_is_none(outside, inside):
    still = inserted(outside[:1], inside[:1], corner="upper left", share=0.4, fps=FPS)[0]

    assert watched([still] * 24).found() == []


def test_an_insert_that_comes_and_goes_is_told_with_its_seconds(outside, inside):
    frames = inserted(outside, inside, corner="lower right", share=0.4, fps=FPS)

    (found,) = watched([*outside[:8], *frames[8:18], *outside[18:]]).found()

    assert found.box == pytest.approx(box_of("lower right", 0.4), abs=0.02)
    assert 1.0 <= found.start_s <= 2.5
    assert 4.0 <= found.end_s <= 5.0


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 400), st.integers(1, 30))
def test_few_frames_are_kept_of_a_video_of_any_length(seconds, every):
    finder = InsertFinder()
    for at in range(0, seconds, every):
        frame = np.full((1, 32, 40, 3), at % 250, np.uint8)
        finder.watch(Clip(frame, np.array([float(at)]), FPS))

    assert len(finder._kept) <= MOST_FRAMES
    assert finder.found() == []


def test_too_few_frames_are_no_place_to_look(outside, inside):
    frames = inserted(outside[: GROUP + 1], inside[: GROUP + 1], corner="upper left", share=0.4, fps=FPS)

    assert watched(frames).found() == []


def test_the_part_of_a_clip_is_cut_in_place_and_time():
    frames = np.zeros((6, 100, 200, 3), np.uint8)
    frames[:, 60:, 140:] = 255
    clip = Clip(frames, np.arange(6) / 2, FPS)

    part = Insert((0.7, 0.6, 1.0, 1.0), 0.5, 1.5).of(clip)

    assert part.frames.shape == (3, 40, 60, 3)
    assert part.frames.min() == 255
    assert part.times_s.tolist() == [0.5, 1.0, 1.5]
    assert Insert((0.7, 0.6, 1.0, 1.0), 5.0, 9.0).of(clip) is None
