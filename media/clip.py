"""The pixel types every floor shares: what was decoded, when it stands, and how much was seen.

Holds values only. Decoding is `media.codec`, choosing frames is `media.sampling`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from media.flashes import Flashing
from media.sound import Sound

Frames = NDArray[np.uint8]
"""uint8 (T, H, W, 3), RGB."""

Lumas = NDArray[np.uint8]
"""uint8 (T, H, W): brightness alone, BT.601, 0 black to 255 white."""


@dataclass(frozen=True, eq=False)
class Clip:
    """Decoded frames with their times: a whole short clip or one window of a long one.

    A file of any length is judged window by window, so memory does not grow with it.
    """

    frames: Frames
    """uint8 (T, H, W, 3), RGB, T >= 1."""

    times_s: NDArray[np.float64]
    """float64 (T,), ascending presentation times in seconds from the start of the video."""

    fps: float
    """Frames a second of the *source* video (average), > 0."""

    flashes: tuple[Flashing, ...] | None = None
    """Stretches that flashed and ended with or before this clip, found in all frames; each is told once. None: nobody
    looked at every frame."""

    sound: Sound | None = None
    """What is heard meanwhile; `SILENT` where the file has no sound; None: nobody listened."""

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[3] != 3 or self.frames.dtype != np.uint8:
            raise ValueError(f"a Clip holds uint8 (T, H, W, 3), not {self.frames.dtype} {self.frames.shape}")
        if len(self.frames) == 0 or len(self.frames) != len(self.times_s):
            raise ValueError(f"{len(self.frames)} frames with {len(self.times_s)} times")

    @property
    def start_s(self) -> float:
        """Time of the first frame in seconds."""
        return float(self.times_s[0])

    @property
    def end_s(self) -> float:
        """Time of the last frame in seconds."""
        return float(self.times_s[-1])


@dataclass(frozen=True)
class VideoInfo:
    """What a container declares about its video before a frame is decoded."""

    width: int
    height: int
    """Pixels as displayed (after rotation)."""

    fps: float
    duration_s: float
    """Seconds; 0.0 where the container does not say."""

    codec: str
    container: str
    has_audio: bool
    tags: dict[str, str] = field(default_factory=dict)
    """Container and stream metadata, keys lower-case."""


@dataclass(frozen=True)
class Coverage:
    """How much of a video was looked at: part of every verdict on a video."""

    frames_total: int
    """Frames decoded."""

    frames_seen: int
    """Frames handed to classifiers."""

    duration_s: float
    """Seconds from the first to the end of the last decoded frame."""

    longest_gap_s: float
    """Longest stretch in seconds between two frames seen (or an end of the video)."""

    seconds_seen: int = 0
    """Whole seconds of the video in which at least one frame was seen."""

    seconds_total: int = 0
    """Whole seconds in which a frame was decoded. 0: recorded before seconds were counted."""

    stopped_s: float | None = None
    """Where looking ended because the policy had seen enough; nothing behind it was decoded. None: seen to the end."""

    @property
    def frames_share(self) -> float:
        """Share of the decoded frames that were seen, in [0, 1]."""
        return self.frames_seen / self.frames_total if self.frames_total else 0.0
