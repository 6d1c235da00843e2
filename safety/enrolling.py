"""Takes photos of one person for enrolment: decoded in isolation, looked at, not kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.base import MeasurementError
from media.isolation import open_video
from media.limits import Limits
from media.sampling import SamplingPlan
from safety.errors import InvalidContent

_ONE_FRAME = SamplingPlan(short_side=1080)

Describe = Callable[[Sequence[NDArray[np.uint8]]], NDArray[np.float32]]
"""Photos of one person, uint8 (H, W, 3) RGB, to their face's descriptors; raises MeasurementError, naming the photo."""


def photos_of(paths: Sequence[Path], limits: Limits, describe: Describe) -> NDArray[np.float32]:
    """Return the descriptors of the face that these photos show.

    Raises:
        MediaError: a file cannot be decoded within the limits.
        InvalidContent: one is a video, or no photo of one and the same face: says which, by its number, and why.
    """
    photos = [_photo(path, number, limits) for number, path in enumerate(paths, start=1)]
    if not photos:
        raise InvalidContent("a person is enrolled from photos: give at least one, better three")
    try:
        return describe(photos)
    except MeasurementError as error:
        raise InvalidContent(str(error)) from error


def _photo(path: Path, number: int, limits: Limits) -> NDArray[np.uint8]:
    with open_video(path, limits=limits, plan=_ONE_FRAME, pictures=True) as video:
        frames: list[NDArray[np.uint8]] = []
        for clip in video:
            frames.extend(clip.frames)
            if len(frames) > 1:  # a long film is not read to its end
                break
        else:
            if video.coverage.frames_total == 1:
                return frames[0]
    raise InvalidContent(f"photo {number} is a video: give pictures")
