"""Burns the visible label into the picture: what people see, beside the marks that machines read.

Legible on any background, semi-transparent, and it moves from corner to corner so that one crop does not remove it.
Does not decide whether a label is wanted and carries no identifier.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from media.clip import Clip, Frames
from provenance import label_font, label_strokes
from provenance.label_strokes import CAPITAL
from provenance.label_style import LabelStyle, Place

DEFAULT_TEXT = LabelStyle().text
OPENING_TIMES = 2.0
"""How much higher the letters of an opening label are."""

OPACITY = 0.75
STAY_S = 3.0
"""Seconds in one corner."""

MARGIN_SHARE = 0.03
SMALLEST_CAPITAL = 7.0
"""Pixels; smaller letters cannot be read."""

Layer = NDArray[np.float32]


def burn_label(clip: Clip, text: str = DEFAULT_TEXT, *, style: LabelStyle | None = None) -> Clip:
    """Return the clip with its label: `text` in a corner, and in another one every three seconds, or as `style` says.

    Equal clips give equal pictures. A text too wide for the picture is broken at its `·`, then made smaller.

    Raises:
        ValueError: the text is empty.
        LabelError: the style's font cannot be read, or lacks a letter.
    """
    text = style.text if style else text
    if not text.strip():
        raise ValueError("a visible label needs a text")
    style = style or LabelStyle()
    size = (clip.frames.shape[1], clip.frames.shape[2])
    small = _drawn(text, size, style.height, style.font)
    large = _drawn(text, size, OPENING_TIMES * style.height, style.font) if style.opening_s else None
    frames = clip.frames.copy()
    for frame, time_s in zip(frames, clip.times_s, strict=True):
        _lay(frame, small, _corner(float(time_s), size, small[0].shape, style.place))
        if large is not None and time_s < style.opening_s:
            height, width = large[0].shape[:2]
            _lay(frame, large, ((size[0] - height) // 2, (size[1] - width) // 2))
    return replace(clip, frames=frames)


def _lay(frame: Frames, drawn: tuple[Layer, Layer], at: tuple[int, int]) -> None:
    shade, opacity = drawn
    top, left = at
    area = frame[top : top + shade.shape[0], left : left + shade.shape[1]]
    area[:] = np.rint(area * (1 - opacity) + shade * opacity).astype(np.uint8)


def _drawn(text: str, size: tuple[int, int], height_share: float, font: Path | None) -> tuple[Layer, Layer]:
    """Return shade (0 black to 255 white) and opacity (0 to 1) of the text, float32 (h, w, 1) each."""
    height, width = size
    room_height, room_width = (side - 2 * _margin(height, width) for side in (height, width))
    lines = [text]
    if _measure(lines, _scale(height, width, height_share), font)[1] > room_width:
        lines = [part.strip() for part in text.split("·") if part.strip()] or lines
    scale = _scale(height, width, height_share)
    for _ in range(2):  # widths are rounded, so the first correction may fall short
        box_height, box_width = _measure(lines, scale, font)
        scale *= min(1.0, room_width / box_width, room_height / box_height)
    box_height, box_width = _measure(lines, scale, font)
    box_height, box_width = min(box_height, room_height), min(box_width, room_width)
    strokes = np.zeros((box_height, box_width), np.uint8)
    edge = _edge(scale)
    for number, line in enumerate(lines):
        origin = (edge, _line_height(scale) * number + round(CAPITAL * scale) + edge)
        if font is None:
            label_strokes.write_line(strokes, line, origin, scale)
        else:
            label_font.write_line(strokes, line, origin, CAPITAL * scale, font)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * edge + 1, 2 * edge + 1))
    seen = cv2.dilate(strokes, disc).astype(np.float32)[..., None] / 255
    return strokes.astype(np.float32)[..., None], np.asarray(seen * OPACITY, np.float32)


def _corner(
    time_s: float, frame: tuple[int, int], box: tuple[int, ...], place: Place = Place.MOVING
) -> tuple[int, int]:
    margin = _margin(*frame)
    bottom, right = frame[0] - margin - box[0], frame[1] - margin - box[1]
    corners = {
        Place.BOTTOM_RIGHT: (bottom, right),
        Place.TOP_LEFT: (margin, margin),
        Place.BOTTOM_LEFT: (bottom, margin),
        Place.TOP_RIGHT: (margin, right),
    }
    return corners[place] if place in corners else list(corners.values())[int(time_s / STAY_S) % 4]


def _measure(lines: list[str], scale: float, font: Path | None) -> tuple[int, int]:
    widths = [
        label_strokes.line_width(line, scale) if font is None else label_font.line_width(line, CAPITAL * scale, font)
        for line in lines
    ]
    return _line_height(scale) * len(lines) + _edge(scale), max(widths) + 2 * _edge(scale)


def _scale(height: int, width: int, height_share: float) -> float:
    return max(height_share * min(height, width), SMALLEST_CAPITAL) / CAPITAL


def _edge(scale: float) -> int:
    return max(1, round(2 * scale))


def _line_height(scale: float) -> int:
    return math.ceil(CAPITAL * scale * 1.5) + _edge(scale)


def _margin(height: int, width: int) -> int:
    return max(1, round(MARGIN_SHARE * min(height, width)))
