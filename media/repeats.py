"""Says which frames of a window show again what an earlier one shows, so that it need not be looked at twice.

Two bounds, both on the largest difference anywhere, never on a mean: at about the size that networks look at, and in
the frame as it is. The second is for what a mean over neighbours hides: fine lines that cancel out at one size and
with one way of scaling need not at another. Noise and compression of a still picture lie within. Knows no classifier.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE: Final = 224
"""Pixels of the shorter side, of the whole frame: what CLIP's tower and open_nsfw look at."""

WITHIN: Final = 4
"""Levels of 255 by which a channel of a pixel of that may differ."""

WITHIN_AS_IT_IS: Final = 16
"""Levels of 255 by which a channel of a pixel of the frame may differ: no scaling makes much more of it."""


def shown_before(frames: Iterable[NDArray[np.uint8]]) -> list[int]:
    """Return, for each frame uint8 (H, W, 3), the index of the frame that shows the same: its own, or an earlier one.

    Compared with the last frame that showed something new, never with a repetition: small changes add up. Two frames
    are held at a time.
    """
    shown: list[int] = []
    new: NDArray[np.uint8] | None = None
    new_small: NDArray[np.uint8] | None = None
    for at, frame in enumerate(frames):
        small = as_looked_at(frame)
        if (
            new is not None
            and new_small is not None
            and frame.shape == new.shape
            and _largest(small, new_small) <= WITHIN
            and _largest(frame, new) <= WITHIN_AS_IT_IS
        ):
            shown.append(shown[-1])
        else:
            shown.append(at)
            new, new_small = frame, small
    return shown


def as_looked_at(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale a frame to `SIDE` on its shorter side; a smaller one stays as it is."""
    height, width = frame.shape[:2]
    scale = SIDE / min(height, width)
    if scale >= 1:
        return frame
    size = (max(SIDE, round(width * scale)), max(SIDE, round(height * scale)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _largest(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return int(cv2.absdiff(one, other).max())
