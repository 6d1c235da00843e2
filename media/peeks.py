"""Fetches single frames of a stranger's video by their times, through the isolated decoder, and blurs them.

Looks at nothing else of the video, and does not say what is in it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from media.glimpse import Frame, fit_short_side
from media.isolation import open_video
from media.limits import Limits
from media.sampling import SamplingPlan

STILL_SIDE = 192
"""Short side of a still in pixels."""

BLUR_SHARE = 0.05
"""Standard deviation of the blur, as a share of the short side: shapes and colours stay, faces and writing do not."""

_JPEG_QUALITY = 80
_NEAR_S = 0.0005
"""Half a millisecond: times are those of a first decode of the same file."""


def frames_at(
    path: Path, times_s: Sequence[float], limits: Limits, *, short_side: int = 480, near_s: float = _NEAR_S
) -> dict[float, Frame]:
    """Return the frame nearest to each time, uint8 (H, W, 3), RGB, at most `short_side` on its short side.

    Times near which there is no frame, within `near_s` seconds, are left out. Pictures have one frame, at 0.

    Raises:
        MediaError: the file cannot be decoded within the limits.
    """
    found: dict[float, Frame] = {}
    distances: dict[float, float] = {}
    if not times_s:
        return found
    plan = SamplingPlan(closer=tuple((at - near_s, at + near_s) for at in sorted(set(times_s))), short_side=short_side)
    with open_video(path, limits=limits, plan=plan, pictures=True) as video:
        for clip in video:
            for seen_s, frame in zip(clip.times_s.tolist(), clip.frames, strict=True):
                nearest = min(times_s, key=lambda at: abs(at - seen_s))
                if abs(nearest - seen_s) < distances.get(nearest, near_s * 1.001):
                    found[nearest], distances[nearest] = frame.copy(), abs(nearest - seen_s)
    return found


def blurred(frame: Frame) -> Frame:
    """Return the frame out of focus, whatever its size."""
    sigma = BLUR_SHARE * min(frame.shape[:2])
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), dtype=np.uint8)


def blurred_jpeg(frame: Frame) -> bytes:
    """Return a small, blurred JPEG of a frame."""
    data = io.BytesIO()
    Image.fromarray(blurred(fit_short_side(frame, STILL_SIDE))).save(data, "JPEG", quality=_JPEG_QUALITY)
    return data.getvalue()
