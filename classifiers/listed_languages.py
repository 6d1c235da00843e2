"""Listed phrases of the supported languages beside English, and where they stand in a text.

Languages with spaces and letters that fold are matched word by word (`classifiers.phrases`); Arabic allows a joined
particle or article, Hindi keeps its vowel signs, Chinese and Japanese have no word breaks to respect. In phrases of
these four, `one|two` is either of them and ` .. ` allows up to twelve characters of the same sentence between. It
decides nothing about the language: `languages` says which lists count.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from classifiers.base import ClassifierError, Score
from classifiers.languages import SUPPORTED, readers_of
from classifiers.listed import ListedPhrases
from classifiers.normalize import Normalized, normalize
from classifiers.phrases import Hit, PhraseIndex, words_of
from classifiers.weights import version_of

_LETTER: Final = {"ar": "\u0620-\u065f\u0670-\u06d3", "hi": "\u0900-\u097f"}
_WITHOUT_INDEX: Final = ("ar", "hi", "zh", "ja")
_GAP: Final = r"[^。！？।؟.!?\n]{0,12}?"
_ARABIC_JOINED: Final = "(?:[وفبكل]?(?:ال|لل)?)"
"""Conjunction or preposition and article, written together with the word that follows."""


@dataclass(frozen=True, slots=True)
class ForeignEntry:
    """One listed phrase, its language, and what it shows."""

    phrase: str
    language: str
    signal: str
    weight: float
    group: int
    """Number of the block of the file: phrases of one block share their exceptions."""


class ListedInLanguages:
    """Reads its list once; stateless between calls."""

    def __init__(self, path: Path, table: str, signals: frozenset[str]) -> None:
        """Read the blocks `[[table]]` of a list whose signals are among these and whose languages are all supported.

        Raises:
            ClassifierError: the list cannot be read, is not of the documented shape, or lacks a language.
        """
        try:
            raw = path.read_text(encoding="utf-8")
            groups = tomllib.loads(raw)[table]
            self.entries = tuple(
                ForeignEntry(phrase, group["language"], group["signal"], float(group["weight"]), number)
                for number, group in enumerate(groups)
                for phrase in group["phrases"]
            )
            excused = [
                ForeignEntry(phrase, group["language"], group["signal"], 0.0, number)
                for number, group in enumerate(groups)
                for phrase in group.get("unless", ())
            ]
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
            raise ClassifierError(
                f"the list of {table} at {path} is not readable: {error}; reinstall framegate"
            ) from error
        if wrong := {entry.signal for entry in self.entries} - signals:
            raise ClassifierError(f"the list of {table} at {path} holds other signals: {', '.join(sorted(wrong))}")
        if lacking := SUPPORTED ^ {entry.language for entry in self.entries}:
            raise ClassifierError(f"the list of {table} at {path} does not fit the languages: {', '.join(lacking)}")
        self._spaced = [entry for entry in self.entries if entry.language not in _WITHOUT_INDEX]
        self._index = PhraseIndex(entry.phrase for entry in self._spaced)
        excused_spaced = [entry for entry in excused if entry.language not in _WITHOUT_INDEX]
        self._excused = PhraseIndex(entry.phrase for entry in excused_spaced)
        self._excused_group = tuple(entry.group for entry in excused_spaced)
        self._patterns = _compiled(self.entries)
        self._excused_patterns = _compiled(excused)
        self.version = version_of(raw)

    def find(self, normalized: Normalized, kind: str, languages: Collection[str]) -> dict[str, list[Score]]:
        """Return every hit by signal, with spans of the original text and `kind:language:phrase` as detail.

        Lists in Latin letters are searched together: the languages that share them are hard to tell apart in a few
        words. `languages` are codes of `SUPPORTED`, or `und` where the language is open.
        """
        found: dict[str, list[Score]] = defaultdict(list)

        def add(entry: ForeignEntry, start: int, end: int) -> None:
            span = normalized.to_original(start, end)
            found[entry.signal].append(
                Score(entry.signal, entry.weight, span, f"{kind}:{entry.language}:{entry.phrase}")
            )

        words = words_of(normalized.text)
        excused: dict[int, list[Hit]] = defaultdict(list)
        for hit in self._excused.find(words):
            excused[self._excused_group[hit.pattern]].append(hit)
        latin = not _LATIN.isdisjoint(languages)
        for hit in self._index.find(words):
            entry = self._spaced[hit.pattern]
            wanted = entry.language in languages or (latin and entry.language in _LATIN)
            if wanted and not any(hit.overlaps(other) for other in excused[entry.group]):
                add(entry, hit.start, hit.end)
        harmless: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for entry, match in _matches(self._excused_patterns, normalized.text, languages):
            harmless[entry.group].append(match.span())
        for entry, match in _matches(self._patterns, normalized.text, languages):
            start, end = match.span()
            if not any(start < last and first < end for first, last in harmless[entry.group]):
                add(entry, start, end)
        return found


def found_in(content: str, english: ListedPhrases, foreign: ListedInLanguages, kind: str) -> dict[str, list[Score]]:
    """Return what both lists find in a text as a requester wrote it, by signal.

    Raises:
        MeasurementError: the text has no letters or is in a language without a list.
    """
    normalized = normalize(content)
    readers = readers_of(normalized.text)
    found = english.find(normalized, kind) if readers.latin else {}
    for signal, hits in foreign.find(normalized, kind, readers.others).items():
        found.setdefault(signal, []).extend(hits)
    return found


_LATIN: Final = frozenset({"de", "fr", "es", "pt", "it", "tr", "und"})

_Patterns = list[tuple[ForeignEntry, re.Pattern[str]]]


def _compiled(entries: Iterable[ForeignEntry]) -> _Patterns:
    """The entries of the languages whose words are not looked up, each with what finds it."""
    return [
        (entry, re.compile(_pattern(entry), re.IGNORECASE)) for entry in entries if entry.language in _WITHOUT_INDEX
    ]


def _matches(
    patterns: _Patterns, text: str, languages: Collection[str]
) -> Iterator[tuple[ForeignEntry, re.Match[str]]]:
    for entry, pattern in patterns:
        if entry.language in languages:
            for match in pattern.finditer(text):
                yield entry, match


def _pattern(entry: ForeignEntry) -> str:
    pieces = (
        "|".join(re.escape(either).replace(r"\ ", r"\s+") for either in piece.split("|"))
        for piece in entry.phrase.split(" .. ")
    )
    phrase = _GAP.join(f"(?:{piece})" for piece in pieces)
    if entry.language == "ar":
        return f"(?<![{_LETTER['ar']}]){_ARABIC_JOINED}{phrase}(?![{_LETTER['ar']}])"
    if entry.language == "hi":
        return f"(?<![{_LETTER['hi']}]){phrase}(?![{_LETTER['hi']}])"
    return phrase
