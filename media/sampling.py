"""Chooses which frames of a video are looked at while they stream by, and keeps account of what was not.

Pure: opens nothing and holds a bounded number of frames, however long the video is.

A frame is seen when any of these holds, whatever the container claims about its length:
  * it is the first or the last;
  * without it the stretch since the last frame seen would grow beyond 1 / `fps` seconds;
  * it differs from the last frame seen as a cut does, or what a cut brought still stands a moment later; motion that
    adds up to a cut counts as one. A budget bounds this, which a strobing video cannot exceed;
  * the video turned out so short that fewer than `min_frames` would be seen.

Changes are found in small gray pictures; only frames that are seen become RGB pictures. Looking more closely at some
stretches of a video, when one knows where, is `media.closer`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from media.clip import Coverage
from media.glimpse import Frame, Glimpse, Picture, change

Timed = tuple[float, Frame]
"""Seconds from the start of the video, and the frame, uint8 (H, W, 3), RGB."""

Interval = tuple[float, float]
"""Seconds, both ends excluded."""

_TIME_TOLERANCE_S = 1e-6


@dataclass(frozen=True)
class SamplingPlan:
    """How densely a video is looked at."""

    fps: float = 2.0
    """Frames seen a second at least, > 0: no stretch longer than 1 / fps goes unseen."""

    min_frames: int = 16
    """Frames seen of a short video, as far as it has them."""

    short_side: int = 720
    """Pixels: larger frames are scaled down to it, smaller ones are left alone."""

    window_frames: int = 16
    """Frames in one Clip, which bounds memory."""

    every_frame: bool = False
    """See all frames: for our own short output."""

    cut_difference: float = 0.08
    """Mean absolute gray difference in [0, 1] of two 32x32 thumbnails that counts as a cut."""

    cuts_per_s: float = 4.0
    """Budget of frames seen because of cuts, a second on average; twice as many at once."""

    after_cut_s: float = 0.2
    """Seconds after a cut at which what it brought is seen once more: the first frame after a cut is often blurred."""

    sound: bool = False
    """Also decode the sound beside the frames (`media.sound_track`)."""

    closer: tuple[Interval, ...] = ()
    """If there are any, only frames inside these intervals are seen (`media.closer`) and all else above is moot."""

    def __post_init__(self) -> None:
        if not (self.fps > 0 and self.min_frames >= 1 and self.short_side >= 1 and self.window_frames >= 1):
            raise ValueError(f"a sampling plan needs positive numbers: {self}")


DEFAULT_PLAN = SamplingPlan()


class Seconds:
    """Counts whole seconds: those that a frame was decoded in, and those that a frame was seen in."""

    def __init__(self) -> None:
        self._last_decoded = self._last_seen = -1
        self._decoded = self._seen = 0

    def decoded(self, time_s: float) -> None:
        """A frame stands at this time; times rise."""
        if int(time_s) > self._last_decoded:
            self._last_decoded = int(time_s)
            self._decoded += 1

    def saw(self, time_s: float) -> None:
        """A frame at this time is looked at; times rise."""
        if int(time_s) > self._last_seen:
            self._last_seen = int(time_s)
            self._seen += 1

    def saw_all(self, times_s: Iterable[float]) -> None:
        """These are the frames looked at, whatever was counted before."""
        self._seen = len({int(time_s) for time_s in times_s})

    def counts(self) -> tuple[int, int]:
        """Return seconds seen and seconds decoded."""
        return self._seen, self._decoded


@dataclass
class Sampler:
    """Takes every frame of one video in order and returns those to look at, in order, a little later.

    Call `offer` for each frame, then `finish` once; only then is `coverage` true.
    """

    plan: SamplingPlan
    frame_s: float
    """Nominal seconds a frame stands (1 / fps of the source)."""

    _total: int = 0
    _seen: int = 0
    _last_seen_s: float = 0.0
    _last_thumbnail: NDArray[np.uint8] | None = None
    _previous_s: float = 0.0
    _look_again_s: float = math.inf
    _pending: tuple[float, Glimpse] | None = None
    """The newest frame, not chosen: it is seen after all if it turns out to be the last."""

    _longest_gap_s: float = 0.0
    _cut_budget: float = 0.0
    _seconds: Seconds = field(default_factory=Seconds)
    _opening: list[Timed] = field(default_factory=list)
    """Frames chosen while it is open whether the video is a short one."""

    _spare: list[tuple[int, float, Frame]] = field(default_factory=list)
    """Frames not chosen meanwhile: every `_spare_stride`-th, between `min_frames` and twice as many."""

    _spare_stride: int = 1
    _is_opening: bool = True

    @property
    def done(self) -> bool:
        """Whether no further frame could be wanted: never, for a whole video."""
        return False

    def offer(self, time_s: float, frame: Glimpse | Frame) -> list[Timed]:
        """Take the next frame at its time in seconds; return frames to look at, resized."""
        if isinstance(frame, np.ndarray):
            frame = Picture(frame)
        self._seconds.decoded(time_s)
        step_s = time_s - self._previous_s if self._total else 0.0
        self._total += 1
        self._previous_s = time_s
        self._pending = None
        burst = 2 * self.plan.cuts_per_s
        self._cut_budget = min(burst, self._cut_budget + step_s * self.plan.cuts_per_s) if self._seen else burst
        if self._is_wanted(time_s, step_s, frame):
            return self._see(time_s, frame)
        self._pending = (time_s, frame)
        if self._is_opening:
            self._keep_spare(time_s, frame)
        return []

    def finish(self) -> list[Timed]:
        """Say that there are no more frames; return the last ones to look at."""
        released = self._see(*self._pending) if self._pending is not None else []
        self._pending = None
        if self._is_opening:
            self._is_opening = False
            released = self._fill_up(self._opening)
            self._opening, self._spare = [], []
        return released

    def coverage(self) -> Coverage:
        """Return how much was seen of what was offered."""
        duration_s = self._previous_s + self.frame_s if self._total else 0.0
        seen, total = self._seconds.counts()
        return Coverage(self._total, self._seen, duration_s, self._longest_gap_s, seen, total)

    def _is_wanted(self, time_s: float, step_s: float, frame: Glimpse) -> bool:
        if self.plan.every_frame:
            return True
        thumbnail = frame.thumbnail()
        is_cut = self._is_cut(thumbnail)
        # The next frame would come one step later: see this one if that were too late.
        due = self._seen == 0 or time_s - self._last_seen_s + step_s > 1 / self.plan.fps + _TIME_TOLERANCE_S
        again = time_s >= self._look_again_s - _TIME_TOLERANCE_S
        if not due and (is_cut or again):
            due = self._cut_budget >= 1.0
            self._cut_budget -= 1.0 if due else 0.0
        if due:
            self._look_again_s = time_s + self.plan.after_cut_s if is_cut else math.inf
            self._last_thumbnail = thumbnail
        return due

    def _is_cut(self, thumbnail: NDArray[np.uint8]) -> bool:
        return self._last_thumbnail is not None and change(thumbnail, self._last_thumbnail) >= self.plan.cut_difference

    def _see(self, time_s: float, frame: Glimpse) -> list[Timed]:
        self._longest_gap_s = max(self._longest_gap_s, time_s - self._last_seen_s)
        self._last_seen_s = time_s
        self._seen += 1
        self._seconds.saw(time_s)
        chosen = (time_s, frame.picture(self.plan.short_side))
        if not self._is_opening:
            return [chosen]
        self._opening.append(chosen)
        if self._seen < self.plan.min_frames:
            return []
        self._is_opening = False
        released, self._opening, self._spare = self._opening, [], []
        return released

    def _keep_spare(self, time_s: float, frame: Glimpse) -> None:
        if self._total % self._spare_stride:
            return
        self._spare.append((self._total, time_s, frame.picture(self.plan.short_side)))
        if len(self._spare) > 2 * self.plan.min_frames:
            self._spare_stride *= 2
            self._spare = [spare for spare in self._spare if spare[0] % self._spare_stride == 0]

    def _fill_up(self, chosen: list[Timed]) -> list[Timed]:
        """Add spare frames, evenly, until `min_frames` are seen; the gaps can only have shrunk."""
        times_s = {time_s for time_s, _ in chosen}
        spare = [(time_s, frame) for _, time_s, frame in self._spare if time_s not in times_s]
        missing = min(self.plan.min_frames - len(chosen), len(spare))
        if missing <= 0:
            return chosen
        indices = [index * (len(spare) - 1) // max(1, missing - 1) for index in range(missing)]
        merged = sorted([*chosen, *(spare[index] for index in indices)], key=lambda timed: timed[0])
        self._seen = len(merged)
        self._seconds.saw_all(time_s for time_s, _ in merged)
        self._longest_gap_s = max((later[0] - earlier[0] for earlier, later in itertools.pairwise(merged)), default=0.0)
        return merged
