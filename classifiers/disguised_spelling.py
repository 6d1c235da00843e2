"""Finds disguises made of strange spelling in plain characters: spaced letters, leetspeak, stretched letters.

A word is respelled only where a known word comes out. Pure; it applies nothing and does not judge. Strange characters:
`disguised_characters`.
"""

from __future__ import annotations

import re
from itertools import product
from typing import Final

from classifiers.disguised_characters import Edit
from classifiers.vocabulary import LEET_SIGNS, disguised_words, readings, split_into_words, words

_SINGLE: Final = rf"[A-Za-z{re.escape(LEET_SIGNS)}]"
_SPACED: Final = re.compile(rf"(?<![^\W_])(?<!['’]){_SINGLE}(?:[ .\-_*/|~,·]{_SINGLE})+(?![^\W_])")


def spaced_letters(text: str) -> list[Edit]:
    """Join `k i l l` and `k.i.l.l` where words come out; initials and alphabets stay."""
    edits = []
    for match in _SPACED.finditer(text):
        joined = match.group()[::2]
        if len(joined) < 3 or sum(char.isalpha() for char in joined) * 2 < len(joined):
            continue
        found = _best_split(joined)
        if found is None or (max(map(len, found)) < 4 and not any(word in disguised_words() for word in found)):
            continue
        acronym = len(found) == 1 and joined.isupper() and match.group()[1] == "."
        edits.extend(_joined_words(match.start(), match.group(), found, "" if acronym else "spacing"))
    return edits


def _joined_words(start: int, spaced: str, found: list[str], transform: str) -> list[Edit]:
    """One edit a word, so that each word leads back to its own letters, and a space between words."""
    edits, letter = [], 0
    for word in found:
        if letter and spaced[2 * letter - 1] != " ":
            edits.append(Edit(start + 2 * letter - 1, start + 2 * letter, " ", transform))
        first, last = 2 * letter, 2 * (letter + len(word)) - 1
        if len(word) > 1:
            edits.append(Edit(start + first, start + last, spaced[first:last:2], transform))
        letter += len(word)
    return edits


def _best_split(joined: str) -> list[str] | None:
    """The words a run of letters and signs spells, if it spells any."""
    splits = [split for reading in readings(joined) if (split := split_into_words(reading)) is not None]
    return min(splits, key=len, default=None)


_TOKEN: Final = re.compile(rf"(?<![\w*])[A-Za-z0-9*{re.escape(LEET_SIGNS)}]{{3,24}}(?![\w*])")
_MEASURE: Final = re.compile(r"\d+(?:[a-z]{1,3}|st|nd|rd|th)|[a-z]{1,4}\d+s?", re.IGNORECASE)
"""4k, 35mm, 21st, 1990s, mp4, ps5: ordinary in captions, read as leetspeak only if a disguised word comes out."""

_BETWEEN: Final = re.compile(rf"[A-Za-z][{re.escape(LEET_SIGNS)}]+[A-Za-z]")


def leetspeak(text: str) -> list[Edit]:
    """Read digits, signs and asterisks as letters in words that mix them, where a word comes out."""
    edits = []
    for match in _TOKEN.finditer(text):
        token = match.group().rstrip("!+|*")
        if token.isalpha() or not any(char.isalpha() for char in token) or len(token) < 3:
            continue
        word = _unmask(token) if "*" in token else _read(token)
        if word is not None:
            edits.append(Edit(match.start(), match.start() + len(token), _like(token, word), "leetspeak"))
    return edits


def _read(token: str) -> str | None:
    """The word a token spells when digits and signs are letters."""
    spelled = readings(token)
    for word in spelled:
        if word in disguised_words() and not (token.isupper() and _MEASURE.fullmatch(token)):
            return word
    if len(token) < 4 or not _BETWEEN.search(token) or _MEASURE.fullmatch(token):
        return None
    return next((word for word in spelled if word in words()), None)


def _unmask(token: str) -> str | None:
    """The disguised word whose letters an asterisk hides, if exactly its shape fits."""
    if sum(char.isalpha() for char in token) * 2 < len(token) - 1:
        return None
    pattern = re.compile("".join("[a-z]" if char == "*" else re.escape(char) for char in token.lower()))
    return min((word for word in disguised_words() if pattern.fullmatch(word)), default=None)


def _like(token: str, word: str) -> str:
    """`word` in the case of `token`."""
    letters = [char for char in token if char.isalpha()]
    if len(letters) > 1 and all(char.isupper() for char in letters):
        return word.upper()
    return "".join(new.upper() if old.isupper() else new for old, new in zip(token, word, strict=True))


_STRETCHED: Final = re.compile(r"(?<![^\W_])(?=[A-Za-z]*([A-Za-z])\1\1)[A-Za-z]+(?![^\W_])")
_THREE: Final = re.compile(r"(([A-Za-z])\2)\2+")


def repeats(text: str) -> list[Edit]:
    """Shorten letters that are repeated three times or more (`kiiiill`) where a word comes out."""
    edits = []
    for match in _STRETCHED.finditer(text):
        token = match.group()
        if token.lower() in words():
            continue
        pieces = _THREE.split(token)  # text, doubled letter, letter, text, …
        stretched = len(pieces) // 3
        if stretched > 5:
            continue
        shorter = [
            "".join(
                pieces[3 * index] + (pieces[3 * index + 1][: kept[index]] if index < stretched else "")
                for index in range(stretched + 1)
            )
            for kept in product((2, 1), repeat=stretched)
        ]
        found = [word for word in shorter if word.lower() in words()]
        found.sort(key=lambda word: word.lower() not in disguised_words())
        if found:
            edits.append(Edit(match.start(), match.end(), found[0], "repeats"))
    return edits
