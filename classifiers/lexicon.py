"""Looks for phrases that show a harm by themselves: slurs, gore, drugs, forgeries, an age below eighteen.

It knows English, listed phrases only, and no tone: a hit says that the phrase stands there and how likely such a phrase
means what it says. `terms.minor` is no harm: it says that a minor is present, and policies use it beside others.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from classifiers.base import ClassifierError, Score
from classifiers.languages import require_english
from classifiers.normalize import normalize
from classifiers.phrases import Hit, PhraseIndex, words_of
from classifiers.vocabulary import LISTS
from classifiers.weights import version_of

SIGNALS: Final = frozenset(
    {
        "terms.sexual",
        "terms.violence",
        "terms.self_harm",
        "terms.hate",
        "terms.extremism",
        "terms.illicit",
        "terms.fraud",
        "terms.privacy",
        "terms.ncii",
        "terms.misinformation",
        "terms.political_deception",
        "terms.minor",
    }
)

MAX_HITS: Final = 8
"""Scores reported for one signal: enough for a reader to see why, whatever the length of the text."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One listed phrase, what it shows and when it does not count."""

    phrase: str
    signal: str
    weight: float
    group: int
    """Number of the block of the file: phrases of one block share their exceptions."""


class LexiconClassifier:
    """Listed phrases in, scores out. Reads its list once; stateless between calls."""

    name = "lexicon"
    accepts = str
    signals = SIGNALS

    def __init__(self, path: Path = LISTS / "terms.toml") -> None:
        """Read the list.

        Raises:
            ClassifierError: the list cannot be read, or an entry is not of the documented shape.
        """
        try:
            raw = path.read_text(encoding="utf-8")
            groups = tomllib.loads(raw)["terms"]
            self.entries = tuple(
                Entry(phrase, group["signal"], float(group["weight"]), number)
                for number, group in enumerate(groups)
                for phrase in group["phrases"]
            )
            exceptions = [(number, phrase) for number, group in enumerate(groups) for phrase in group.get("unless", ())]
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
            raise ClassifierError(
                f"the list of terms at {path} is not readable: {error}; reinstall framegate"
            ) from error
        if missing := SIGNALS ^ {entry.signal for entry in self.entries}:
            raise ClassifierError(f"the list of terms at {path} does not fit the signals: {', '.join(sorted(missing))}")
        self._index = PhraseIndex(entry.phrase for entry in self.entries)
        self._exception_group = tuple(number for number, _ in exceptions)
        self._exceptions = PhraseIndex(phrase for _, phrase in exceptions)
        self.version = version_of(raw)

    def score(self, content: str) -> list[Score]:
        """Return the strongest hits of each signal with their spans in `content`, or one 0.0 where there is none.

        Raises:
            MeasurementError: the text has no letters or is not English.
        """
        normalized = normalize(content)
        require_english(normalized.text)
        words = words_of(normalized.text)
        excused: dict[int, list[Hit]] = defaultdict(list)
        for hit in self._exceptions.find(words):
            excused[self._exception_group[hit.pattern]].append(hit)
        found: dict[str, list[Score]] = defaultdict(list)
        for hit in self._index.find(words):
            entry = self.entries[hit.pattern]
            if not any(hit.overlaps(other) for other in excused[entry.group]):
                span = normalized.to_original(hit.start, hit.end)
                found[entry.signal].append(Score(entry.signal, entry.weight, span, f"term:{entry.phrase}"))
        scores: list[Score] = []
        for signal in sorted(self.signals):
            hits = sorted(found[signal], key=lambda score: -score.value)
            scores.extend(hits[:MAX_HITS] or [Score(signal, 0.0)])
        return scores
