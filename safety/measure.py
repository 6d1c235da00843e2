"""Runs classifiers over a prompt or a video and collects what they said, and what nobody could say.

Measures only: the policy is applied by `safety.judge`. A video is decoded once, in an isolated process, and every
classifier sees each window of it, so memory does not grow with the video's length.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from classifiers.base import Classifier, Content, MeasurementError, SecondReader, is_second_reader
from media.clip import Clip, Coverage, VideoInfo
from media.isolation import open_video
from media.limits import Limits
from media.sampling import SamplingPlan
from safety.domain import Measurement, Score, Unmeasured
from safety.storyboard import Reading, Storyboard, merge

ORIGIN_SIGNALS = frozenset({"origin.ours", "origin.synthetic", "origin.likely_synthetic", "origin.captured"})
"""What `safety.scan` adds to an upload's scores: 1.0 for the origin it found, 0.0 for the others."""

MAX_SCORES_PER_SIGNAL = 16
"""Strongest scores kept for one signal, so that the record of a ten-hour video stays small."""


@dataclass(frozen=True)
class Instruments:
    """The classifiers in service, and those that could not be put in service."""

    text: Sequence[Classifier[str]] = ()
    clip: Sequence[Classifier[Clip]] = ()
    absent: Sequence[Unmeasured] = ()
    """Signals of video that no classifier can report here, each with its reason."""


class _Collector:
    """Gathers what classifiers say over one prompt, or over the windows of one video."""

    def __init__(self, absent: Iterable[Unmeasured]) -> None:
        self._scores: dict[str, list[Score]] = {}
        self._unmeasured: dict[Unmeasured, None] = dict.fromkeys(absent)
        self._versions: dict[tuple[str, str], None] = {}
        self._took_ms: dict[str, float] = {}

    def run(self, classifier: Classifier[Content], content: Content) -> None:
        self._run(classifier, lambda: classifier.score(content))

    def run_after(self, classifier: SecondReader, content: str) -> None:
        earlier = [score for kept in self._scores.values() for score in kept]
        self._run(classifier, lambda: classifier.score_after(content, earlier))

    def _run(self, classifier: Classifier[Content], measure: Callable[[], list[Score]]) -> None:
        started = time.perf_counter()
        try:
            for score in measure():
                self._keep(score)
        except MeasurementError as error:
            self.miss(classifier.signals, str(error))
        self._took_ms[classifier.name] = self._took_ms.get(classifier.name, 0.0) + _ms_since(started)
        self._versions[classifier.name, classifier.version] = None

    def note(self, part: Measurement) -> None:
        """Take over who measured a part, and how long it took."""
        self._versions |= dict.fromkeys(part.classifiers)
        for name, ms in part.took_ms:
            self._took_ms[name] = self._took_ms.get(name, 0.0) + ms

    def take(self, scores: Iterable[Score]) -> None:
        """Keep scores that were measured already."""
        for score in scores:
            self._keep(score)

    def _keep(self, score: Score) -> None:
        kept = self._scores.setdefault(score.signal, [])
        kept.append(score)
        if len(kept) > MAX_SCORES_PER_SIGNAL:
            kept.remove(min(kept, key=lambda each: each.value))

    def miss(self, signals: Iterable[str], reason: str) -> None:
        for signal in sorted(signals):
            self._unmeasured[Unmeasured(signal, reason)] = None

    def measurement(self, coverage: Coverage | None = None) -> Measurement:
        return Measurement(
            scores=tuple(score for kept in self._scores.values() for score in kept),
            unmeasured=tuple(self._unmeasured),
            coverage=coverage,
            classifiers=tuple(self._versions),
            took_ms=tuple((name, round(ms, 3)) for name, ms in self._took_ms.items()),
        )


def measure_text(instruments: Instruments, text: str) -> Measurement:
    """Return what the text classifiers say about a prompt."""
    collector = _Collector(())
    second: list[SecondReader] = []
    for classifier in instruments.text:
        if is_second_reader(classifier):
            second.append(classifier)
        else:
            collector.run(classifier, text)
    for reader in second:
        collector.run_after(reader, text)
    return collector.measurement()


def measure_storyboard(instruments: Instruments, storyboard: Storyboard) -> Measurement:
    """Return what the text classifiers say about scenes, alone and together; a scene nobody could measure is a gap."""
    parts: dict[Reading, Measurement] = {}
    alone, together = storyboard.alone(), storyboard.together()
    for reading in (*alone, *together):
        if reading not in parts:
            parts[reading] = measure_text(instruments, reading.text)
    placed = {reading: [at for score in part.scores for at in reading.place(score)] for reading, part in parts.items()}
    collector = _Collector(gap for part in parts.values() for gap in part.unmeasured)
    for part in parts.values():
        collector.note(part)
    collector.take(merge([placed[each] for each in alone], [placed[each] for each in together]))
    return collector.measurement()


@dataclass(frozen=True)
class VideoMeasurement:
    """A measured video: what was said, what the container declares, and the digest of the file."""

    measurement: Measurement
    info: VideoInfo
    sha256: str


def measure_video(
    classifiers: Sequence[Classifier[Clip]],
    absent: Iterable[Unmeasured],
    path: Path,
    *,
    limits: Limits,
    plan: SamplingPlan,
    also: Callable[[Clip], None] | None = None,
    pictures: bool = False,
) -> VideoMeasurement:
    """Decode a video once and return what the clip classifiers say about its windows.

    `also` sees every window too: the watermark and fingerprint readers of the same decode. `pictures`: a still
    picture is taken too.

    Raises:
        MediaError: the file cannot be decoded within the limits.
    """
    collector = _Collector(absent)
    with open_video(path, limits=limits, plan=plan, pictures=pictures) as video:
        for clip in video:
            for classifier in classifiers:
                collector.run(classifier, clip)
            if also is not None:
                also(clip)
        coverage = video.coverage
    return VideoMeasurement(collector.measurement(coverage), video.info, file_digest(path))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
