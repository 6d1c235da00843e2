"""Makes parts of frames unrecognisable: a box, or the whole frame, through a stretch of time.

The pixels are averaged over coarse blocks first and blurred then: what was averaged cannot be sharpened again. Does not
know why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from media.clip import Clip
from media.glimpse import Frame

BLOCKS = 6
"""Blocks along the shorter side of what is made unrecognisable."""

MARGIN = 0.15
"""Share of a box's sides that is added on each side: boxes are estimates."""

MARGIN_FRAMES = 2
"""Frames before and after a stretch: its ends are estimates too, and an encoder carries pixels over."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Place:
    """Where something stands: seconds, and a box as shares of width and height; None: the whole frame."""

    start_s: float
    end_s: float
    box: Box | None = None


def redacted(clip: Clip, places: Sequence[Place]) -> Clip:
    """Return the clip with these places made unrecognisable; the other pixels, times and the size stay."""
    frames = clip.frames.copy()
    margin_s = MARGIN_FRAMES / clip.fps
    for place in places:
        for at in np.flatnonzero((clip.times_s >= place.start_s - margin_s) & (clip.times_s < place.end_s + margin_s)):
            _hide(frames[at], place.box)
    return Clip(frames, clip.times_s, clip.fps)


def _hide(frame: Frame, box: Box | None) -> None:
    height, width = frame.shape[:2]
    left, top, right, bottom = (0.0, 0.0, 1.0, 1.0) if box is None else box
    wide, high = MARGIN * (right - left), MARGIN * (bottom - top)
    columns = slice(int(max(0.0, left - wide) * width), int(np.ceil(min(1.0, right + wide) * width)))
    rows = slice(int(max(0.0, top - high) * height), int(np.ceil(min(1.0, bottom + high) * height)))
    part = frame[rows, columns]
    if not part.size:
        return
    size = part.shape[1], part.shape[0]
    block = max(1, min(size) // BLOCKS)
    coarse = cv2.resize(part, (max(1, size[0] // block), max(1, size[1] // block)), interpolation=cv2.INTER_AREA)
    hidden = cv2.resize(coarse, size, interpolation=cv2.INTER_NEAREST)
    frame[rows, columns] = cv2.GaussianBlur(hidden, (0, 0), max(1.0, block / 3))
