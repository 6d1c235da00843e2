"""Makes a copy of a video that is easier to look at: grey, small, out of focus, silent. For reviewers.

It is made in a moment and meant for nobody else; what it shows is the same, at the same times. The file is decoded in
isolation like any stranger's. It judges nothing and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from media.codec import encode_mp4
from media.glimpse import Frame
from media.isolation import SampledVideo, open_video
from media.limits import Limits
from media.peeks import blurred
from media.sampling import SamplingPlan

SOFT_FPS = 8.0
"""Frames a second: movement stays readable."""

SOFT_SIDE = 240
"""Pixels of the short side at most."""

_CRF = 28


def soften(path: Path, out: Path, limits: Limits) -> None:
    """Write a soft copy of a video or picture as MP4, as long as the original to 1 / 8 second.

    Raises:
        UnreadableMedia: not a video we can decode.
        MediaLimitExceeded: it would cost more than `limits`.
        EncodingError, StorageError: the copy cannot be written.
    """
    plan = SamplingPlan(fps=SOFT_FPS, short_side=SOFT_SIDE)
    with open_video(path, limits=limits, plan=plan, pictures=True) as video:
        encode_mp4(_steady(video), out, fps=SOFT_FPS, crf=_CRF, codec="h264-fast")


def soft_frame(frame: Frame) -> Frame:
    """Return a frame in grey and out of focus, of even height and width."""
    height, width = (max(2, side - side % 2) for side in frame.shape[:2])
    whole = frame if min(frame.shape[:2]) > 1 else cv2.resize(frame, (width, height))
    grey = cv2.cvtColor(np.ascontiguousarray(whole[:height, :width]), cv2.COLOR_RGB2GRAY)
    return blurred(np.repeat(grey[:, :, None], 3, axis=2))


def _steady(video: SampledVideo) -> Iterator[Frame]:
    """One frame every 1 / 8 second, whenever the sampled ones come: the newest that there is by then."""
    shown: Frame | None = None
    tick = 0
    for clip in video:
        for at, frame in zip(clip.times_s.tolist(), clip.frames, strict=True):
            while shown is not None and tick / SOFT_FPS < at:
                yield shown
                tick += 1
            shown = soft_frame(frame)
    if shown is not None:
        yield shown
