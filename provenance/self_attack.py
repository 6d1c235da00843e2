"""What a mark must survive before it counts as embedded: half size and strong H.264, like a careless re-upload.

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
SMALLEST_SIDE = 16
"""Pixels; below this the encoder has nothing to work with."""


def halve_and_compress(clip: Clip) -> Clip:
    """Return the clip at half its width and height, encoded as H.264 at CRF 28 and decoded again.

    Raises:
        media.errors.MediaError: the clip cannot be encoded.
    """
    height, width = (max(SMALLEST_SIDE, side // 4 * 2) for side in clip.frames.shape[1:3])
    with tempfile.TemporaryDirectory(prefix="framegate-attack-") as folder:
        path = Path(folder) / "attacked.mp4"
        small = (cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in clip.frames)
        encode_mp4((np.asarray(frame, np.uint8) for frame in small), path, fps=clip.fps, crf=CRF)
        decoded = list(decode(path))
    return Clip(
        frames=np.stack([frame for _, frame in decoded]),
        times_s=np.array([time for time, _ in decoded], np.float64),
        fps=clip.fps,
    )
