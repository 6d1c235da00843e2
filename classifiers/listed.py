"""A list of weighted phrases in a TOML file, and where they stand in a text: the lexicon and the context cues share it.

A block of the file is `signal`, `weight` (a judged probability), `phrases` in the language of `classifiers.phrases`,
`unless`: phrases whose presence over a hit drops it, and `with`: phrases of which one must stand anywhere in the text,
or the block does not count. `<name>` in any of them is one of the words of that name under `[sets]`. It normalises
nothing and knows no language.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from classifiers.base import ClassifierError, Score
from classifiers.normalize import Normalized
from classifiers.phrases import Hit, PhraseIndex, words_of
from classifiers.weights import version_of

_SET: Final = re.compile(r"<(\w+)>")

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


class ListedPhrases:
    """Reads its list once; stateless between calls."""

    def __init__(self, path: Path, table: str, signals: frozenset[str]) -> None:
        """Read the blocks `[[table]]` of a list that must hold phrases for exactly these signals.

        Raises:
            ClassifierError: the list cannot be read, or is not of the documented shape.
        """
        try:
            raw = path.read_text(encoding="utf-8")
            read = tomllib.loads(raw)
            groups, sets = read[table], read.get("sets", {})
            self.entries = tuple(
                Entry(phrase, group["signal"], float(group["weight"]), number)
                for number, group in enumerate(groups)
                for phrase in group["phrases"]
            )
            phrases = [_filled(entry.phrase, sets) for entry in self.entries]
            exceptions, companions = (
                [
                    (number, _filled(phrase, sets))
                    for number, group in enumerate(groups)
                    for phrase in group.get(key, ())
                ]
                for key in ("unless", "with")
            )
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
            raise ClassifierError(
                f"the list of {table} at {path} is not readable: {error}; reinstall framegate"
            ) from error
        if missing := signals ^ {entry.signal for entry in self.entries}:
            raise ClassifierError(
                f"the list of {table} at {path} does not fit the signals: {', '.join(sorted(missing))}"
            )
        self._index = PhraseIndex(phrases)
        self._exception_group = tuple(number for number, _ in exceptions)
        self._exceptions = PhraseIndex(phrase for _, phrase in exceptions)
        self._companion_group = tuple(number for number, _ in companions)
        self._companions = PhraseIndex(phrase for _, phrase in companions)
        self.version = version_of(raw)

    def find(self, normalized: Normalized, kind: str) -> dict[str, list[Score]]:
        """Return every hit by signal, with spans of the original text and `kind:phrase` as detail."""
        words = words_of(normalized.text)
        excused: dict[int, list[Hit]] = defaultdict(list)
        for hit in self._exceptions.find(words):
            excused[self._exception_group[hit.pattern]].append(hit)
        present = {self._companion_group[hit.pattern] for hit in self._companions.find(words)}
        lonely = set(self._companion_group) - present
        found: dict[str, list[Score]] = defaultdict(list)
        for hit in self._index.find(words):
            entry = self.entries[hit.pattern]
            if entry.group not in lonely and not any(hit.overlaps(other) for other in excused[entry.group]):
                span = normalized.to_original(hit.start, hit.end)
                found[entry.signal].append(Score(entry.signal, entry.weight, span, f"{kind}:{entry.phrase}"))
        return found


def _filled(phrase: str, sets: Mapping[str, str]) -> str:
    """Put the words of a set, `one|two`, in the place of its name, `<set>`; a name that is no set is a KeyError."""
    return _SET.sub(lambda match: sets[match[1]], phrase)


def strongest(found: Mapping[str, Sequence[Score]], signals: frozenset[str]) -> list[Score]:
    """Return the strongest hits of each signal, or one 0.0 where there is none, in the order of the signals' names."""
    scores: list[Score] = []
    for signal in sorted(signals):
        hits = sorted(found.get(signal, ()), key=lambda score: -score.value)
        scores.extend(hits[:MAX_HITS] or [Score(signal, 0.0)])
    return scores
