"""What compression leaves of the brightness of a few frames: through H.264 and back in memory, colours left out.

For trying what a picture would lose, at a fraction of the cost of a file. Writes nothing anybody keeps or plays.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import av.error
import cv2
import numpy as np
from av.video.frame import VideoFrame

from media.clip import Lumas
from media.errors import EncodingError

_FULL = np.arange(256, dtype=np.float64)
_TO_LIMITED = np.rint(16 + _FULL * 219 / 255).astype(np.uint8)
"""Video keeps luma in 16 to 235 (ITU-R BT.601, 2.5.1)."""

_TO_FULL = np.clip(np.rint((_FULL - 16) * 255 / 219), 0, 255).astype(np.uint8)

_HASTE = {"subq": "1", "refs": "1"}
"""Two thirds of the preset's time, and the same loss (measured on a pan and on water)."""


def luma_copy(lumas: Lumas, *, fps: float, crf: int) -> Lumas:
    """Return the frames as H.264 gives them back (x264's `veryfast`), in their order and of their size.

    Args:
        lumas: uint8 (T, H, W), T >= 1, even sides.
        fps: frames a second, > 0.
        crf: x264's quality, 0 (best) to 51.

    Raises:
        EncodingError: the sides are odd, or the codec failed.
    """
    count, height, width = lumas.shape
    if height % 2 or width % 2:
        raise EncodingError(f"{width}x{height}: H.264 needs even sides; scale or crop by one pixel")
    try:
        encoder: Any = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base = 1 / Fraction(fps).limit_denominator(1001)
        encoder.options = {"preset": "veryfast", "threads": "1", "crf": str(crf), **_HASTE}
        decoder: Any = av.CodecContext.create("h264", "r")
        decoder.thread_count = 1
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        packets = []
        for index, luma in enumerate(lumas):
            cv2.LUT(luma, _TO_LIMITED, dst=planes[:height])
            picture = VideoFrame.from_ndarray(planes, format="yuv420p")
            picture.pts = index
            packets += encoder.encode(picture)
        copied = [frame for packet in [*packets, *encoder.encode(None)] for frame in decoder.decode(packet)]
        copied += decoder.decode(None)
    except (av.error.FFmpegError, ValueError) as error:
        raise EncodingError(f"the codec failed ({type(error).__name__})") from error
    if len(copied) != count:
        raise EncodingError(f"{count} frames went into the codec, {len(copied)} came back")
    return np.stack([cv2.LUT(frame.to_ndarray()[:height], _TO_FULL) for frame in copied]).astype(np.uint8)
