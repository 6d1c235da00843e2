"""Finds names: people in the public eye, characters and works of others, brands, artists whose style is asked for.

It knows listed names only. It does not see a character that is described without its name, does not know who a person
is beyond the list's date (2026-11), and does not say whether a mention is harmful. Historical figures are a signal of
their own.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from classifiers.base import ClassifierError, Score
from classifiers.languages import require_latin
from classifiers.normalize import Normalized, normalize
from classifiers.phrases import Hit, PhraseIndex, Word, fold, words_of
from classifiers.vocabulary import LISTS
from classifiers.weights import version_of

SIGNALS: Final = frozenset(
    {"names.public_figure", "names.character", "names.brand", "names.artist_style", "names.historical"}
)

COMPILED_VALUES: Final = {
    "names.public_figure": 0.9,
    "names.character": 0.75,
    "names.brand": 0.8,
    "names.artist_style": 0.85,
    "names.historical": 0.8,
}
"""Judged probability that a compiled name means its bearer; namesakes are commonest among comic-book characters."""

MAX_HITS: Final = 8
"""Scores reported for one signal."""

UNLISTED_LOGO: Final = 0.75
"""A capitalised word beside `logo` is a brand, listed or not (`a Novartis logo`, `the logo of Novartis`)."""

_CUE_WORDS: Final = {"names.brand": 3, "names.artist_style": 10}
"""How many words away a cue may stand: next to a logo, but far down a list of artists."""


@dataclass(frozen=True, slots=True)
class Name:
    """One listed name and when it counts (`any`, `cased`, `cue`: see names_curated.toml)."""

    name: str
    signal: str
    value: float
    how: str


class NamesClassifier:
    """Listed names in, scores out. Reads its lists once; stateless between calls."""

    name = "names"
    accepts = str
    signals = SIGNALS

    def __init__(self, folder: Path = LISTS) -> None:
        """Read the curated and the compiled list.

        Raises:
            ClassifierError: a list cannot be read or is not of the documented shape.
        """
        try:
            curated_text = (folder / "names_curated.toml").read_text(encoding="utf-8")
            compiled_text = (folder / "names_compiled.tsv").read_text(encoding="utf-8")
            curated = tomllib.loads(curated_text)
            self.names = _joined(_curated(curated), _compiled(compiled_text))
            self._cues = {signal: frozenset(words) for signal, words in curated["cues"].items()}
            exceptions = [phrase for block in curated["names"] for phrase in block.get("unless", ())]
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
            raise ClassifierError(
                f"the name lists in {folder} are not readable: {error}; reinstall framegate"
            ) from error
        if missing := SIGNALS ^ {name.signal for name in self.names}:
            raise ClassifierError(f"the name lists in {folder} do not fit the signals: {', '.join(sorted(missing))}")
        self._index = PhraseIndex(name.name for name in self.names)
        self._exceptions = PhraseIndex(exceptions)
        self.version = version_of(curated_text, compiled_text)

    def score(self, content: str) -> list[Score]:
        """Return the names found, strongest first for each signal, or one 0.0 where there is none.

        Raises:
            MeasurementError: the text has no letters or is not in Latin letters.
        """
        normalized = normalize(content)
        require_latin(normalized.text)
        words = words_of(normalized.text)
        excused = list(self._exceptions.find(words))
        hits = [
            hit
            for hit in self._index.find(words)
            if not any(hit.overlaps(other) for other in excused) and self._counts(hit, words, normalized)
        ]
        found: dict[str, list[Score]] = defaultdict(list)
        hits.sort(key=lambda hit: -self.names[hit.pattern].value)
        seen: set[tuple[int, str]] = set()
        for hit in _longest(hits):
            name = self.names[hit.pattern]
            if (hit.first, name.signal) in seen:
                continue  # in both lists: the surer one counts
            seen.add((hit.first, name.signal))
            span = normalized.to_original(hit.start, hit.end)
            kind = name.signal.removeprefix("names.")
            found[name.signal].append(Score(name.signal, name.value, span, f"{kind}:{name.name}"))
        for word in _logo_owners(normalized.text, words):
            if not any(score.span == normalized.to_original(word.start, word.end) for score in found["names.brand"]):
                span = normalized.to_original(word.start, word.end)
                found["names.brand"].append(Score("names.brand", UNLISTED_LOGO, span, "brand:unlisted"))
        scores: list[Score] = []
        for signal in sorted(self.signals):
            best = sorted(found[signal], key=lambda score: -score.value)
            scores.extend(best[:MAX_HITS] or [Score(signal, 0.0)])
        return scores

    def _counts(self, hit: Hit, words: Sequence[Word], normalized: Normalized) -> bool:
        """Whether the words stand there as a name."""
        name = self.names[hit.pattern]
        if name.how == "any":
            return True
        if name.signal != "names.artist_style" and not _capitalised(normalized.text, words[hit.first : hit.last]):
            return False
        if name.how == "cased":
            return True
        reach = _CUE_WORDS[name.signal]
        around = (*words[max(0, hit.first - reach) : hit.first], *words[hit.last : hit.last + min(reach, 3)])
        sentence = words[hit.first].sentence
        return any(word.folded in self._cues[name.signal] and word.sentence == sentence for word in around)


def _capitalised(text: str, words: Sequence[Word]) -> bool:
    """Whether every word longer than two letters begins with a capital."""
    return all(
        text[word.start].isupper() or not word.folded.isalpha() for word in words if len(word.folded) > 2
    ) and any(text[word.start].isupper() for word in words)


def _logo_owners(text: str, words: Sequence[Word]) -> list[Word]:
    """The capitalised words inside a sentence that own a logo."""
    owners = []
    for place, word in enumerate(words):
        if word.folded not in ("logo", "logos"):
            continue
        before = place - 2 if place and words[place - 1].folded == "s" else place - 1
        after = place + 2 if place + 1 < len(words) and words[place + 1].folded in ("of", "for") else len(words)
        after += after < len(words) and words[after].folded == "the"
        for owner in (before, after):
            if 0 < owner < len(words) and words[owner].sentence == words[owner - 1].sentence == word.sentence:
                letters = text[words[owner].start : words[owner].end]
                if letters[0].isupper() and len(letters) > 1 and not text[: words[owner].start].isupper():
                    owners.append(words[owner])
    return owners


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


def _curated(curated: dict[str, list[dict[str, object]]]) -> list[Name]:
    names = []
    for block in curated["names"]:
        listed = block["names"]
        if block["how"] not in ("any", "cased", "cue") or not isinstance(listed, list):
            raise ValueError(f"a block has how = {block['how']!r}: any, cased or cue")
        value = float(str(block["value"]))
        signal = str(block["signal"])
        names += [Name(str(name), signal, value, str(block["how"])) for name in listed]
        if "cue_value" in block:
            names += [Name(str(name), signal, float(str(block["cue_value"])), "cue") for name in listed]
    return names


def _joined(curated: list[Name], compiled: list[Name]) -> tuple[Name, ...]:
    """Both lists; whom the curated one calls historical is nothing else."""
    historical = {fold(name.name) for name in curated if name.signal == "names.historical"}
    return (*curated, *(name for name in compiled if fold(name.name) not in historical))


def _compiled(text: str) -> list[Name]:
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return [Name(name, signal, COMPILED_VALUES[signal], how) for signal, name, how, _ in rows]
