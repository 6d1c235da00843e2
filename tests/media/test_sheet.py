"""A contact sheet shows what it was given, in order, and frames what was flagged."""

from __future__ import annotations

import numpy as np
import pytest

from media.sheet import COLUMNS, TILE_WIDTH, Tile, clock, draw_sheet


def tile(colour, time_s=0.0, **more):
    return Tile(time_s, np.full((90, 160, 3), colour, np.uint8), **more)


def test_tiles_stand_in_rows_from_left_to_right():
    sheet = draw_sheet([tile((at * 10 + 10, 0, 0)) for at in range(COLUMNS + 1)])

    assert sheet[60, 60, 0] == 10
    assert sheet[60, 60 + TILE_WIDTH, 0] == 20
    assert sheet[60 + sheet.shape[0] // 2, 60, 0] == 10 + 10 * COLUMNS


def test_flagged_tiles_are_framed_and_others_are_not():
    plain, flagged = (
        draw_sheet([tile(50)]),
        draw_sheet([tile(50, caption="violence 0.97", box=(0.25, 0.25, 0.75, 0.75))]),
    )

    assert not (plain == (214, 40, 40)).all(axis=-1).any()
    assert (flagged == (214, 40, 40)).all(axis=-1).sum() > 4 * TILE_WIDTH


def test_of_nothing_there_is_an_empty_sheet():
    assert draw_sheet([]).ndim == 3


def test_very_tall_frames_do_not_make_endless_sheets():
    assert draw_sheet([Tile(0.0, np.zeros((4000, 10, 3), np.uint8))]).shape[0] < 3 * TILE_WIDTH


@pytest.mark.parametrize(
    ("time_s", "words"), [(0.0, "0:00.00"), (59.999, "1:00.00"), (61.5, "1:01.50"), (3723.456, "1:02:03.46")]
)
def test_times_are_written_as_a_clock(time_s, words):
    assert clock(time_s) == words
