"""Says whether a frame shows the picture of another one: the same points, in the same places after one turn and zoom.

A pair of frames agrees when many points have like codes and one similarity (shift, turn, zoom) carries all of them,
directions and sizes included, and when they cover what both frames show: a caption, a logo or the frame of a program
that two videos share covers a corner of it. Nothing is drawn at random: every pair of points is tried. Knows no
releases (`media.feature_index`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.local_features import ANGLE_STEPS, PLACE_UNIT, SIZE_STEPS, FrameFeatures, Points

LIKE_CODES = 72
"""Bits of 256 in which the codes of one point may differ."""

TOLERANCE = 4.0
"""Pixels by which a point may miss its place, times the zoom where that enlarges."""

TURN_TOLERANCE = 20.0
"""Degrees by which a point's own direction may stray from the turn of the whole."""

SIZE_TOLERANCE = 0.75
"""Octaves by which a point's own size may stray from the zoom of the whole."""

LEAST_APART = 20.0
"""Pixels between two points that a similarity is made from."""

ZOOMS = (0.3, 3.3)
"""Between which a copy may be zoomed."""

LEAST_VIEW = 0.15
"""Share of the kept frame that the other must show."""

COLUMNS, ROWS = 6, 4
"""Cells of the kept frame over which agreement must be spread."""

_MIDDLE = np.array([COLUMNS * row + column for row in range(1, ROWS - 1) for column in range(1, COLUMNS - 1)])
"""Cells that touch no side of the frame: bars, labels and logos stand along the sides."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one frame shows another."""

    points: int
    """Points that agree in code, place, direction and size."""

    coverage: float
    """Share in [0, 1] of the cells of the kept frame with points in view in which a point agrees."""

    cells: int
    """Cells of the kept frame that have points in view."""

    middle: float
    """`coverage` of those of them alone that touch no side of the kept frame; 0 without any."""

    extent: float
    """Share in [0, 1] of what is in view over which the points that agree stretch: of its width or of its height,
    whichever is less."""

    view: float
    """Share in [0, 1] of the kept frame's area that the other shows."""

    zoom: float
    """How much larger the other shows it."""

    turn_deg: float
    """How far it was turned, counter-clockwise below 0."""


NONE = Agreement(0, 0.0, 0, 0.0, 0.0, 0.0, 1.0, 0.0)

Numbers = NDArray[np.float64]
Plane = NDArray[np.complex128]


def agreement(kept: FrameFeatures, asked: FrameFeatures, *, mirrored: bool = False) -> Agreement:
    """Return how far `asked`, or its mirror image, shows what `kept` does."""
    other = asked.mirrored if mirrored else asked.points
    first, second = _like(kept.points, other)
    if len(first) < 3:
        return NONE
    p, q = _plane(kept.points)[first], _plane(other)[second]
    turns = _degrees(other["angle"][second]) - _degrees(kept.points["angle"][first])
    zooms = (other["size"][second].astype(np.float64) - kept.points["size"][first]) / SIZE_STEPS
    a, b, inside = _best(p, q, turns, zooms)
    for _ in range(2):
        if inside.sum() < 3:
            return NONE
        a, b = _fitted(p[inside], q[inside])
        inside = _carried(a, b, p, q, turns, zooms)
    if inside.sum() < 3 or not ZOOMS[0] <= abs(a) <= ZOOMS[1]:
        return NONE
    return _told(kept, asked, first[inside], a, b)


def occupied_cells(frame: FrameFeatures) -> int:
    """Return how many of its `COLUMNS` x `ROWS` cells have points."""
    return len(np.unique(_cells(frame)))


def _cells(frame: FrameFeatures) -> NDArray[np.int64]:
    """The number of each point's cell."""
    places = _plane(frame.points)
    columns = np.minimum(places.real / frame.width * COLUMNS, COLUMNS - 1).astype(np.int64)
    rows = np.minimum(places.imag / frame.height * ROWS, ROWS - 1).astype(np.int64)
    return np.asarray(rows * COLUMNS + columns, np.int64)


def _like(kept: Points, other: Points) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of points that are each other's nearest, and near."""
    if not len(kept) or not len(other):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    distances = np.bitwise_count(kept["code"][:, None] ^ other["code"][None]).sum(axis=2, dtype=np.int64)
    nearest, back = distances.argmin(axis=1), distances.argmin(axis=0)
    rows = np.arange(len(kept))
    mutual = (back[nearest] == rows) & (distances[rows, nearest] <= LIKE_CODES)
    return rows[mutual], nearest[mutual]


def _best(p: Plane, q: Plane, turns: Numbers, zooms: Numbers) -> tuple[complex, complex, NDArray[np.bool_]]:
    """The similarity, of all that two pairs make, that carries most."""
    i, j = np.triu_indices(len(p), 1)
    far = np.abs(p[i] - p[j]) >= LEAST_APART
    i, j = i[far], j[far]
    a = (q[i] - q[j]) / (p[i] - p[j])
    fits = (np.abs(a) >= ZOOMS[0]) & (np.abs(a) <= ZOOMS[1])
    a, i, j = a[fits], i[fits], j[fits]
    alike = _own(a, turns[i], zooms[i]) & _own(a, turns[j], zooms[j])
    a, i = a[alike], i[alike]
    if not len(a):
        return 1.0, 0.0, np.zeros(len(p), bool)
    b = q[i] - a * p[i]
    # Points' own turns and zooms are looked at once the places fit: few do, and it costs more.
    near = np.abs(a[:, None] * p[None] + b[:, None] - q[None]) <= TOLERANCE * np.maximum(1.0, np.abs(a))[:, None]
    counts = near.sum(axis=1)
    at = int(counts.argmax())
    return complex(a[at]), complex(b[at]), _carried(a[at], b[at], p, q, turns, zooms)


def _carried(a: complex, b: complex, p: Plane, q: Plane, turns: Numbers, zooms: Numbers) -> NDArray[np.bool_]:
    near = np.abs(a * p + b - q) <= TOLERANCE * max(1.0, abs(a))
    return near & _own(np.full(len(p), a), turns, zooms)


def _own(a: Plane, turns: Numbers, zooms: Numbers) -> NDArray[np.bool_]:
    """Whether points' own turns and zooms are about those of the whole."""
    stray = (turns - np.degrees(np.angle(a)) + 180) % 360 - 180
    return (np.abs(stray) <= TURN_TOLERANCE) & (np.abs(zooms - np.log2(np.abs(a))) <= SIZE_TOLERANCE)


def _fitted(p: Plane, q: Plane) -> tuple[complex, complex]:
    """The similarity with the least squares of misses."""
    centre, image = p.mean(), q.mean()
    spread = float((np.abs(p - centre) ** 2).sum())
    a = complex((np.conj(p - centre) * (q - image)).sum() / max(spread, 1e-9)) or 1e-9
    return a, complex(image - a * centre)


def _told(kept: FrameFeatures, asked: FrameFeatures, agreeing: NDArray[np.int64], a: complex, b: complex) -> Agreement:
    places = _plane(kept.points)
    seen = _within(a * places + b, asked.width, asked.height)
    cells = _cells(kept)
    occupied, supported = np.unique(cells[seen]), np.unique(cells[agreeing])
    view, extent = _view(kept, asked, a, b, places[agreeing])
    return Agreement(
        points=len(agreeing),
        coverage=_share(supported, occupied),
        cells=len(occupied),
        middle=_share(supported, np.intersect1d(occupied, _MIDDLE)),
        extent=extent,
        view=view,
        zoom=abs(a),
        turn_deg=float(np.degrees(np.angle(a))),
    )


def _share(supported: NDArray[np.int64], occupied: NDArray[np.int64]) -> float:
    return len(np.intersect1d(supported, occupied)) / max(1, len(occupied))


def _view(kept: FrameFeatures, asked: FrameFeatures, a: complex, b: complex, agreeing: Plane) -> tuple[float, float]:
    """Share of the kept frame in view, and over how much of that the points stretch that agree; counted on a grid of
    16 x 16 places of the kept frame."""
    steps = (np.arange(16) + 0.5) / 16
    grid = (steps[None, :] * kept.width + 1j * steps[:, None] * kept.height).ravel()
    shown = grid[_within(a * grid + b, asked.width, asked.height)]
    if not len(shown):
        return 0.0, 0.0
    wide = np.ptp(shown.real) + kept.width / 16
    high = np.ptp(shown.imag) + kept.height / 16
    return len(shown) / len(grid), float(min(1.0, np.ptp(agreeing.real) / wide, np.ptp(agreeing.imag) / high))


def _within(places: Plane, width: int, height: int) -> NDArray[np.bool_]:
    return (places.real >= 0) & (places.real < width) & (places.imag >= 0) & (places.imag < height)


def _plane(points: Points) -> Plane:
    return np.asarray(points["x"] / PLACE_UNIT + 1j * (points["y"] / PLACE_UNIT), np.complex128)


def _degrees(angles: NDArray[np.uint8]) -> Numbers:
    return angles.astype(np.float64) * (360 / ANGLE_STEPS)
