"""Makes an item of a bank out of a video or a picture: decoded in isolation, hashed four times a second, not kept."""

from __future__ import annotations

from pathlib import Path

from media.fingerprint import MIN_QUALITY, fingerprint
from media.isolation import open_video
from media.known_frames import KnownFrame
from media.limits import Limits
from media.sampling import SamplingPlan
from safety.banks import NewItem
from safety.errors import InvalidContent

BANK_PLAN = SamplingPlan(fps=4.0, min_frames=64, short_side=480)
"""As uploads are hashed (`safety.scan`): whatever the grid of a query, a hash lies within an eighth of a second."""


def new_item_of(path: Path, limits: Limits) -> NewItem:
    """Return what a bank keeps of a video or a still picture; its source is the file's name.

    Raises:
        MediaError: the file cannot be decoded within the limits.
        InvalidContent: no frame has texture enough to be known again.
    """
    frames: list[KnownFrame] = []
    with open_video(path, limits=limits, plan=BANK_PLAN, pictures=True) as video:
        for clip in video:
            for time_s, picture in zip(clip.times_s, clip.frames, strict=True):
                seen = fingerprint(picture)
                if seen.quality >= MIN_QUALITY:
                    frames.append(KnownFrame(seen.hash_hex, float(time_s), seen.quality))
        single = video.coverage.frames_total == 1
    if not frames:
        raise InvalidContent(f"{path.name}: no frame has texture enough to be known again: it would match nothing")
    if single:
        frames = [KnownFrame(frames[0].hash_hex, None, frames[0].quality)]
    return NewItem(path.name, tuple(frames))
