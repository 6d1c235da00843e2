"""From scores of single frames to stretches of time: when it begins, when it ends, when it is strongest.

    frame scores ─▶ agreed (what lasts) ─▶ segments, strongest first ─▶ Scores with a TimeSpan

Knows no threshold: a segment is a peak and the frames around it that reach half of it, over dips of half a second. So
the same segments serve every policy, and a record can be judged again by another one. Pure, and monotone: raising the
score of a frame never lowers what a signal reaches (tests/safety/test_timeline.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from classifiers.base import Score, TimeSpan

Box = tuple[float, float, float, float]
Interval = tuple[float, float]
Array = NDArray[np.float64]

EDGE = 0.5
"""A segment reaches as far as frames have this share of its peak: width at half height, as of any peak."""

DIP_S = 0.5
"""Seconds for which a score may dip below that within one segment: what vanishes for so short is the same thing."""

REACH_S = 0.5
"""Beyond `lasting_s`, how much further away an agreeing frame may be: as far as two samples lie apart by default."""

MOST_SEGMENTS = 16
"""Strongest segments kept for one signal, so that the record of a ten-hour video stays small."""

_TOLERANCE_S = 1e-6


@dataclass(frozen=True)
class Segment:
    """Frames `first` to `last` of a Timeline, strongest at `peak`."""

    first: int
    peak: int
    last: int


@dataclass
class Timeline:
    """Every frame score of one signal, from one classifier, over one video. About 20 bytes for each frame seen."""

    signal: str
    lasting_s: float
    """Seconds that a thing must last to count (`classifiers.base.FrameClassifier`)."""

    _times: list[float] = field(default_factory=list)
    _values: list[float] = field(default_factory=list)
    _boxes: dict[float, Box] = field(default_factory=dict)
    _details: dict[float, str] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Whether any frame was scored."""
        return bool(self._times)

    def add(self, scores: Iterable[Score]) -> None:
        """Take scores of frames; of several for one frame the highest counts, boxes are joined."""
        best: dict[float, Score] = {}
        for score in scores:
            if score.signal == self.signal and isinstance(score.span, TimeSpan):
                at = score.span.start_s
                if score.span.box is not None and score.value > 0:
                    self._boxes[at] = around([score.span.box, *([self._boxes[at]] if at in self._boxes else [])])
                if at not in best or score.value > best[at].value:
                    best[at] = score
        for at, score in best.items():
            self._times.append(at)
            self._values.append(score.value)
            if score.detail:
                self._details[at] = score.detail

    def scores(self, frame_s: float, alone: Sequence[Interval] = ()) -> list[Score]:
        """Return the strongest segments as Scores, strongest first; at least one where any frame was scored.

        `frame_s`: seconds that a frame stands; the end of a segment is the end of its last frame. In the stretches
        `alone` a frame counts without another that agrees: nobody looked whether one does.
        """
        times, values = self._sorted()
        agreed = self._agreed(times, values, alone)
        return [self._score(times, agreed, each, frame_s) for each in segments(times, agreed)]

    def peaks(self, level: float) -> list[Interval]:
        """Return what to look at more closely because single frames reach `level`: the unseen stretches on both sides
        of each segment, strongest first. Their ends are frames that were seen."""
        times, values = self._sorted()
        found: list[Interval] = []
        for each in segments(times, values):
            if values[each.peak] >= level:
                sides = ((each.first - 1, each.first), (each.last, each.last + 1))
                found += [(float(times[a]), float(times[b])) for a, b in sides if a >= 0 and b < len(times)]
        return list(dict.fromkeys(found))

    def _sorted(self) -> tuple[Array, Array]:
        order = np.argsort(np.asarray(self._times), kind="stable")
        return np.asarray(self._times, dtype=np.float64)[order], np.asarray(self._values, dtype=np.float64)[order]

    def _agreed(self, times: Array, values: Array, alone: Sequence[Interval]) -> Array:
        if not self.lasting_s:
            return values
        agreed = values.copy()
        near_s, far_s = self.lasting_s - _TOLERANCE_S, self.lasting_s + REACH_S + _TOLERANCE_S
        before = np.searchsorted(times, times - far_s, "left"), np.searchsorted(times, times - near_s, "right")
        after = np.searchsorted(times, times + near_s, "left"), np.searchsorted(times, times + far_s, "right")
        for at in range(len(times)):
            others = (values[start[at] : end[at]] for start, end in (before, after))
            best = max((float(each.max()) for each in others if len(each)), default=None)
            if best is not None and not any(start_s <= times[at] <= end_s for start_s, end_s in alone):
                agreed[at] = min(float(values[at]), best)
        return agreed

    def _score(self, times: Array, values: Array, segment: Segment, frame_s: float) -> Score:
        inside = times[segment.first : segment.last + 1]
        level = EDGE * values[segment.peak]
        strong = inside[values[segment.first : segment.last + 1] >= level]
        boxes = [self._boxes[at] for at in strong.tolist() if at in self._boxes]
        end_s = float(inside[-1]) + frame_s
        if segment.last + 1 < len(times):
            end_s = min(end_s, float(times[segment.last + 1]))
        peak_s = float(times[segment.peak])
        span = TimeSpan(float(inside[0]), end_s, around(boxes) if boxes else None, peak_s)
        return Score(self.signal, float(values[segment.peak]), span, self._details.get(peak_s, ""))


def segments(times: Array, values: Array) -> list[Segment]:
    """Return up to 16 segments of rising times, strongest first; they do not overlap."""
    free = np.ones(len(times), dtype=bool)
    found: list[Segment] = []
    while len(found) < MOST_SEGMENTS and free.any():
        peak = int(np.where(free, values, -1.0).argmax())
        level = EDGE * values[peak]
        first, last = (_edge(times, values >= level, free, peak, step) for step in (-1, 1))
        free[first : last + 1] = False
        found.append(Segment(first, peak, last))
    return found


def _edge(times: Array, reaches: NDArray[np.bool_], free: NDArray[np.bool_], peak: int, step: int) -> int:
    """Walk from the peak while the score holds, over dips of at most `DIP_S`; return the last index that holds."""
    edge = at = peak
    while 0 <= at + step < len(times) and free[at + step]:
        at += step
        if reaches[at]:
            edge = at
        elif abs(times[at] - times[edge]) >= DIP_S - _TOLERANCE_S:
            break
    return edge


def around(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around `boxes`."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
