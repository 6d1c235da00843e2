"""Finds names: people in the public eye, characters and works of others, brands, artists whose style is asked for.

It knows listed names, and full names beside a public role. It does not see a character that is described without its
name, does not know who a person is beyond the lists' date (2026-11), and does not say whether a name is harmful.
Historical figures, and people whose name only names something else, are signals of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from classifiers.base import ClassifierError, Score
from classifiers.name_context import (
    asked_about,
    capitalised,
    introduced,
    logo_owners,
    mentioned,
    near,
    people,
    require_listed_script,
    titled,
)
from classifiers.name_lists import Name, read_lists
from classifiers.normalize import Normalized, normalize
from classifiers.phrases import Hit, PhraseIndex, Word, words_of
from classifiers.vocabulary import LISTS
from classifiers.weights import version_of

LISTED: Final = frozenset(
    {"names.public_figure", "names.character", "names.brand", "names.artist_style", "names.historical"}
)
MENTIONED: Final = "names.mentioned"
PERSON: Final = "names.person"
SIGNALS: Final = LISTED | {MENTIONED, PERSON}

MAX_HITS: Final = 8
"""Scores reported for one signal."""

ASKED_ABOUT: Final = 0.3
"""Judged probability that a character is to be shown that a mere question names."""

UNLISTED_LOGO: Final = 0.75
"""A capitalised word that owns a logo is a brand, listed or not (`a Novartis logo`, `the logo of Novartis`)."""

UNLISTED_PERSON: Final = 0.3
"""A full name that no list has: somebody invented, a private person, or a celebrity of elsewhere."""

UNLISTED_ROLE: Final = 0.65
"""The same beside a public role (`Senator Jane Roe`, `Jane Roe, CEO of Quarnivex`)."""

_LOGO_REACH: Final = 12
_CUE_REACH: Final = {"names.brand": (3, 3), "names.artist_style": (10, 3)}
"""How many words before and after a name a cue may stand: next to a mark, but far down a list of artists."""


class NamesClassifier:
    """Listed names in, scores out. Reads its lists once; stateless between calls."""

    name = "names"
    accepts = str
    signals = SIGNALS

    def __init__(self, folder: Path = LISTS) -> None:
        """Read the lists.

        Raises:
            ClassifierError: a list cannot be read or is not of the documented shape.
        """
        lists = read_lists(folder)
        self.names = lists.names
        if missing := LISTED ^ {name.signal for name in self.names}:
            raise ClassifierError(f"the name lists in {folder} do not fit the signals: {', '.join(sorted(missing))}")
        self._cues = dict(lists.cues)
        self._first_names = lists.first_names
        self._index = PhraseIndex(name.name for name in self.names)
        self._exceptions = PhraseIndex(lists.exceptions)
        self.version = version_of("names 3", lists.digest)

    def score(self, content: str) -> list[Score]:
        """Return the names found, strongest first for each signal, or one 0.0 where there is none.

        Raises:
            MeasurementError: the text has no letters, or too many of a script in which no names are listed.
        """
        normalized = normalize(content)
        require_listed_script(normalized.text)
        words = words_of(normalized.text)
        excused = list(self._exceptions.find(words))
        hits = [
            hit
            for hit in self._index.find(words)
            if not any(hit.overlaps(other) for other in excused) and self._counts(hit, words, normalized.text)
        ]
        found: dict[str, list[Score]] = defaultdict(list)
        hits.sort(key=lambda hit: -self.names[hit.pattern].value)
        seen: set[tuple[int, str]] = set()
        for hit in _longest(hits):
            name = self.names[hit.pattern]
            if (hit.first, name.signal) in seen:
                continue  # in both lists: the surer one counts
            seen.add((hit.first, name.signal))
            asked = asked_about(normalized.text, words, hit, self._cues)
            only_mentioned = name.signal == "names.public_figure" and (asked or mentioned(words, hit, self._cues))
            signal = MENTIONED if only_mentioned else name.signal
            value = min(name.value, ASKED_ABOUT) if asked and signal == "names.character" else name.value
            detail = f"{name.signal.removeprefix('names.')}:{name.name}"
            found[signal].append(Score(signal, value, normalized.to_original(hit.start, hit.end), detail))
        taken = {place for hit in (*hits, *excused) for place in range(hit.first, hit.last)}
        self._unlisted(found, words, taken, normalized)
        scores: list[Score] = []
        for signal in sorted(self.signals):
            best = sorted(found[signal], key=lambda score: -score.value)
            scores.extend(best[:MAX_HITS] or [Score(signal, 0.0)])
        return scores

    def _unlisted(
        self, found: dict[str, list[Score]], words: Sequence[Word], taken: set[int], normalized: Normalized
    ) -> None:
        """Add the owners of logos and the full names that no list has."""
        free = {words[place].start: place for place in range(len(words)) if place not in taken}
        marks = self._cues["names.brand.mark"]
        for word in logo_owners(normalized.text, words, marks, self._cues["no_owners"]):
            if word.start in free:
                span = normalized.to_original(word.start, word.end)
                found["names.brand"].append(Score("names.brand", UNLISTED_LOGO, span, "brand:unlisted"))
        for first, last, role in people(normalized.text, words, self._first_names, self._cues["roles"]):
            if first.start in free and last.start in free:
                span = normalized.to_original(first.start, last.end)
                value = UNLISTED_ROLE if role else UNLISTED_PERSON
                found[PERSON].append(Score(PERSON, value, span, "person:unlisted"))

    def _counts(self, hit: Hit, words: Sequence[Word], text: str) -> bool:
        """Whether the words stand there as a name."""
        name = self.names[hit.pattern]
        if name.how == "any":
            return True
        if name.how == "title":
            return titled(text, words, hit, self._cues["titles"])
        with_capitals = capitalised(text, words[hit.first : hit.last])
        if name.how == "cased":
            return with_capitals or (
                name.signal == "names.public_figure" and introduced(words, hit, self._cues["titles_of_people"])
            )
        return self._has_cue(name, hit, words, with_capitals)

    def _has_cue(self, name: Name, hit: Hit, words: Sequence[Word], with_capitals: bool) -> bool:
        if name.signal != "names.brand":
            return near(words, hit, self._cues[name.signal], *_CUE_REACH[name.signal])
        return with_capitals and (
            near(words, hit, self._cues[name.signal], *_CUE_REACH[name.signal])
            or near(words, hit, self._cues["names.brand.mark"], _LOGO_REACH, _LOGO_REACH)
        )


def _longest(hits: Sequence[Hit]) -> list[Hit]:
    """Drop hits inside longer ones, whatever their signal: `Prince Andrew Street` is not also `Prince`."""
    return [
        hit
        for hit in hits
        if not any(
            other.first <= hit.first and hit.last <= other.last and other.last - other.first > hit.last - hit.first
            for other in hits
        )
    ]
