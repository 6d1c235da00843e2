"""What a mark must survive before it counts as embedded: a careless re-upload.

Works on brightness alone, where the mark is. Does not judge; it returns the damaged frames.
"""

from __future__ import annotations

import cv2
import numpy as np

from media.clip import Lumas
from media.codec.luma_copy import luma_copy

CRF = 28
LONGEST_SHORT_SIDE = 480
"""Pixels: larger pictures are scaled down to it, as platforms do."""

CROPPED = 0.10
"""Share of each side that is cut off, two thirds of it at the top and left."""


def recompress(lumas: Lumas, fps: float) -> Lumas:
    """Return the frames at 480 lines at most, encoded as H.264 at CRF 28 and decoded again.

    Raises:
        media.errors.MediaError: the frames cannot be encoded.
    """
    height, width = lumas.shape[1:]
    scale = min(1.0, LONGEST_SHORT_SIDE / min(height, width))
    size = (max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
    if size != (width, height):
        lumas = np.stack([cv2.resize(luma, size, interpolation=cv2.INTER_AREA) for luma in lumas]).astype(np.uint8)
    return luma_copy(lumas, fps=fps, crf=CRF)
