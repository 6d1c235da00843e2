"""The keyed pattern: stable for years, different for each key."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest

from provenance.watermark_carrier import (
    GRID,
    HIGHEST,
    LOWEST,
    TILE,
    Carrier,
    each_luma,
    grid_sum,
    to_coefficients,
    to_grid,
    to_picture,
)
from provenance.watermark_code import WatermarkCode
from provenance.watermark_detector import SpreadSpectrumDetector

KEY = b"a key of sixteen"


def test_the_pattern_of_a_key_never_changes() -> None:
    """A release marked today must be found in ten years: this digest may not change within algorithm version 2."""
    carrier = Carrier.for_key(KEY)
    pattern = b"".join(
        np.ascontiguousarray(part).astype("<i8").tobytes()
        for part in (carrier.cells, carrier.signs, carrier.pilot_cells, carrier.pilot_signs)
    )

    assert hashlib.sha256(pattern).hexdigest() == "29e426ce12c910751e851d9eec89539242c447dac9f10e567ec0df0656a79e07"


def test_cells_are_used_once_and_lie_in_the_band() -> None:
    carrier = Carrier.for_key(KEY)
    cells = np.concatenate([carrier.cells.ravel(), carrier.pilot_cells.ravel()])
    within = cells % TILE**2
    radius = np.hypot(within // TILE, within % TILE) * GRID / TILE

    assert len(np.unique(cells)) == len(cells)
    assert radius.min() >= LOWEST
    assert radius.max() <= HIGHEST


def test_signs_are_fair_and_two_keys_are_unrelated() -> None:
    first, second = Carrier.for_key(KEY), Carrier.for_key(b"another key 0123")
    grids = []
    for carrier in (first, second):
        grid = np.zeros(GRID * GRID)
        grid[carrier.cells] = carrier.signs
        grids.append(grid)

    assert abs(first.signs.mean()) < 0.06
    assert abs((grids[0] * grids[1]).sum()) / first.cells.size < 0.06


def test_what_is_written_into_a_picture_is_heard() -> None:
    carrier = Carrier.for_key(KEY)
    word = WatermarkCode().encode("0123456789ab")
    luma = np.random.default_rng(3).normal(128, 20, (GRID, GRID)).astype(np.float32)
    heard = carrier.listen(carrier.votes(luma + carrier.write(carrier.ground(luma, word), 10.0)))

    assert np.array_equal(np.sign(heard), word)


def test_tiles_are_taken_apart_and_put_together() -> None:
    luma = np.random.default_rng(1).normal(128, 20, (GRID, GRID)).astype(np.float32)
    changed = luma.copy()
    changed[:TILE, :TILE] += 7

    assert np.allclose(to_picture(to_coefficients(luma)), luma, atol=1e-3)
    assert np.flatnonzero(np.abs(to_coefficients(changed) - to_coefficients(luma)) > 1e-2).tolist() == [0]


def test_what_a_picture_does_not_cover_does_not_vote() -> None:
    cover = np.zeros((16, 16), np.float32)
    cover[3, 5] = 1
    votes = Carrier.for_key(KEY).votes(np.random.default_rng(1).normal(128, 20, (GRID, GRID)).astype(np.float32), cover)

    assert set(np.flatnonzero(votes) // TILE**2) == {3 * 16 + 5}


def test_a_flat_place_gets_less_than_a_busy_one_and_bars_least() -> None:
    luma = np.full((GRID, GRID), 128, np.float32)
    luma[:, 128:] += np.random.default_rng(1).normal(0, 25, (GRID, 128))
    luma[:64] = 0
    carrier = Carrier.for_key(KEY)
    added = carrier.write(carrier.ground(luma, WatermarkCode().encode("0123456789ab")), 6.0)
    bars, flat, busy = (float(np.std(part)) for part in (added[:48], added[80:, :112], added[80:, 144:]))

    assert bars < flat < busy


def test_a_picture_that_agrees_already_costs_nothing() -> None:
    carrier = Carrier.for_key(KEY)
    word = WatermarkCode().encode("0123456789ab")
    loud = 5 * carrier.write(carrier.ground(np.full((GRID, GRID), 128, np.float32), word), 10.0) + 128

    assert np.abs(carrier.write(carrier.ground(loud, word), 10.0)).max() < 1e-3


@pytest.mark.parametrize(("height", "width"), [(64, 64), (720, 1280), (300, 200)])
def test_luma_of_any_size_lands_on_the_grid(height: int, width: int) -> None:
    luma = to_grid(np.full((height, width), 77, np.uint8))

    assert luma.shape == (GRID, GRID)
    assert np.allclose(luma, 77, atol=0.5)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (360, 640), (300, 200)])
def test_adding_and_scaling_is_scaling_and_adding(height: int, width: int) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (5, height, width, 3), dtype=np.uint8)
    one_by_one = sum(to_grid(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in frames)

    assert np.allclose(grid_sum(each_luma(frames)), one_by_one, atol=5 * 0.6)  # scaled one by one, each is rounded


def test_no_frames_sum_up_to_nothing() -> None:
    assert not grid_sum([]).any()


def test_a_mark_of_the_plainest_writer_reads() -> None:
    """Releases of every earlier version: whatever writing learns, a sign at each cell of the key is what a mark is."""
    carrier = Carrier.for_key(KEY)
    word = WatermarkCode().encode("0123456789ab")
    coefficients = np.zeros(GRID * GRID, np.float32)
    coefficients[carrier.cells] = 8 * carrier.signs * word[:, None]
    coefficients[carrier.pilot_cells] = 8 * carrier.pilot_signs
    picture = np.full((GRID, GRID), 128, np.float32)
    for number, tile in enumerate(coefficients.reshape(-1, TILE, TILE)):
        top, left = number // (GRID // TILE) * TILE, number % (GRID // TILE) * TILE
        picture[top : top + TILE, left : left + TILE] += cv2.idct(tile)
    detector = SpreadSpectrumDetector(carrier)
    detector.add(np.repeat(np.rint(picture).astype(np.uint8)[None, ..., None], 3, axis=3))

    assert detector.read().id_hex == "0123456789ab"
