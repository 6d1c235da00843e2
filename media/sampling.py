"""Chooses which frames of a video are looked at while they stream by, and keeps account of what was not.

Pure: opens nothing and holds a bounded number of frames, however long the video is.

A frame is seen when any of these holds, whatever the container claims about its length:
  * it is the first or the last;
  * without it the stretch since the last frame seen would grow beyond 1 / `fps` seconds;
  * it differs from the last frame seen as a cut does, within a budget that a strobing video cannot exceed;
  * the video turned out so short that fewer than `min_frames` would be seen.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from media.clip import Coverage

Frame = NDArray[np.uint8]
"""uint8 (H, W, 3), RGB."""

Timed = tuple[float, Frame]
"""Seconds from the start of the video, and the frame."""

_THUMBNAIL = 32
"""Side in pixels of the gray picture that cuts are found in: a mean over blocks, blind to noise and compression."""

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

    def __post_init__(self) -> None:
        if not (self.fps > 0 and self.min_frames >= 1 and self.short_side >= 1 and self.window_frames >= 1):
            raise ValueError(f"a sampling plan needs positive numbers: {self}")


DEFAULT_PLAN = SamplingPlan()


def fit_short_side(frame: Frame, short_side: int) -> Frame:
    """Scale a frame down so that its short side is `short_side` pixels; never up."""
    height, width = frame.shape[:2]
    if min(height, width) <= short_side:
        return frame
    scale = short_side / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


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
    _pending: Timed | None = None
    """The newest frame, not chosen: it is seen after all if it turns out to be the last."""

    _longest_gap_s: float = 0.0
    _cut_budget: float = 0.0
    _opening: list[Timed] = field(default_factory=list)
    """Frames chosen while it is open whether the video is a short one."""

    _spare: list[tuple[int, float, Frame]] = field(default_factory=list)
    """Frames not chosen meanwhile: every `_spare_stride`-th, between `min_frames` and twice as many."""

    _spare_stride: int = 1
    _is_opening: bool = True

    def offer(self, time_s: float, frame: Frame) -> list[Timed]:
        """Take the next frame, uint8 (H, W, 3), at its time in seconds; return frames to look at, resized."""
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
        return Coverage(self._total, self._seen, duration_s, self._longest_gap_s)

    def _is_wanted(self, time_s: float, step_s: float, frame: Frame) -> bool:
        thumbnail = _thumbnail(frame)
        since_s = time_s - self._last_seen_s
        # The next frame would come one step later: see this one if that were too late.
        if self._seen == 0 or self.plan.every_frame or since_s + step_s > 1 / self.plan.fps + _TIME_TOLERANCE_S:
            wanted = True
        else:
            wanted = self._cut_budget >= 1.0 and self._is_cut(thumbnail)
            self._cut_budget -= 1.0 if wanted else 0.0
        if wanted:
            self._last_thumbnail = thumbnail
        return wanted

    def _is_cut(self, thumbnail: NDArray[np.uint8]) -> bool:
        if self._last_thumbnail is None:
            return True
        return float(cv2.absdiff(thumbnail, self._last_thumbnail).mean()) >= 255 * self.plan.cut_difference

    def _see(self, time_s: float, frame: Frame) -> list[Timed]:
        self._longest_gap_s = max(self._longest_gap_s, time_s - self._last_seen_s)
        self._last_seen_s = time_s
        self._seen += 1
        chosen = (time_s, fit_short_side(frame, self.plan.short_side))
        if not self._is_opening:
            return [chosen]
        self._opening.append(chosen)
        if self._seen < self.plan.min_frames:
            return []
        self._is_opening = False
        released, self._opening, self._spare = self._opening, [], []
        return released

    def _keep_spare(self, time_s: float, frame: Frame) -> None:
        if self._total % self._spare_stride:
            return
        self._spare.append((self._total, time_s, fit_short_side(frame, self.plan.short_side)))
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
        self._longest_gap_s = max((later[0] - earlier[0] for earlier, later in itertools.pairwise(merged)), default=0.0)
        return merged


def _thumbnail(frame: Frame) -> NDArray[np.uint8]:
    # Averaging all pixels of an HD frame costs more than decoding it: about 16 to 64 for each block are enough.
    stride = max(1, min(frame.shape[:2]) // (4 * _THUMBNAIL))
    thinned = np.ascontiguousarray(frame[::stride, ::stride])
    small = cv2.resize(thinned, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
