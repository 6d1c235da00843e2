"""Decodes one still picture of a stranger: JPEG, PNG or WebP, recognised by content, checked for size before a pixel is
decoded, turned upright.

Does not isolate itself: `media.decode_child` runs it. An animation is refused: its other frames would go unseen.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from media.clip import VideoInfo
from media.errors import MediaLimitExceeded, UnreadableMedia
from media.limits import Limits

FORMATS = ("JPEG", "PNG", "WEBP")

PLUGINS = (JpegImagePlugin, PngImagePlugin, WebPImagePlugin)
"""Loaded with this module, because a confined process opens nothing later."""

_FAULTS = (OSError, ValueError, SyntaxError, EOFError, OverflowError, KeyError, IndexError, TypeError)
"""What Pillow raises for a damaged file."""


def is_picture(file: BinaryIO) -> bool:
    """Say whether a file begins like a picture; its position stays at the beginning."""
    head = file.read(16)
    file.seek(0)
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def decode_picture(file: BinaryIO, name: str, limits: Limits) -> tuple[VideoInfo, NDArray[np.uint8]]:
    """Return a picture as a video of one frame, and the frame: uint8 (H, W, 3), RGB, upright.

    What lies under transparent pixels counts as visible: whoever uses the picture may flatten it.

    Raises:
        UnreadableMedia: not a whole picture, or an animation.
        MediaLimitExceeded: more pixels than allowed.
    """
    try:
        with Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > limits.max_pixels:
                raise MediaLimitExceeded(
                    f"{name}: {picture.width}x{picture.height} pixels, more than the {limits.max_pixels} allowed"
                )
            if getattr(picture, "n_frames", 1) > 1:
                raise UnreadableMedia(f"{name}: the picture is animated; send it as a video")
            kind = str(picture.format).lower()
            frame = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"), dtype=np.uint8)
    except Image.DecompressionBombError as error:
        raise MediaLimitExceeded(f"{name}: the picture has too many pixels") from error
    except _FAULTS as error:
        raise UnreadableMedia(f"{name}: the picture cannot be decoded ({type(error).__name__})") from error
    height, width = frame.shape[:2]
    info = VideoInfo(width, height, 1.0, 0.0, codec=kind, container=kind, has_audio=False, tags={})
    return info, np.ascontiguousarray(frame)
