"""Puts parts of several videos into one picture track: one after the other, or a small one inside a large one.

For measuring whether a generated part of a real video is found, with its seconds. Every result is compressed once as a
whole, so that no seam is a seam of two encoders. Decides nothing, and finds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from media.renditions import Frame, recompressed

CORNERS = ("upper left", "upper right", "lower left", "lower right")


def joined(parts: Sequence[Sequence[Frame]], *, fps: float, crf: int = 23) -> list[Frame]:
    """Return the parts one after the other, each brought to the size of the first frame, compressed as one video."""
    height, width = parts[0][0].shape[:2]
    return recompressed([covering(frame, height, width) for part in parts for frame in part], crf=crf, fps=fps)


def inserted(
    frames: Sequence[Frame], insert: Sequence[Frame], *, corner: str, share: float, fps: float, crf: int = 23
) -> list[Frame]:
    """Return `frames` with `insert` over one corner, as wide and high as `share` of them, compressed as one video.

    An insert that ends early stays on its last frame.
    """
    high, wide = (round(side * share) for side in frames[0].shape[:2])
    made = []
    for at, frame in enumerate(frames):
        small = covering(insert[min(at, len(insert) - 1)], high, wide)
        top = 0 if corner.startswith("upper") else frame.shape[0] - high
        left = 0 if corner.endswith("left") else frame.shape[1] - wide
        whole = frame.copy()
        whole[top : top + high, left : left + wide] = small
        made.append(whole)
    return recompressed(made, crf=crf, fps=fps)


def covering(frame: Frame, height: int, width: int) -> Frame:
    """Return the middle of a frame at this size: scaled until it covers it, then cut."""
    scale = max(height / frame.shape[0], width / frame.shape[1])
    size = max(width, round(frame.shape[1] * scale)), max(height, round(frame.shape[0] * scale))
    filtering = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = np.asarray(cv2.resize(frame, size, interpolation=filtering), dtype=np.uint8)
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return scaled[top : top + height, left : left + width]
