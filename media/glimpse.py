"""A decoded frame before anybody wants to see it: a small gray picture of it is cheap, the RGB picture comes on demand.

Knows arrays only; frames of FFmpeg are wrapped in `media.codec`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
"""uint8 (H, W, 3), RGB."""

Thumbnail = NDArray[np.uint8]
"""uint8 (32, 32), gray."""

THUMBNAIL = 32
"""Side in pixels of the gray picture that cuts are found in: a mean over blocks, blind to noise and compression."""


class Glimpse(Protocol):
    """One frame, upright."""

    def thumbnail(self) -> Thumbnail:
        """Return the frame as 32x32 gray pixels."""

    def colours(self) -> NDArray[np.uint8]:
        """Return the frame as 32x32 RGB pixels, uint8 (32, 32, 3)."""

    def picture(self, short_side: int) -> Frame:
        """Return it as RGB, scaled down so that its short side is `short_side` pixels; never up."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame that is an RGB picture already."""

    frame: Frame

    def thumbnail(self) -> Thumbnail:
        """See `Glimpse`."""
        small = cv2.resize(thinned(self.frame), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)

    def colours(self) -> NDArray[np.uint8]:
        """See `Glimpse`."""
        return np.asarray(
            cv2.resize(thinned(self.frame), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA), dtype=np.uint8
        )

    def picture(self, short_side: int) -> Frame:
        """See `Glimpse`."""
        return fit_short_side(self.frame, short_side)


def gray_thumbnail(luma: NDArray[np.uint8]) -> Thumbnail:
    """Return gray pixels uint8 (H, W) as a thumbnail."""
    return np.asarray(cv2.resize(thinned(luma), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def thinned(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return every n-th pixel: 16 to 64 for each pixel of a thumbnail. Averaging all of an HD frame costs more than
    decoding it."""
    stride = max(1, min(frame.shape[:2]) // (4 * THUMBNAIL))
    return np.ascontiguousarray(frame[::stride, ::stride])


def change(one: Thumbnail, other: Thumbnail) -> float:
    """Return the mean absolute difference of two thumbnails, in [0, 1]."""
    return float(cv2.absdiff(one, other).mean()) / 255


def fit_short_side(frame: Frame, short_side: int) -> Frame:
    """Scale a frame down so that its short side is `short_side` pixels; never up."""
    height, width = frame.shape[:2]
    if min(height, width) <= short_side:
        return frame
    return np.asarray(cv2.resize(frame, fitted_size(height, width, short_side), interpolation=cv2.INTER_AREA), np.uint8)


def fitted_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Return (width, height) in pixels with a short side of at most `short_side`, in the same shape."""
    scale = min(1.0, short_side / min(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))
