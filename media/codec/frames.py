"""One frame as FFmpeg decoded it: its brightness can be glimpsed at for little, its RGB picture is made on demand.

Opens nothing and decides nothing about what is worth looking at.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from media.clip import VideoInfo
from media.codec.tone import toned
from media.glimpse import Frame, Picture, Thumbnail, fitted_size, gray_thumbnail

_BT709 = 1
_UNSPECIFIED = 2
"""Matrix coefficients, ITU-T H.273 table 4."""

_HD_HEIGHT = 720

_BRIGHTNESS_FIRST = frozenset(
    {"gray", "nv12", "nv21", "yuva420p", "yuva422p", "yuva444p"}
    | {f"yuv{j}{rate}p" for j in ("", "j") for rate in ("420", "422", "444", "440", "411", "410")}
)
"""Pixel formats whose first plane is the brightness, one byte a pixel."""

_PLANAR_COLOURS = frozenset(f"yuv{j}{rate}p" for j in ("", "j") for rate in ("420", "422", "444", "440", "411", "410"))
"""Of these the second and third plane are the colour differences towards blue and red, one byte a pixel."""

_FULL_RANGE = 2
"""AVCOL_RANGE_JPEG of FFmpeg."""


@dataclass(frozen=True, eq=False)
class DecodedFrame:
    """A `media.glimpse.Glimpse` of a decoded frame; all frames of a video take the size that `info` gives."""

    frame: VideoFrame
    info: VideoInfo

    def thumbnail(self) -> Thumbnail:
        """Return the frame as 32x32 gray pixels, upright."""
        if self.frame.format.name not in _BRIGHTNESS_FIRST:
            return Picture(self.picture(_HD_HEIGHT)).thumbnail()
        rows = _rows(self.frame.planes[0])
        return np.ascontiguousarray(np.rot90(gray_thumbnail(rows), quarter_turns(self.frame)))

    def colours(self) -> NDArray[np.uint8]:
        """Return the frame as uint8 (32, 32, 3) RGB, upright: from thinned planes where they are at hand."""
        if self.frame.format.name not in _PLANAR_COLOURS:
            return Picture(self.picture(_HD_HEIGHT)).colours()
        brightness, blue, red = (gray_thumbnail(_rows(plane)).astype(np.float32) for plane in self.frame.planes[:3])
        full = self.frame.format.name.startswith("yuvj") or self.frame.color_range == _FULL_RANGE
        hd = self.frame.colorspace == _BT709 or (
            self.frame.colorspace == _UNSPECIFIED and self.frame.height >= _HD_HEIGHT
        )
        kr, kb = (0.2126, 0.0722) if hd else (0.299, 0.114)
        y = brightness if full else (brightness - 16) * (255 / 219)
        cb, cr = ((plane - 128) * (1.0 if full else 255 / 224) for plane in (blue, red))
        r, b = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
        g = (y - kr * r - kb * b) / (1 - kr - kb)
        rgb = np.clip(np.rint(np.stack([r, g, b], axis=-1)), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.rot90(rgb, quarter_turns(self.frame)))

    def picture(self, short_side: int) -> Frame:
        """Return the frame as uint8 (H, W, 3), RGB, upright, its short side at most `short_side` pixels.

        Of an interlaced frame one field is shown, so that what moves has no combs; PQ and HLG are brought to what an
        ordinary screen shows.
        """
        turns = quarter_turns(self.frame)
        width, height = (self.info.height, self.info.width) if turns % 2 else (self.info.width, self.info.height)
        width, height = fitted_size(height, width, short_side)
        # Players take untagged HD as BT.709; swscale would take it as BT.601 and shift every colour.
        untagged_hd = self.frame.colorspace == _UNSPECIFIED and self.frame.height >= _HD_HEIGHT
        woven = self.frame.interlaced_frame
        lines = self.frame.height if woven else height
        decoded = self.frame.to_ndarray(
            format="rgb24",
            width=width,
            height=lines,
            src_colorspace=_BT709 if untagged_hd else None,
            interpolation=Interpolation.AREA if lines < self.frame.height else None,
        )
        rgb = np.asarray(decoded, dtype=np.uint8)
        if woven:
            field = cv2.resize(np.ascontiguousarray(rgb[::2]), (width, height), interpolation=cv2.INTER_LINEAR)
            rgb = np.asarray(field, dtype=np.uint8)
        shown = toned(rgb, int(self.frame.color_trc), int(self.frame.color_primaries))
        return np.ascontiguousarray(np.rot90(shown, turns))


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    return np.asarray(memoryview(plane)).reshape(plane.height, plane.line_size)[:, : plane.width]


def quarter_turns(frame: VideoFrame) -> int:
    """Return the counter-clockwise quarter turns that make a picture upright, 0 to 3."""
    return round(frame.rotation / 90) % 4
