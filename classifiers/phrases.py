"""Finds listed phrases in text, word by word: the matcher under the lexicon and the name lists.

Case, accents, hyphens and apostrophes do not matter to it; words are never matched in part unless a pattern says so.
It does not normalise disguised text and gives no weights.

A pattern is words; `word*` takes any ending, ` .. ` allows up to four words between, `one|two*` is either of them,
`{age}` is a number from 0 to 17.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from classifiers.base import ClassifierError

_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_DENSE: Final = "\u3040-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Kana and Chinese characters: no blanks stand between words, so each is a word of its own."""

_ANY_WORD: Final = re.compile(rf"[{_DENSE}]|(?:[^\W\d_{_DENSE}][\u0900-\u0903\u093a-\u094f\u0962\u0963]*)+|\d+")
"""As `_WORD`, but Devanagari words keep the vowel signs that are no letters."""

_WHOLE_LETTERS: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
)
"""Letters that do not decompose into a plain one and an accent."""

_SENTENCE_END: Final = re.compile(r"[.!?;]\s|\n")
_GAP: Final = ".."
_MAX_GAP: Final = 4
_EITHER: Final = "|"
_AGE: Final = "{age}"
_SIGNS: Final = re.compile(r"\.\.|[|*]|\{age\}")
"""What makes a pattern more than its words."""

_AGES: Final = (
    frozenset(map(str, range(18)))
    | {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
    | {"thirteen", "fourteen", "fifteen", "sixteen", "seventeen"}
)
_PREFIX_KEY: Final = 2
"""Letters of a `word*` that the index files it under; no pattern is shorter."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: folded, with its place and the number of the sentence it stands in."""

    folded: str
    start: int
    end: int
    sentence: int


@dataclass(frozen=True, slots=True)
class Hit:
    """Pattern number `pattern` stands at `text[start:end]`, words `[first, last)`."""

    pattern: int
    start: int
    end: int
    first: int
    last: int

    def overlaps(self, other: Hit) -> bool:
        """Whether the two share a word."""
        return self.first < other.last and other.first < self.last


def fold(text: str) -> str:
    """Return `text` in lower case without accents (`Beyoncé` and `beyonce` are one)."""
    lowered = text.casefold()
    if lowered.isascii():
        return lowered
    plain = unicodedata.normalize("NFKD", lowered).translate(_WHOLE_LETTERS)
    return "".join(char for char in plain if not unicodedata.combining(char))


def words_of(text: str) -> list[Word]:
    """Cut `text` into words; letters and digits are words of their own (`12yo` is two)."""
    found: list[Word] = []
    sentence, before = 0, 0
    for match in _pieces(text):
        # An initial or a title (J. R. R. Tolkien, St. Louis) ends no sentence.
        if found and found[-1].end - found[-1].start > 2 and _SENTENCE_END.search(text, before, match.start()):
            sentence += 1
        found.append(Word(fold(match.group()), match.start(), match.end(), sentence))
        before = match.end()
    return found


def folded_words(text: str) -> tuple[str, ...]:
    """The words of `words_of`, without their places."""
    if text.isascii():
        return tuple(_WORD.findall(text.lower()))
    return tuple(fold(match.group()) for match in _pieces(text))


def _pieces(text: str) -> Iterator[re.Match[str]]:
    return (_WORD if text.isascii() else _ANY_WORD).finditer(text)


class PhraseIndex:
    """Patterns filed by their first two words, so that a text costs about two look-ups a word."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """File the patterns; a pattern's number is its place in the order given.

        Raises:
            ClassifierError: a pattern has no word, starts with a gap or too short a `word*`, or an alternative is no
                single word.
        """
        self._whole: dict[str, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
        self._pairs: dict[tuple[str, str], list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
        self._prefix: dict[str, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
        for number, pattern in enumerate(patterns):
            parts = _parts(pattern)
            heads = dict.fromkeys(parts[0].split(_EITHER)) if parts else {"": None}
            if any(head in ("", _GAP) or (head.endswith("*") and len(head) <= _PREFIX_KEY) for head in heads):
                raise ClassifierError(f"pattern {number} ({pattern!r}) must start with a word of two letters or more")
            second = parts[1] if len(parts) > 1 else ""
            plain = second and second not in (_GAP, _AGE) and _EITHER not in second and not second.endswith("*")
            for head in heads:
                if head.endswith("*"):
                    self._prefix[head[:_PREFIX_KEY]].append((number, parts))
                elif head == _AGE:
                    for age in _AGES:
                        self._whole[age].append((number, parts))
                elif plain:
                    self._pairs[head, second].append((number, parts))
                else:
                    self._whole[head].append((number, parts))

    def find(self, words: Sequence[Word]) -> Iterator[Hit]:
        """Yield every place where a pattern stands, in the order of the text. A pattern never crosses a sentence."""
        for first, word in enumerate(words):
            following = words[first + 1].folded if first + 1 < len(words) else ""
            filed = (
                *self._whole.get(word.folded, ()),
                *self._pairs.get((word.folded, following), ()),
                *self._prefix.get(word.folded[:_PREFIX_KEY], ()),
            )
            for number, parts in dict.fromkeys(filed):  # alternatives may file a pattern twice
                last = _match(parts, words, first)
                if last is not None:
                    yield Hit(number, word.start, words[last - 1].end, first, last)


def _parts(pattern: str) -> tuple[str, ...]:
    """The words and signs of a pattern, folded the way texts are."""
    if not _SIGNS.search(pattern):
        return folded_words(pattern)
    parts: list[str] = []
    for piece in pattern.split():
        if piece in (_GAP, _AGE):
            parts.append(piece)
            continue
        if _EITHER in piece:
            parts.append(_EITHER.join(_alternative(one) for one in piece.split(_EITHER)))
            continue
        pieces = list(folded_words(piece))
        if pieces and piece.endswith("*"):
            pieces[-1] += "*"
        parts.extend(pieces)
    return tuple(parts)


def _alternative(piece: str) -> str:
    """One alternative, folded; it must be a single word, or the pattern would say something else than it seems to."""
    found = [match.group() for match in _WORD.finditer(fold(piece))]
    if len(found) != 1:
        raise ClassifierError(f"the alternative {piece!r} of a pattern must be a single word")
    return found[0] + "*" if piece.endswith("*") else found[0]


def _match(parts: Sequence[str], words: Sequence[Word], first: int) -> int | None:
    """The end (exclusive word number) of the pattern's shortest match that starts at word `first`."""
    sentence = words[first].sentence
    place = first
    for index, part in enumerate(parts):
        if part == _GAP:
            for skip in range(_MAX_GAP + 1):
                if place + skip < len(words) and words[place + skip].sentence == sentence:
                    end = _match(parts[index + 1 :], words, place + skip)
                    if end is not None:
                        return end
            return None
        if place >= len(words) or words[place].sentence != sentence or not _fits(part, words[place].folded):
            return None
        place += 1
    return place


def _fits(part: str, word: str) -> bool:
    if _EITHER in part:
        return any(_fits(one, word) for one in part.split(_EITHER))
    if part == _AGE:
        return word in _AGES
    return word.startswith(part[:-1]) if part.endswith("*") else word == part
