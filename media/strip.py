"""Keeps a few small pictures of a video while it streams by, evenly spread over a length that nobody knows yet.

For people who read a report: they see what was looked at. Holds at most twice `PICTURES` pictures, however long the
video is. Judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from media.clip import Clip
from media.glimpse import fit_short_side

PICTURES = 8
"""Pictures of a strip at most."""

SHORT_SIDE = 96
"""Pixels."""

_QUALITY = 70
"""Of JPEG, 0 to 100."""


@dataclass(frozen=True)
class Picture:
    """One frame, small."""

    time_s: float
    jpeg: bytes


@dataclass
class Strip:
    """Watches windows of one video in order."""

    most: int = PICTURES
    """Frames that are kept in the end."""

    short_side: int = SHORT_SIDE
    """Pixels: larger frames are brought down to it."""

    _kept: list[tuple[float, NDArray[np.uint8]]] = field(default_factory=list)
    _stride: int = 1
    _seen: int = 0

    def watch(self, clip: Clip) -> None:
        """Take the frames of a window that fall to the strip."""
        for frame, time_s in zip(clip.frames, clip.times_s, strict=True):
            if self._seen % self._stride == 0:
                self._kept.append((float(time_s), fit_short_side(frame, self.short_side)))
                if len(self._kept) > 2 * self.most:
                    self._kept, self._stride = self._kept[::2], self._stride * 2
            self._seen += 1

    def pictures(self) -> tuple[Picture, ...]:
        """Return at most `most` pictures in order, the first one always among them."""
        return tuple(Picture(time_s, _jpeg(frame)) for time_s, frame in self._chosen())

    def frames(self) -> list[NDArray[np.uint8]]:
        """Return the same frames as they were kept."""
        return [frame for _, frame in self._chosen()]

    def clip(self, fps: float) -> Clip | None:
        """Return the same frames as they were kept, of a video of that rate; None before the first window."""
        chosen = self._chosen()
        if not chosen:
            return None
        return Clip(np.stack([frame for _, frame in chosen]), np.array([time_s for time_s, _ in chosen]), fps)

    def _chosen(self) -> list[tuple[float, NDArray[np.uint8]]]:
        if not self._kept:
            return []
        places = np.linspace(0, len(self._kept) - 1, min(self.most, len(self._kept))).round().astype(int)
        return [self._kept[at] for at in np.unique(places)]


def _jpeg(frame: NDArray[np.uint8]) -> bytes:
    _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(frame[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(encoded)
