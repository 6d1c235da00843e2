"""Decodes a clip that somebody else's generator made: whole, at full size, in an isolated process.

Judges nothing, and takes no more than can be marked in memory.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from media.clip import Clip, VideoInfo
from media.errors import MediaLimitExceeded
from media.isolation import open_video
from media.limits import Limits
from media.sampling import SamplingPlan
from safety.release import MAX_CLIP_BYTES


def load_clip(path: Path, limits: Limits) -> Clip:
    """Decode a whole file into memory, every frame at full size, in an isolated process.

    Raises:
        UnreadableMedia: it holds no video.
        MediaLimitExceeded: its pixels would need more than `MAX_CLIP_BYTES`.
    """
    plan = SamplingPlan(every_frame=True, short_side=sys.maxsize)
    windows: list[Clip] = []
    with open_video(path, limits=limits, plan=plan) as video:
        for window in video:
            windows.append(window)
            if sum(each.frames.nbytes for each in windows) > MAX_CLIP_BYTES:
                raise _too_large(path)
    frames = np.concatenate([each.frames for each in windows])
    return Clip(frames, np.concatenate([each.times_s for each in windows]), video.info.fps)


def refuse_too_large(path: Path, info: VideoInfo) -> None:
    """Refuse early what its container says is too large; what it conceals, `load_clip` finds.

    Raises:
        MediaLimitExceeded: as `load_clip`.
    """
    if info.width * info.height * 3 * info.fps * info.duration_s > MAX_CLIP_BYTES:
        raise _too_large(path)


def _too_large(path: Path) -> MediaLimitExceeded:
    return MediaLimitExceeded(
        f"{path.name}: its frames need more than {MAX_CLIP_BYTES // 10**6} MB; release shorter or smaller clips"
    )
