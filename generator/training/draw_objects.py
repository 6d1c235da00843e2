"""Draws the one object of a Scene: six shapes with a shaded body and a dark outline, sub-pixel and anti-aliased.

Knows nothing of places, motion or captions.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

COLOURS = {
    "red": (222, 36, 36),
    "orange": (246, 138, 22),
    "yellow": (248, 222, 36),
    "green": (36, 176, 62),
    "blue": (36, 80, 226),
    "purple": (134, 50, 190),
    "pink": (246, 110, 180),
    "white": (246, 246, 246),
}
"""RGB of the object colours: what the probe looks for."""

Points = NDArray[np.float64]


def _regular(corners: int, start_deg: float, radii: tuple[float, ...]) -> Points:
    angles = np.deg2rad(start_deg + np.arange(corners) * 360 / corners)
    points: Points = np.stack([np.cos(angles), np.sin(angles)], 1) * np.resize(radii, corners)[:, None]
    return points


def _heart() -> Points:
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x, -y - 2.5], 1) / 16.5


OUTLINES: dict[str, Points] = {
    "ball": _regular(48, 0, (0.95,)),
    "ring": _regular(48, 0, (1.0,)),
    "cube": _regular(6, 30, (1.0,)),
    "star": _regular(10, -90, (1.08, 0.46)),
    "heart": _heart(),
    "triangle": _regular(3, -90, (1.12,)),
}
"""Outline of every shape round (0, 0), in radii, y down."""


def draw_object(
    picture: NDArray[np.uint8], shape: str, colour: str, centre: tuple[float, float], radius: float
) -> None:
    """Draw into `picture` (uint8 (H, W, 3), RGB); centre and radius in pixels."""
    body = np.array(COLOURS[colour], np.float64)
    dark = body * 0.45
    outline = OUTLINES[shape]
    if shape == "ring":
        thickness = max(1, round(radius * 0.46))
        _circle(picture, centre, radius * 0.77, dark, thickness)
        _circle(picture, centre, radius * 0.77, body, max(1, round(radius * 0.3)))
        return
    _fill(picture, outline, centre, radius, dark)
    _fill(picture, outline, centre, radius * 0.86, body)
    if shape == "cube":
        corners = outline * 0.86  # the Y of edges that makes a hexagon read as a cube
        middle = np.zeros(2)
        _fill(picture, np.array([middle, corners[5], corners[0], corners[1]]), centre, radius, body * 0.72)
        _fill(picture, np.array([middle, corners[1], corners[2], corners[3]]), centre, radius, body * 0.86)
    if shape == "ball":
        shine = np.minimum(body + 70, 255)
        _fill(picture, outline, (centre[0] - 0.28 * radius, centre[1] - 0.3 * radius), radius * 0.3, shine)


def _fill(
    picture: NDArray[np.uint8], outline: Points, centre: tuple[float, float], radius: float, colour: Points
) -> None:
    points = np.round((outline * radius + centre) * 16).astype(np.int32)
    cv2.fillPoly(picture, [points], [float(c) for c in colour], cv2.LINE_AA, shift=4)


def _circle(
    picture: NDArray[np.uint8], centre: tuple[float, float], radius: float, colour: Points, thickness: int
) -> None:
    point = (round(centre[0] * 16), round(centre[1] * 16))
    cv2.circle(picture, point, round(radius * 16), [float(c) for c in colour], thickness, cv2.LINE_AA, shift=4)
