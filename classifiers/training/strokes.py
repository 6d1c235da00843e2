"""Strokes on a small square canvas: what symbols and look-alikes are drawn with. Knows no symbol."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.float32]
"""float32 (SIDE, SIDE), 1 where the shape is."""

Chance = np.random.Generator
Shape = Callable[[Chance], Mask]

SIDE = 96
"""Pixels of the canvas; shapes fill about its central nine tenths."""

_CENTRE = SIDE / 2
_UNIT = SIDE * 0.42
"""Pixels of half a shape."""


def blank() -> NDArray[np.uint8]:
    """Return an empty canvas."""
    return np.zeros((SIDE, SIDE), dtype=np.uint8)


def place_of(points: object) -> NDArray[np.int32]:
    """Unit coordinates (x right, y down, -1 to 1) to pixels with four binary places."""
    return np.asarray(np.round((np.asarray(points, dtype=np.float64) * _UNIT + _CENTRE) * 16), dtype=np.int32)


def fill(canvas: NDArray[np.uint8], points: object, value: int = 255) -> None:
    """Fill a polygon."""
    cv2.fillPoly(canvas, [place_of(points)], value, cv2.LINE_AA, 4)


def line(canvas: NDArray[np.uint8], points: object, width: float, *, closed: bool = False, value: int = 255) -> None:
    """Draw a line of that width, in units of half a shape."""
    cv2.polylines(canvas, [place_of(points)], closed, value, max(1, round(width * _UNIT)), cv2.LINE_AA, 4)


def disc(
    canvas: NDArray[np.uint8], radius: float, *, width: float = -1, at: tuple[float, float] = (0, 0), value: int = 255
) -> None:
    """Draw a disc, or a ring of that width."""
    (x, y), r = place_of(at), round(radius * _UNIT * 16)
    thickness = -1 if width < 0 else max(1, round(width * _UNIT))
    cv2.circle(canvas, (int(x), int(y)), r, value, thickness, cv2.LINE_AA, 4)


def mask_of(canvas: NDArray[np.uint8]) -> Mask:
    """Return a canvas as a mask."""
    return np.asarray(canvas, dtype=np.float32) / np.float32(255)


def turned(points: object, degrees: float) -> NDArray[np.float64]:
    """Turn points around the middle."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    result: NDArray[np.float64] = np.asarray(points, dtype=np.float64) @ turn.T
    return result


def hooks(
    chance: Chance, *, right: bool, tilt: float, width: float, arms: int = 4, reach: float = 1.0
) -> NDArray[np.uint8]:
    """Draw arms with hooks around the middle."""
    canvas = blank()
    side = 1.0 if right else -1.0
    for arm in range(arms):
        path = np.array([[0, 0], [0, -0.86], [side * 0.86 * reach, -0.86]])
        line(canvas, turned(path, tilt + 360 / arms * arm), width)
    return canvas


def scribble(canvas: NDArray[np.uint8], chance: Chance, box: tuple[float, float, float, float], value: int) -> None:
    """Draw strokes like hasty writing into a box."""
    left, top, right, bottom = box
    for _ in range(int(chance.integers(5, 11))):
        x, y = float(chance.uniform(left, right)), float(chance.uniform(top, bottom))
        steps = np.cumsum(chance.normal(0, 0.09, (5, 2)), axis=0)
        path = np.clip(np.array([x, y]) + steps, (left, top), (right, bottom))
        line(canvas, path, 0.06, value=value)
