"""Gathers what classifiers say over one prompt, or over the windows of one video, and what nobody could say.

Decides nothing. Scores are kept in a sequence for each signal, the strongest of them where there are many.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from classifiers.base import Classifier, Content, MeasurementError, SecondReader
from media.clip import Coverage
from safety.domain import Measurement, Score, Unmeasured

MAX_SCORES_PER_SIGNAL = 16
"""Strongest scores kept for one signal, so that the record of a ten-hour video stays small."""


@dataclass(frozen=True)
class Said:
    """What one classifier said about one content: scores, or why it has none."""

    scores: list[Score]
    failure: str
    took_ms: float


def ask(measure: Callable[[], list[Score]]) -> Said:
    """Run one measurement. What cannot be measured is told, whatever else fails is raised."""
    started = time.perf_counter()
    scores: list[Score] = []
    failure = ""
    try:
        scores = measure()
    except MeasurementError as error:
        failure = str(error)
    return Said(scores, failure, (time.perf_counter() - started) * 1000)


class Collector:
    """Gathers; see the module."""

    def __init__(self, absent: Iterable[Unmeasured]) -> None:
        self._scores: dict[str, list[Score]] = {}
        self._unmeasured: dict[Unmeasured, None] = dict.fromkeys(absent)
        self._versions: dict[tuple[str, str], None] = {}
        self._took_ms: dict[str, float] = {}

    def run(self, classifier: Classifier[Content], content: Content) -> None:
        """Ask a classifier and keep what it says."""
        said = ask(lambda: classifier.score(content))
        self.heard(classifier, said)
        self.take(said.scores)

    def run_after(self, classifier: SecondReader, content: str) -> None:
        """Ask a classifier that is told what the others said."""
        earlier = [score for kept in self._scores.values() for score in kept]
        said = ask(lambda: classifier.score_after(content, earlier))
        self.heard(classifier, said)
        self.take(said.scores)

    def heard(self, classifier: Classifier[Content], said: Said) -> None:
        """Note who was asked, how long it took and what it could not measure; its scores are the caller's to keep."""
        if said.failure:
            self.miss(classifier.signals, said.failure)
        self._took_ms[classifier.name] = self._took_ms.get(classifier.name, 0.0) + said.took_ms
        self._versions[classifier.name, classifier.version] = None

    def note(self, part: Measurement) -> None:
        """Take over who measured a part, and how long it took."""
        self._versions |= dict.fromkeys(part.classifiers)
        for name, ms in part.took_ms:
            self._took_ms[name] = self._took_ms.get(name, 0.0) + ms

    def take(self, scores: Iterable[Score]) -> None:
        """Keep scores."""
        for score in scores:
            kept = self._scores.setdefault(score.signal, [])
            kept.append(score)
            if len(kept) > MAX_SCORES_PER_SIGNAL:
                kept.remove(min(kept, key=lambda each: each.value))

    def miss(self, signals: Iterable[str], reason: str) -> None:
        """Note that nobody could measure these."""
        for signal in sorted(signals):
            self._unmeasured[Unmeasured(signal, reason)] = None

    def measurement(self, coverage: Coverage | None = None, more: Iterable[Score] = ()) -> Measurement:
        """Return everything so far, with `more` scores."""
        return Measurement(
            scores=(*(score for kept in self._scores.values() for score in kept), *more),
            unmeasured=tuple(self._unmeasured),
            coverage=coverage,
            classifiers=tuple(self._versions),
            took_ms=tuple((name, round(ms, 3)) for name, ms in self._took_ms.items()),
        )


def strongest_of_each(scores: Mapping[str, Sequence[Score]]) -> list[Score]:
    """Return the strongest scores of each signal, a few of each: those above 0, or one that says 0."""
    return [
        score
        for each in scores.values()
        for score in sorted(each, key=lambda score: -score.value)[:MAX_SCORES_PER_SIGNAL]
        if score.value or score is max(each, key=lambda score: score.value)
    ]
