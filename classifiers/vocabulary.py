"""Knows which strings are English words, so that a disguise is undone only where a word comes out.

A word is a line of `lists/words.txt` or of `lists/disguised_words.txt`; `is_word` also takes their plain endings and
the rare words of `lists/rare_words.txt`, which are never looked for in a disguise. It knows no meanings and judges
nothing.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

LISTS: Final = Path(__file__).parent / "lists"
TOKENIZER_FILE: Final = "text_encoder/tokenizer.json"
TOKENIZER_SHA256: Final = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
"""The tokenizer of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)."""

SHORT_WORDS: Final = frozenset(
    {"a", "i", "am", "an", "as", "at", "be", "by", "do", "go", "he", "hi", "if", "in", "is", "it", "me", "my", "no"}
    | {"of", "oh", "on", "or", "so", "to", "up", "us", "we"}
)  # fmt: skip

_LEET: Final[Mapping[str, str]] = {
    "0": "o",
    "1": "il",
    "2": "z",
    "3": "e",
    "4": "a",
    "5": "s",
    "6": "gb",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "il",
    "|": "li",
    "+": "t",
    "€": "e",
    "£": "l",
    "¢": "c",
    "¡": "i",
}
LEET_SIGNS: Final = "".join(_LEET)
LEET_DEFAULT: Final = str.maketrans({sign: letters[0] for sign, letters in _LEET.items()})
"""What a sign stands for when no word says otherwise."""

_CLASSES: Final = str.maketrans({**{sign: letters[0] for sign, letters in _LEET.items()}, "l": "i", "|": "i", "£": "i"})
"""Signs and letters that a disguise cannot tell apart, as one letter: words and tokens are compared in this form."""

_ENDINGS: Final = ("s", "es", "ed", "d", "ing", "ly", "er", "ers", "r", "rs", "y")
_SHORT_PLACE: Final = 60
"""Place by frequency of a word of one or two letters, which the list does not hold."""

MAX_WORD: Final = 20
"""Letters of the longest word that is looked for."""

UNKNOWN_LETTER_COST: Final = 9.0
"""Natural logarithm of about ten thousand: a letter outside any word is as dear as a rare word."""


@cache
def disguised_words() -> frozenset[str]:
    """Lower-case words that people disguise to slip past filters."""
    return frozenset(word for line in _lines("disguised_words.txt") for word in line.split())


@cache
def ranks() -> Mapping[str, int]:
    """Every known lower-case word of three letters or more and its place by frequency, from 0."""
    known = dict.fromkeys(_lines("words.txt"))
    known.update(dict.fromkeys(sorted(disguised_words())))
    return {word: place for place, word in enumerate(known)}


def is_word(token: str) -> bool:
    """Whether a lower-case token is a known, short or rare word, or a known word with a plain ending."""
    known = ranks()
    if token in known or token in SHORT_WORDS or token in _rare():
        return True
    return len(token) > 5 and any(token.endswith(end) and token[: -len(end)] in known for end in _ENDINGS)


@cache
def _rare() -> frozenset[str]:
    return frozenset(_lines("rare_words.txt"))


def _lines(name: str) -> list[str]:
    return [line for line in (LISTS / name).read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]


@cache
def kept() -> frozenset[str]:
    """Lower-case words that are never taken apart or respelled: those of the name lists, so that `entities` finds
    them, and the function words of other languages."""
    names = "\n".join(line.split("\t")[1] for line in _lines("names_compiled.tsv"))
    written = "\n".join(path.read_text(encoding="utf-8") for path in sorted(LISTS.glob("names_*.toml")))
    foreign = tomllib.loads((LISTS / "function_words.toml").read_text(encoding="utf-8"))
    words = re.findall(r"[a-z]{4,}", f"{names}\n{written}".lower())
    return frozenset(words).union(*(line.split() for line in foreign.values()))


@cache
def _by_class() -> Mapping[str, tuple[str, ...]]:
    words = (*ranks(), *sorted(SHORT_WORDS))
    return _filed(zip("\n".join(words).translate(_CLASSES).split("\n"), words, strict=True))


@cache
def _by_squeezed() -> Mapping[str, tuple[str, ...]]:
    words = (*ranks(), *sorted(SHORT_WORDS))
    return _filed(zip(squeeze("\n".join(words)).split("\n"), words, strict=True))


def _filed(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    filed: dict[str, tuple[str, ...]] = {}
    for key, word in pairs:
        filed[key] = (*filed.get(key, ()), word)
    return filed


_TWICE: Final = re.compile(r"(\S)\1+")


def squeeze(text: str) -> str:
    """Return `text` with every run of one character cut to a single one."""
    return _TWICE.sub(r"\1", text)


def leet_word(token: str) -> str | None:
    """Return the word that a lower-case token spells when its digits and signs stand for letters.

    Words that people disguise come first, then the more frequent one.
    """
    keys = {token.translate(_CLASSES)}
    if "6" in token:
        keys.add(token.replace("6", "b").translate(_CLASSES))
    found = [
        word
        for key in keys
        for word in _by_class().get(key, ())
        if all(old == new or new in _LEET.get(old, "") for old, new in zip(token, word, strict=True))
    ]
    return min(found, key=_preferred, default=None)


def unstretched_word(token: str) -> str | None:
    """Return the word that a lower-case token spells when runs of one letter may be shorter, down to one."""
    runs = [len(match.group()) for match in re.finditer(r"(.)\1*", token)]
    found = []
    for word in _by_squeezed().get(squeeze(token), ()):
        lengths = [len(match.group()) for match in re.finditer(r"(.)\1*", word)]
        if all(new <= old for new, old in zip(lengths, runs, strict=True)):
            found.append(word)
    return min(found, key=_preferred, default=None)


def _preferred(word: str) -> tuple[bool, int]:
    return word not in disguised_words(), ranks().get(word, 0)


def word_cost(word: str) -> float:
    """How unlikely a lower-case word is: the logarithm of its place by frequency (Zipf's law); letters that make no
    word are dearer."""
    place = ranks().get(word, _SHORT_PLACE if word in SHORT_WORDS else None)
    if place is None:
        return math.log(len(ranks())) + 2 if is_word(word) else UNKNOWN_LETTER_COST * len(word)
    return math.log(place + 20) + 1


def cut_into_words(letters: str) -> list[tuple[str, bool]]:
    """Cut a run of lower-case letters into the likeliest words: pieces, each with whether it is a word.

    Likely means a small sum of `word_cost`.
    """
    known = ranks()
    costs: list[tuple[float, int, bool]] = [(0.0, 0, True)]
    for end in range(1, len(letters) + 1):
        best = (costs[end - 1][0] + UNKNOWN_LETTER_COST, end - 1, False)
        for start in range(max(0, end - MAX_WORD), end):
            word = letters[start:end]
            place = known.get(word)
            if place is None:
                if word not in SHORT_WORDS:
                    continue
                place = _SHORT_PLACE
            cost = costs[start][0] + math.log(place + 20) + 1
            if cost < best[0]:
                best = (cost, start, True)
        costs.append(best)
    pieces: list[tuple[str, bool]] = []
    end = len(letters)
    while end:
        _, start, is_known = costs[end]
        if not is_known and pieces and not pieces[-1][1]:
            pieces[-1] = (letters[start:end] + pieces[-1][0], False)
        else:
            pieces.append((letters[start:end], is_known))
        end = start
    return pieces[::-1]
