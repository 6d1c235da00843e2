"""The forensic estimate along a video: short windows spread over all of it, and the stretches that stand out.

A video may be real with a generated part in it. The estimate of a whole video is the mean of its windows' log-odds; a
stretch of two windows or more whose own mean reaches the threshold is told with its start and end. A single window that
does so is told too, but it says little: the longer a video, the likelier that one of its windows looks odd by chance.
Does not look inside the picture: that is `safety.insert_evidence`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from classifiers.base import Classifier, MeasurementError
from media.clip import Clip
from safety.domain import Score, TimeSpan
from safety.origin import fuse_windows

SIGNAL = "video.synthetic"

WINDOW_FRAMES = 4
WINDOW_S = 1.0
"""A window is the frames of about a second, and four at least. The last ones of a clip join the window before."""

MAX_WINDOWS = 24
"""Windows that an estimate rests on. Of a longer video every second one is left out, again and again, so that they stay
evenly spread and the work grows with the logarithm of its length."""

LEAST_RUN = 2
"""Windows side by side that carry an estimate of their own."""


@dataclass
class OriginWindows:
    """Watches a video clip by clip and estimates windows of it."""

    forensics: Classifier[Clip] | None
    windows: list[Score] = field(default_factory=list)
    """One score with its span for each window that was estimated, in order."""

    unmeasured: int = 0
    """Windows that were looked at in vain."""

    failure: str = ""
    """Why, the last time."""

    stride: int = 1
    """Every how many windows one is estimated."""

    _seen: int = 0

    def __post_init__(self) -> None:
        if self.forensics is None:
            self.failure = "no forensic classifier is installed"

    def watch(self, clip: Clip) -> None:
        """Take the next frames."""
        for part in _parts(clip):
            if self.forensics is not None and self._seen % self.stride == 0:
                self._estimate(self.forensics, part)
            self._seen += 1

    def _estimate(self, forensics: Classifier[Clip], part: Clip) -> None:
        try:
            values = [score.value for score in forensics.score(part) if score.signal == SIGNAL]
            self.windows.append(Score(SIGNAL, max(values), TimeSpan(part.start_s, part.end_s)))
        except MeasurementError as error:
            self.failure = str(error)
            self.unmeasured += 1
        if len(self.windows) > MAX_WINDOWS:
            self.windows, self.stride = self.windows[::2], self.stride * 2


@dataclass(frozen=True)
class Stretch:
    """A part of a video whose windows reach the threshold."""

    start_s: float
    end_s: float
    value: float
    """Mean of its windows' log-odds, as a probability."""

    windows: int

    @property
    def carries(self) -> bool:
        """Whether it is more than one odd window."""
        return self.windows >= LEAST_RUN


def stretches(windows: Sequence[Score], threshold: float) -> list[Stretch]:
    """Return the stretches whose mean log-odds reach the threshold's, each ending halfway to the window that is not in.

    A stretch is a run of windows that reach half of the threshold's log-odds, so that one weaker window does not tear a
    part in two; where the mean of such a run falls short, it is the runs in it that reach the threshold throughout. A
    stretch at the first or last window ends with that window.
    """
    found = []
    for first, last in _runs(windows, edge_of(threshold)):
        whole = _stretch(windows, first, last)
        if whole.value >= threshold:
            found.append(whole)
        else:
            inner = _runs(windows[first : last + 1], threshold)
            found += [_stretch(windows, first + begin, first + end) for begin, end in inner]
    return found


def edge_of(threshold: float) -> float:
    """Return the probability whose log-odds are half of the threshold's, and never above the threshold."""
    if not 0.0 < threshold < 1.0:
        return threshold
    half = 1.0 / (1.0 + math.exp(-math.log(threshold / (1.0 - threshold)) / 2))
    return min(half, threshold)


def _runs(windows: Sequence[Score], least: float) -> list[tuple[int, int]]:
    """Return first and last place of each longest run of windows at or above `least`."""
    high = [at for at, window in enumerate(windows) if window.value >= least]
    starts = [at for at in high if at - 1 not in high]
    return list(zip(starts, [at for at in high if at + 1 not in high], strict=True))


def _stretch(windows: Sequence[Score], first: int, last: int) -> Stretch:
    start, end = _span(windows[first]).start_s, _span(windows[last]).end_s
    if first > 0:
        start = (start + _span(windows[first - 1]).end_s) / 2
    if last + 1 < len(windows):
        end = (end + _span(windows[last + 1]).start_s) / 2
    value = fuse_windows([each.value for each in windows[first : last + 1]])
    return Stretch(start, end, value or 0.0, last - first + 1)


def _span(score: Score) -> TimeSpan:
    return score.span if isinstance(score.span, TimeSpan) else TimeSpan(0.0, 0.0)


def _parts(clip: Clip) -> Iterator[Clip]:
    count = len(clip.frames)
    span_s = float(clip.times_s[-1] - clip.times_s[0])
    rate = (count - 1) / span_s if span_s > 0 else clip.fps
    size = max(WINDOW_FRAMES, round(rate * WINDOW_S))
    starts = list(range(0, max(1, count - size // 2), size))
    for start, end in zip(starts, [*starts[1:], count], strict=True):
        yield Clip(clip.frames[start:end], clip.times_s[start:end], clip.fps)


def first_stride(duration_s: float, fps: float) -> int:
    """Return every how many windows of a video of this length to estimate, of which so many frames a second are seen.

    Knowing the length spares the estimates that would be dropped again; a wrong length costs time or windows only.
    """
    return max(1, math.ceil(duration_s * fps / max(WINDOW_FRAMES, fps * WINDOW_S) / MAX_WINDOWS))
