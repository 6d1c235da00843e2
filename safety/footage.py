"""One video as its windows come by: every classifier looks, what they say about frames becomes stretches of time.

    window ─▶ classifiers, two at a time ─▶ frame scores ─▶ Timelines ─▶ segments
                                        └─▶ scores of whole windows ──▶ kept as they are

Opens no file and knows no threshold; `safety.measure` decodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Self

from classifiers.base import Classifier, FrameClassifier, is_frame_classifier, tells_apart
from media.clip import Clip, Coverage, VideoInfo
from safety.collector import Collector, Said, ask
from safety.domain import Measurement, Score, TimeSpan, Unmeasured
from safety.timeline import Interval, Timeline

AT_ONCE = 2
"""Classifiers that look at a window at the same time: networks let go of Python's lock while they compute."""

MOST_CLOSER = 32
"""Stretches that are looked at more closely, strongest first: at most 12 frames each (`media.closer`)."""


Key = tuple[str, str, str]
"""Classifier, signal, and what is told apart from others of the signal; empty where nothing is."""


class Footage:
    """The account of one video. Use it in a `with` statement: it has threads."""

    def __init__(self, classifiers: Sequence[Classifier[Clip]], absent: Iterable[Unmeasured], *, alone: bool) -> None:
        """`alone`: a frame counts without another that agrees, because every frame is seen."""
        self._classifiers = classifiers
        self._collector = Collector(absent)
        self._timelines: dict[Key, Timeline] = {}
        self._times: dict[tuple[str, str], list[float]] = {}
        """When a classifier that tells things apart looked, by its name and signal."""

        self._alone = alone
        self._concerned: set[str] = set()
        self._unexplored: dict[Key, list[Interval]] = {}
        self._frames = 0
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="look")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def look(self, clip: Clip) -> None:
        """Let every classifier see a window."""
        self._frames += len(clip.frames)
        self._see(self._classifiers, clip)

    def look_closer(self, clip: Clip) -> None:
        """Let those see it who measure frames and found something near."""
        self._see([each for each in self._classifiers if each.name in self._concerned], clip)

    def interesting(self, levels: Mapping[str, float]) -> tuple[Interval, ...]:
        """Return the stretches to look at more closely: beside frames that reach the level of their signal.

        They may overlap where several signals reach; in order of time.
        """
        found = [
            (at, key, interval)
            for key, timeline in self._timelines.items()
            if timeline.signal in levels
            for at, interval in enumerate(timeline.peaks(levels[timeline.signal]))
        ]
        found.sort(key=lambda each: each[0])
        chosen = dict.fromkeys(interval for _, _, interval in found[:MOST_CLOSER])
        self._concerned = {key[0] for _, key, _ in found[:MOST_CLOSER]}
        for _, key, interval in found[MOST_CLOSER:]:
            self._unexplored.setdefault(key, []).append(interval)
        return tuple(sorted(chosen))

    def measurement(self, coverage: Coverage, info: VideoInfo) -> Measurement:
        """Return everything that was said so far."""
        frame_s = 1.0 / info.fps if coverage.frames_total > 1 else 0.0
        more: list[Score] = []
        apart: dict[tuple[str, str], list[Score]] = {}
        for key, timeline in self._timelines.items():
            scores = timeline.scores(frame_s, self._unexplored.get(key, ()))
            if key[:2] in self._times:
                apart.setdefault(key[:2], []).extend(replace(each, detail=key[2]) for each in scores)
            else:
                more += scores
        for scores in apart.values():
            more += [each for each in scores if each.value] or scores[:1]
        return self._collector.measurement(coverage, more)

    def _see(self, classifiers: Sequence[Classifier[Clip]], clip: Clip) -> None:
        def measure(classifier: Classifier[Clip]) -> Said:
            return ask(lambda: classifier.score(clip))

        for classifier, said in zip(classifiers, self._threads.map(measure, classifiers), strict=True):
            self._collector.heard(classifier, said)
            if is_frame_classifier(classifier):
                self._place(classifier, said)
            else:
                self._collector.take(said.scores)

    def _place(self, classifier: FrameClassifier, said: Said) -> None:
        apart = tells_apart(classifier)
        for signal in sorted({score.signal for score in said.scores}):
            scores = [score for score in said.scores if score.signal == signal]
            if apart:
                self._place_apart(classifier, signal, scores)
            else:
                self._timeline(classifier, (classifier.name, signal, "")).add(scores)

    def _place_apart(self, classifier: FrameClassifier, signal: str, scores: Sequence[Score]) -> None:
        """Each thing has a timeline of its own, on which a frame that does not show it is worth 0."""
        seen = self._times.setdefault((classifier.name, signal), [])
        spans = {score.span.start_s: score.span for score in scores if isinstance(score.span, TimeSpan)}
        for detail in {score.detail for score in scores}:
            timeline = self._timeline(classifier, (classifier.name, signal, detail))
            if not timeline.begun:
                timeline.add(Score(signal, 0.0, TimeSpan(at, at)) for at in seen)
        for key, timeline in self._timelines.items():
            if key[:2] == (classifier.name, signal):
                mine = [score for score in scores if score.detail == key[2]]
                shown = {score.span.start_s for score in mine if isinstance(score.span, TimeSpan)}
                timeline.add([*mine, *(Score(signal, 0.0, TimeSpan(at, at)) for at in spans if at not in shown)])
        seen += spans

    def _timeline(self, classifier: FrameClassifier, key: Key) -> Timeline:
        if key not in self._timelines:
            self._timelines[key] = Timeline(key[1], 0.0 if self._alone else classifier.lasting_s)
        return self._timelines[key]
