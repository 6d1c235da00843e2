"""Writes a line of a label without a font file: OpenCV's letters, and 生 and 成 in strokes of our own.

With these two the labels of Japanese and Chinese can be written anywhere. Other letters of other scripts need a font of
the house (`label_font`); those that cannot be written here are refused by `label_style`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

CAPITAL = 20.0
"""Height of OpenCV's capitals in pixels at scale 1, whatever the weight (measured with OpenCV 5)."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WEIGHT = 2

_STROKES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "生": (
        ((0.27, 0.04), (0.21, 0.22), (0.07, 0.42)),
        ((0.21, 0.27), (0.90, 0.27)),
        ((0.17, 0.60), (0.85, 0.60)),
        ((0.52, 0.02), (0.52, 0.95)),
        ((0.04, 0.95), (0.97, 0.95)),
    ),
    "成": (
        ((0.15, 0.25), (0.95, 0.25)),
        ((0.15, 0.25), (0.15, 0.55), (0.12, 0.78), (0.03, 0.97)),
        ((0.15, 0.49), (0.45, 0.49), (0.44, 0.70), (0.40, 0.82), (0.28, 0.79)),
        ((0.55, 0.02), (0.57, 0.30), (0.65, 0.60), (0.77, 0.84), (0.92, 0.96), (0.96, 0.76)),
        ((0.86, 0.42), (0.76, 0.64), (0.62, 0.81), (0.46, 0.94)),
        ((0.71, 0.05), (0.85, 0.17)),
    ),
}
"""Each stroke from where a pen begins, in shares of a square, from its left and top."""

WRITTEN = frozenset(_STROKES)
"""What can be written beside ASCII and `·`."""

_SIDE, _BELOW, _GAP = 1.15, 0.08, 0.12
"""Of a square sign, in heights of a capital: its side, how far it reaches below the line, the room on both sides."""

_THICK = 0.1
"""Width of a stroke in heights of a capital: about half of a stem of the letters, because a sign has more strokes."""

_SHIFT = 4
"""Fraction bits of coordinates: strokes fall between pixels."""


def line_width(line: str, scale: float) -> int:
    """Return the width of a line in pixels; `scale` is 1 for capitals of 20 pixels."""
    return sum(_width(part, scale) for part in _parts(line))


def write_line(picture: NDArray[np.uint8], line: str, origin: tuple[int, int], scale: float) -> None:
    """Write a line in white, its baseline starting at `origin` (x, y)."""
    x, y = origin
    for part in _parts(line):
        if part in _STROKES:
            _write_sign(picture, part, (x, y), scale)
        else:
            cv2.putText(picture, part, (x, y), _FONT, scale, 255, _WEIGHT, cv2.LINE_AA)
        x += _width(part, scale)


def _parts(line: str) -> Iterator[str]:
    """Yield each sign by itself, and what stands between signs as a whole."""
    for is_sign, run in itertools.groupby(line, key=_STROKES.__contains__):
        text = "".join(run)
        yield from text if is_sign else (text,)


def _width(part: str, scale: float) -> int:
    if part in _STROKES:
        return round((_SIDE + 2 * _GAP) * CAPITAL * scale)
    return int(cv2.getTextSize(part, _FONT, scale, _WEIGHT)[0][0])


def _write_sign(picture: NDArray[np.uint8], sign: str, origin: tuple[int, int], scale: float) -> None:
    unit = CAPITAL * scale
    weight = max(_WEIGHT, round(_THICK * unit))
    corner = np.array([origin[0] + _GAP * unit, origin[1] + (_BELOW - _SIDE) * unit])
    for stroke in _STROKES[sign]:
        points = np.rint((corner + np.array(stroke) * _SIDE * unit) * (1 << _SHIFT)).astype(np.int32)
        cv2.polylines(
            picture, [points], isClosed=False, color=255, thickness=weight, lineType=cv2.LINE_AA, shift=_SHIFT
        )
