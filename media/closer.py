"""Looks closely at stretches of a video that a first look made interesting: the second, bounded pass over a file.

Takes the same frames at the same times as the first pass. What makes a stretch interesting is the caller's matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from media.clip import Coverage
from media.glimpse import Frame, Glimpse, Picture
from media.sampling import SamplingPlan, Timed

MOST_FRAMES = 12
"""Frames seen of one interval: all of half a second at 24 frames a second, evenly fewer where there are more."""

_TIME_TOLERANCE_S = 1e-6


@dataclass
class CloserSampler:
    """As `media.sampling.Sampler`, for the intervals of `plan.closer` alone."""

    plan: SamplingPlan
    _total: int = 0
    _seen: int = 0
    _last_s: float = 0.0

    def __post_init__(self) -> None:
        self._intervals = sorted(self.plan.closer)
        self._earliest_s = float("-inf")

    @property
    def done(self) -> bool:
        """Whether every interval lies behind."""
        return not self._intervals

    def offer(self, time_s: float, frame: Glimpse | Frame) -> list[Timed]:
        """Take the next frame at its time in seconds; return it, resized, where it is wanted."""
        self._total += 1
        self._last_s = time_s
        while self._intervals and time_s >= self._intervals[0][1] - _TIME_TOLERANCE_S:
            del self._intervals[0]
        if not self._intervals:
            return []
        start_s, end_s = self._intervals[0]
        step_s = (end_s - start_s) / (MOST_FRAMES + 1)
        if time_s < max(self._earliest_s, start_s + step_s) - _TIME_TOLERANCE_S:
            return []
        self._earliest_s = time_s + step_s
        self._seen += 1
        glimpse = Picture(frame) if isinstance(frame, np.ndarray) else frame
        return [(time_s, glimpse.picture(self.plan.short_side))]

    def finish(self) -> list[Timed]:
        """Say that there are no more frames: nothing was kept back."""
        return []

    def coverage(self) -> Coverage:
        """Return how much of what was offered was seen; it says nothing about the rest of the video."""
        return Coverage(self._total, self._seen, self._last_s, 0.0)
