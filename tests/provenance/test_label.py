"""The visible label: there, legible, moving, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from media.clip import Clip
from provenance.label import STAY_S, burn_label


def flat(level: int = 128, size: tuple[int, int] = (360, 640), times: tuple[float, ...] = (0.0,)) -> Clip:
    return Clip(np.full((len(times), *size, 3), level, np.uint8), np.array(times), 24.0)


def changed(before: Clip, after: Clip, index: int = 0) -> tuple[slice, slice]:
    """Return the smallest box around the changed pixels of a frame."""
    rows, columns = np.nonzero((before.frames[index] != after.frames[index]).any(axis=2))
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


@pytest.mark.parametrize("size", [(64, 64), (256, 256), (360, 640), (1280, 720)])
def test_only_a_corner_changes(size: tuple[int, int]) -> None:
    clip = flat(size=size)
    rows, columns = changed(clip, burn_label(clip))

    assert rows.start > size[0] * 0.5
    assert rows.stop < size[0]
    assert columns.stop < size[1]
    assert (rows.stop - rows.start) * (columns.stop - columns.start) < 0.4 * size[0] * size[1]


@pytest.mark.parametrize("size", [(256, 256), (360, 640), (1280, 720)])
def test_letters_are_at_least_five_percent_of_the_short_side(size: tuple[int, int]) -> None:
    clip = flat(0, size)
    after = burn_label(clip, "H")
    rows = np.nonzero((after.frames[0] > 90).any(axis=(1, 2)))[0]

    assert len(rows) >= 0.05 * min(size) - 1


@pytest.mark.parametrize("level", [0, 128, 255])
def test_it_contrasts_with_any_background(level: int) -> None:
    """White letters in a dark edge: one of the two stands out."""
    clip = flat(level)
    difference = np.abs(burn_label(clip).frames[0].astype(int) - level).max()

    assert difference > 90


def test_it_is_semi_transparent() -> None:
    dark, bright = burn_label(flat(100)).frames[0], burn_label(flat(200)).frames[0]
    box = changed(flat(100), burn_label(flat(100)))

    assert (dark[box].min(axis=2) < bright[box].max(axis=2)).all()


def test_it_visits_all_four_corners() -> None:
    times = tuple(index * STAY_S for index in range(5))
    clip = flat(times=times)
    after = burn_label(clip)
    corners = [changed(clip, after, index) for index in range(5)]

    assert len({(rows.start > 180, columns.start > 100) for rows, columns in corners[:4]}) == 4
    assert corners[4] == corners[0]


def test_equal_clips_give_equal_pictures_and_the_source_is_untouched(make_clip: Callable[..., Clip]) -> None:
    clip = make_clip(count=3)
    before = clip.frames.copy()

    assert np.array_equal(burn_label(clip).frames, burn_label(clip).frames)
    assert np.array_equal(clip.frames, before)


def test_a_label_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a text"):
        burn_label(flat(), "  ")


def test_a_text_too_long_for_the_picture_stays_inside() -> None:
    clip = flat(size=(64, 48))
    rows, columns = changed(clip, burn_label(clip, "a very long label · that cannot fit · in so little room"))

    assert rows.stop <= 64
    assert columns.stop <= 48
