"""Finds where a cropped, stretched or framed picture lies in the original: by the pilot, which the words do not use.

First coarsely, one Fourier transform for each size in question, then finely, by climbing to where the pilot is heard
best. Does not decode words and does not try rotation or perspective.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from provenance.watermark_carrier import GRID, TILE, TILES, Array, Carrier

SMALLEST_CROP = 0.66
"""Smallest share of a side that is searched."""

SIZE_STEP = 2
"""Grid points between sizes that are tried; the climb covers what lies between."""

CLIMB_STEPS = (1.0, 0.5)
"""Grid points by which a place is moved or sized, coarse first."""

CLIMB_MOVES = 3
"""Moves at each step, at most: the coarse search is right to a step or two."""

HOPELESS = 2.0
"""Standard deviations below which the pilot is not there: fine steps would climb on noise. True places begin at 6."""

_FRAME_LEVELS = 3.0
"""A line at the edge of a picture belongs to a frame around it when its standard deviation, and its distance from the
outermost line, are below this many levels."""

_LEAST_INSIDE = 0.3
"""Share of a side that a picture inside a frame has at least."""


@dataclass(frozen=True)
class Place:
    """A guess: the picture seen is the part of the original grid at (top, left) of this size, in grid points."""

    height: float
    width: float
    top: float
    left: float


WHOLE = Place(GRID, GRID, 0, 0)


def placed(luma: Array, place: Place) -> tuple[Array, Array]:
    """Return the picture where it belongs on the grid, (256, 256), and the share of each tile it covers, (16, 16)."""
    down, across = place.height / GRID, place.width / GRID
    # Centres of grid points stand at half numbers: a scaled picture's first centre moves by half the difference.
    shift = np.array(
        [[across, 0, place.left + (across - 1) / 2], [0, down, place.top + (down - 1) / 2]], dtype=np.float32
    )
    picture = cv2.warpAffine(luma, shift, (GRID, GRID), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    rows, columns = (_overlap(start, size) for start, size in ((place.top, place.height), (place.left, place.width)))
    return np.asarray(picture, np.float32), np.asarray(rows[:, None] * columns[None, :], np.float32)


def _overlap(start: float, size: float) -> Array:
    edges = np.arange(TILES + 1, dtype=np.float32) * TILE
    inside = np.clip(edges, start, start + size)
    return np.asarray(np.diff(inside) / TILE, np.float32)


def even(luma: Array) -> Array:
    """Return a picture without its slow changes and as busy everywhere: what the pilot is searched in."""
    mean = cv2.blur(luma, (9, 9))
    deviation = np.sqrt(np.maximum(cv2.blur(luma * luma, (9, 9)) - mean * mean, 0))
    return np.asarray((luma - mean) / (deviation + 3), np.float32)


def likely(carrier: Carrier, luma: Array, count: int) -> list[Place]:
    """Return the `count` places where the pilot is heard best, the best first."""
    picture = even(luma)
    found: list[tuple[float, Place]] = []
    for height, width in _sizes():
        canvas = np.zeros((GRID, GRID), np.float32)
        canvas[:height, :width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        spectrum = cv2.mulSpectrums(carrier.pilot_spectrum, cv2.dft(canvas), 0, conjB=True)
        matches = np.asarray(cv2.idft(spectrum, flags=cv2.DFT_SCALE), np.float32)
        inside = matches[: GRID - height + 1, : GRID - width + 1]
        top, left = np.unravel_index(int(np.argmax(inside)), inside.shape)
        spread = float(matches.std())
        peak = float(inside[top, left]) / spread if spread > 0 else 0.0
        found.append((peak, Place(height, width, float(top), float(left))))
    best: list[Place] = []
    for _, place in sorted(found, key=lambda each: -each[0]):
        if all(_far(place, other) for other in best):  # neighbours climb to the same top
            best.append(place)
        if len(best) == count:
            break
    return best


def climb(carrier: Carrier, luma: Array, place: Place) -> tuple[float, Place]:
    """Return the place near `place` where the pilot is heard best, and how well, in standard deviations of noise."""
    best = _heard(carrier, luma, place)
    for step in CLIMB_STEPS:
        for _ in range(CLIMB_MOVES):
            tried = [(_heard(carrier, luma, each), each) for each in _moves(place, step)]
            top = max(tried, key=lambda each: each[0])
            if top[0] <= best:
                break
            best, place = top
        if best < HOPELESS:
            break
    return best, place


def unframed(luma: Array) -> Array | None:
    """Return the picture inside a plain frame, on the whole grid; None when there is no frame around it."""
    deviations, levels = luma.std(axis=1), luma.mean(axis=1)
    top, bottom = _plain(deviations, levels), GRID - _plain(deviations[::-1], levels[::-1])
    if bottom - top < _LEAST_INSIDE * GRID:
        return None
    # A side bar ends where the bars above and below it end, so columns are looked at between those.
    deviations, levels = luma[top:bottom].std(axis=0), luma[top:bottom].mean(axis=0)
    left, right = _plain(deviations, levels), GRID - _plain(deviations[::-1], levels[::-1])
    if right - left < _LEAST_INSIDE * GRID or (top, bottom, left, right) == (0, GRID, 0, GRID):
        return None
    return np.asarray(
        cv2.resize(luma[top:bottom, left:right], (GRID, GRID), interpolation=cv2.INTER_LINEAR), np.float32
    )


def _plain(deviations: Array, levels: Array) -> int:
    """Lines from the edge on that are of one level, the edge's own."""
    inside = np.flatnonzero((deviations >= _FRAME_LEVELS) | (np.abs(levels - levels[0]) >= _FRAME_LEVELS))
    return int(inside[0]) if len(inside) else len(levels)


def _heard(carrier: Carrier, luma: Array, place: Place) -> float:
    return carrier.pilot_agreement(carrier.votes(*placed(luma, place)))


def _moves(place: Place, step: float) -> Iterator[Place]:
    for down, right in ((-step, 0), (step, 0), (0, -step), (0, step)):
        yield replace(place, top=place.top + down, left=place.left + right)
    for taller, wider in ((step, step), (-step, -step), (step, 0), (-step, 0), (0, step), (0, -step)):
        # Grows and shrinks about its middle, so that only the size changes.
        yield Place(place.height + taller, place.width + wider, place.top - taller / 2, place.left - wider / 2)


def _far(one: Place, other: Place) -> bool:
    return max(abs(one.height - other.height), abs(one.width - other.width)) > 2 * SIZE_STEP or (
        max(abs(one.top - other.top), abs(one.left - other.left)) > 4
    )


def _sizes() -> Iterator[tuple[int, int]]:
    for side in range(round(SMALLEST_CROP * GRID), GRID, SIZE_STEP):
        yield side, side
        yield GRID, side
        yield side, GRID
