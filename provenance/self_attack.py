"""What a mark must survive before it counts as embedded: a careless re-upload.

Does not judge; it returns the damaged clip.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

from media.clip import Clip
from media.codec import decode, encode_mp4

CRF = 28
LONGEST_SHORT_SIDE = 480
"""Pixels: larger clips are scaled down to it, as platforms do."""

CROPPED = 0.10
"""Share of each side that is cut off, two thirds of it at the top and left."""


def recompress(clip: Clip) -> Clip:
    """Return the clip at 480 lines at most, encoded as H.264 at CRF 28 and decoded again.

    Raises:
        media.errors.MediaError: the clip cannot be encoded.
    """
    height, width = clip.frames.shape[1:3]
    scale = min(1.0, LONGEST_SHORT_SIDE / min(height, width))
    size = (max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
    with tempfile.TemporaryDirectory(prefix="framegate-attack-") as folder:
        path = Path(folder) / "attacked.mp4"
        small = (cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in clip.frames)
        encode_mp4((np.asarray(frame, np.uint8) for frame in small), path, fps=clip.fps, crf=CRF, codec="h264-fast")
        decoded = list(decode(path))
    return Clip(
        frames=np.stack([frame for _, frame in decoded]),
        times_s=np.array([time for time, _ in decoded], np.float64),
        fps=clip.fps,
    )
