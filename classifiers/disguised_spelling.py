"""Finds disguises made of strange spelling in plain characters: leetspeak, asterisks, stretched letters.

A word is respelled only where a known word comes out. Pure; it applies nothing and does not judge. Strange characters:
`disguised_characters`; letters and words torn apart or run together: `disguised_spacing`, `disguised_fragments`.
"""

from __future__ import annotations

import re
from typing import Final

from classifiers.disguised_characters import Edit
from classifiers.vocabulary import (
    LEET_DEFAULT,
    LEET_SIGNS,
    SHORT_WORDS,
    disguised_words,
    is_word,
    kept,
    leet_word,
    squeeze,
    unstretched_word,
)

_SIGNS: Final = re.escape(LEET_SIGNS)
_ANY_SIGN: Final = re.compile(rf"[*{_SIGNS}]")
_TOKEN: Final = re.compile(rf"(?<![\w*])(?=[A-Za-z]*[0-9*{_SIGNS}])[A-Za-z0-9*{_SIGNS}]{{1,24}}(?![\w*])")
_MEASURE: Final = re.compile(r"\d+(?:[a-z]{1,3}|st|nd|rd|th)|[a-z]{1,4}\d+s?", re.IGNORECASE)
"""4k, 35mm, 21st, 1990s, mp4, ps5: ordinary in captions, read as leetspeak only if a disguised word comes out."""

_BETWEEN: Final = re.compile(rf"[A-Za-z][{_SIGNS}]+[A-Za-z]")
_LONG: Final = 6
"""Letters from which a word may start or end with a sign (5yringe): shorter ones are sizes and versions too often."""

_HEAVY: Final = 2.5
"""When n of a text's N words are leetspeak and n·(n+2) reaches 2.5·N, the whole text is: two of three words, three of
six, ten of fifty. Then every word is read so."""

_SMALL_WORDS: Final = SHORT_WORDS | {"the", "and", "for", "his", "its", "ass"}
"""What a token of digits alone may spell in a text that is leetspeak throughout (7h3, 15, 70)."""


def leetspeak(text: str) -> list[Edit]:
    """Read digits, signs and asterisks as letters in words that mix them, where a word comes out."""
    if not _ANY_SIGN.search(text):
        return []
    tokens = [(match.start(), match.group()) for match in _TOKEN.finditer(text)]
    heavy = _is_heavy([token for _, token in tokens], len(text.split()))
    edits = []
    for start, written in tokens:
        # A sign at the end is a letter (kil!) or ends the sentence (hell!).
        for token in dict.fromkeys((written, written.rstrip("!+|*"))):
            if not token or token.isalpha() or (not heavy and len(token) < 3):
                continue
            read = _unmask if "*" in token else _read_in_leetspeak if heavy else _read
            word = read(token)
            if word is not None:
                edits.append(Edit(start, start + len(token), _like(token, word), "leetspeak"))
                break
    return edits


def _is_heavy(tokens: list[str], written: int) -> bool:
    mixed = sum(
        leet_word(token.lower()) is not None or leet_word(token.lower().rstrip("!+|")) is not None
        for token in tokens
        if not token.isalpha() and "*" not in token and any(char.isalpha() for char in token)
    )
    return mixed >= 2 and mixed * (mixed + 2) >= _HEAVY * written


def _read(token: str) -> str | None:
    """The word a token spells when digits and signs are letters."""
    lower = token.lower()
    if not any(char.isalpha() for char in token):
        return None
    word = leet_word(lower) or leet_word(squeeze(lower))
    if word is None:
        return _name(token)
    if word in disguised_words():
        return None if token.isupper() and _MEASURE.fullmatch(token) else word
    if len(token) < 4 or _MEASURE.fullmatch(token):
        return None
    inside = _BETWEEN.search(token) and not token[0].isdigit()
    return word if inside or (len(token) >= _LONG and token[-1] not in "0123456789+!") else None


def _name(token: str) -> str | None:
    """The listed name that a token spells by the usual reading of each sign (`Kh0m31n1`)."""
    plain = token.lower().translate(LEET_DEFAULT)
    return plain if len(token) > _LONG and _BETWEEN.search(token) and plain in kept() else None


def _read_in_leetspeak(token: str) -> str | None:
    """The same in a text that is leetspeak throughout: small words too, and names by the usual reading of each sign."""
    lower = token.lower()
    word = leet_word(lower)
    if not any(char.isalpha() for char in token):
        return word if word in _SMALL_WORDS else None
    if word is not None or _MEASURE.fullmatch(token) or not _BETWEEN.search(token):
        return word
    plain = lower.translate(LEET_DEFAULT)
    other = lower.replace("1", "l").translate(LEET_DEFAULT)
    return other if is_word(other) and not is_word(plain) else plain


def _unmask(token: str) -> str | None:
    """The disguised word whose letters an asterisk hides, if exactly its shape fits."""
    if len(token) < 3 or sum(char.isalpha() for char in token) * 2 < len(token) - 1:
        return None
    pattern = re.compile("".join("[a-z]" if char == "*" else re.escape(char) for char in token.lower()))
    return min((word for word in disguised_words() if pattern.fullmatch(word)), default=None)


def _like(token: str, word: str) -> str:
    """`word` in the case of `token`."""
    letters = [char for char in token if char.isalpha()]
    if len(letters) > 1 and all(char.isupper() for char in letters):
        return word.upper()
    if len(word) != len(token):
        return word
    return "".join(new.upper() if old.isupper() else new for old, new in zip(token, word, strict=True))


_STRETCHED: Final = re.compile(r"(?<![^\W_])(?=[A-Za-z]*([A-Za-z])\1)[A-Za-z]{2,}(?![^\W_])", re.IGNORECASE)
_THREE: Final = re.compile(r"([a-z])\1\1")
_STRETCHED_TEXT: Final = 3
"""So many stretched words, and so large a share of them, mean that all are: names and small words are shortened too."""


def repeats(text: str) -> list[Edit]:
    """Shorten letters that are repeated (`kiiiill`, `nnaakkeedd`) where a word comes out.

    A letter that stands twice is shortened only if the word is then one that people disguise, or if every letter does.
    """
    edits, left = [], []
    for match in _STRETCHED.finditer(text):
        token = match.group().lower()
        if is_word(token) or token in kept():
            continue
        word = _shortened(token) if len(token) > 3 else None
        if word is None:
            left.append(match)
        elif word != token:
            edits.append(Edit(match.start(), match.end(), _cased(match.group(), word), "repeats"))
    if len(edits) >= _STRETCHED_TEXT and len(edits) >= len(left):
        for match in left:
            word = _evenly_shortened(match.group().lower())
            if word is not None:
                edits.append(Edit(match.start(), match.end(), _cased(match.group(), word), "repeats"))
        edits.sort(key=lambda edit: edit.start)
    return edits


def _shortened(token: str) -> str | None:
    if len(token) % 2 == 0 and token[::2] == token[1::2] and is_word(token[::2]):
        return token[::2]
    word = unstretched_word(token)
    doubtful = not _THREE.search(token)
    return None if doubtful and word not in disguised_words() else word


def _evenly_shortened(token: str) -> str | None:
    """What is left of `MMMiii` or `MMii`, where every long run loses the same part."""
    if len(token) % 2 == 0 and token[::2] == token[1::2]:
        return token[::2]
    if not _THREE.search(token):
        return None
    return re.sub(r"([a-z])\1{2,}", lambda run: run.group(1) * max(1, len(run.group()) // 3), token)


def _cased(token: str, word: str) -> str:
    if token.isupper():
        return word.upper()
    return word.capitalize() if token[0].isupper() else word
