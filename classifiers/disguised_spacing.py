"""Finds letters spread apart (`k i l l`) and words run together (`anakedwoman`), as edits that mend them.

Letters are moved together or apart only where known words come out. Pure; it applies nothing and does not judge. Words
torn into pieces: `disguised_fragments`.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import Final

from classifiers.disguised_characters import Edit
from classifiers.vocabulary import (
    LEET_DEFAULT,
    cut_into_words,
    disguised_words,
    is_word,
    kept,
    ranks,
)

_SIGNS: Final = re.escape("@$!|+€£")
_LETTER: Final = rf"(?:[^\W_]|[{_SIGNS}])"
_SPACED: Final = re.compile(
    rf"(?<![^\W_])(?<!['’]){_LETTER}(?:(?:[^\w{_SIGNS}]{{1,3}}|_){_LETTER}){{2,}}(?![^\W_])"
    r"|(?<![^\W_])[^\W\d_](?P<sign>[|+*!@$#^=])[^\W\d_](?:(?P=sign)[^\W\d_])+(?![^\W_])"
)
_KNOWN_SHARE: Final = 0.7
"""Share of the letters that must belong to words before spaced letters are joined."""


def spaced_letters(text: str) -> list[Edit]:
    """Join `k i l l` and `k.i.l.l` where words come out; initials and alphabets stay."""
    edits: list[Edit] = []
    for match in _SPACED.finditer(text):
        sign = match.group("sign")
        places = [
            place
            for place in range(match.start(), match.end())
            if text[place] != sign and (text[place].isalnum() or text[place] in "@$!|+€£")
        ]
        gaps = [text[before + 1 : after] for before, after in pairwise(places)]
        letters = "".join(text[place] for place in places)
        pieces = _words_of(letters, gaps)
        if pieces is None:
            continue
        acronym = len(pieces) == 1 and letters.isupper() and gaps[0] == "."
        edits.extend(_moved_together(text, places, pieces, "" if acronym else "spacing"))
    return edits


def _words_of(letters: str, gaps: list[str]) -> list[str] | None:
    """The pieces that spaced letters spell, or None where too few of them are words."""
    if sum(char.isalpha() for char in letters) * 2 < len(letters):
        return None
    pieces: list[tuple[str, bool]] = []
    for chunk in _chunks(letters, gaps):
        candidates = [_read(chunk, one) for one in "il"]
        likeliest = min(candidates, key=_unknown_letters)
        pieces += likeliest
    known = [piece for piece, is_known in pieces if is_known]
    if sum(map(len, known)) < _KNOWN_SHARE * len(letters):
        return None
    if max(map(len, known)) < 4 and not any(piece in disguised_words() for piece in known):
        return None
    return [piece for piece, _ in pieces]


def _read(chunk: str, one: str) -> list[tuple[str, bool]]:
    plain = "".join(one if char in "1!|" else char for char in chunk.lower()).translate(LEET_DEFAULT)
    return [(plain, True)] if is_word(plain) or plain in kept() else cut_into_words(plain)


def _unknown_letters(pieces: list[tuple[str, bool]]) -> tuple[int, int]:
    return sum(len(piece) for piece, is_known in pieces if not is_known), len(pieces)


def _chunks(letters: str, gaps: list[str]) -> list[str]:
    """Letters cut where the gap is wider than usual, which is where the writer began a new word."""
    usual, _ = Counter(gaps).most_common(1)[0]
    chunks, begin = [], 0
    for place, gap in enumerate(gaps, start=1):
        wider = len(gap) > len(usual) or (" " in gap and " " not in usual)
        if gap != usual and wider:
            chunks.append(letters[begin:place])
            begin = place
    return [*chunks, letters[begin:]]


def _moved_together(text: str, places: list[int], pieces: list[str], transform: str) -> list[Edit]:
    """One edit a word, so that each word leads back to its own letters, and a space between words."""
    edits, first = [], 0
    for piece in pieces:
        if first and text[places[first - 1] + 1 : places[first]] != " ":
            edits.append(Edit(places[first - 1] + 1, places[first], " ", transform))
        last = first + len(piece) - 1
        if last > first:
            joined = "".join(text[place] for place in places[first : last + 1])
            edits.append(Edit(places[first], places[last] + 1, joined, transform))
        first = last + 1
    return edits


_RUN_TOGETHER: Final = re.compile(r"(?<![A-Za-z@_])[A-Za-z]{8,4000}(?![A-Za-z@_])")
_ADDRESS: Final = re.compile(r"(?:\b[a-z]{2,9}://|\bwww\.)\S+", re.IGNORECASE)
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COMPOUNDING: Final = frozenset({"over", "under", "down", "like", "hyper", "super", "anti", "less", "free", "proof"})
"""English makes words with these (overhanging): beside one, no second word was run in."""

_COMMON: Final = 3000
_SENTENCE: Final = 20
"""Letters from which a run can only be a sentence: then a name or two in it may be unknown."""

_MIN_MEAN_LONG: Final = 3.0
_MIN_MEAN: Final = 3.4
_MIN_MEAN_ALONE: Final = 3.5
"""Letters a word, on average, that must come out: chance cuts a name into crumbs."""


def run_together(text: str) -> list[Edit]:
    """Put spaces into `anakedwomanonabed` where only words come out; compound words and names stay."""
    edits: list[Edit] = []
    addresses = [match.span() for match in _ADDRESS.finditer(text)]
    for match in _RUN_TOGETHER.finditer(text):
        token = match.group()
        lower = token.lower()
        if is_word(lower) or lower in kept():
            continue
        humps = [part.lower() for part in _HUMP.split(token)]
        whole = len(humps) > 1 and all(map(is_word, humps))
        pieces = [(part, True) for part in humps] if whole else cut_into_words(lower)
        words = [piece for piece, _ in pieces]
        alone = len(lower) == sum(char.isalnum() for char in text) and _are_all_words(pieces, len(lower))
        if not (alone or _are_words(pieces, len(lower))) or any(
            start <= match.start() < end for start, end in addresses
        ):
            continue
        hides = any(word in disguised_words() for word in words) or len(lower) * 2 > len(text)
        place = match.start()
        for word in words[:-1]:
            place += len(word)
            # The letter before takes the space with it: an edit cannot be empty.
            edits.append(Edit(place - 1, place, text[place - 1] + " ", "spacing" if hides else ""))
    return edits


def _are_all_words(pieces: list[tuple[str, bool]], letters: int) -> bool:
    """The milder test for a run that is all there is to read: otherwise nobody could read the text."""
    crumbs = any(len(word) == 1 and word != "a" for word, _ in pieces)
    return (
        len(pieces) > 1
        and not crumbs
        and all(known for _, known in pieces)
        and letters >= _MIN_MEAN_ALONE * len(pieces)
    )


def _are_words(pieces: list[tuple[str, bool]], letters: int) -> bool:
    words = [piece for piece, _ in pieces]
    unknown = sum(len(piece) for piece, is_known in pieces if not is_known)
    if len(words) < 2 or letters < (_MIN_MEAN if letters < _SENTENCE else _MIN_MEAN_LONG) * len(words):
        return False
    if len(words) == 2:
        rare, common = sorted(words, key=lambda word: word not in disguised_words())
        compound = common in _COMPOUNDING or not _is_common(common)
        return not unknown and rare in disguised_words() and min(len(rare), len(common)) >= 4 and not compound
    crumbs = sum(len(word) == 1 and word != "a" for word in words)
    if letters < _SENTENCE:
        return letters >= 12 and not crumbs and not unknown
    return crumbs <= letters / 12 and unknown <= 0.2 * letters


def _is_common(word: str) -> bool:
    return ranks().get(word, _COMMON) < _COMMON


_JOINED: Final = re.compile(
    r"(?<![\w/.:@-])[A-Za-z]+(?:([+~|*\\^=])[A-Za-z]+(?:\1[A-Za-z]+)+|([_./-])[A-Za-z]+(?:\2[A-Za-z]+){2,})(?![\w/@=])"
)


def joined_words(text: str) -> list[Edit]:
    """Put spaces where whole words hang together by one sign: `a_naked_woman_on_a_bed`. Not named as a disguise."""
    edits: list[Edit] = []
    for match in _JOINED.finditer(text):
        sign = match.group(1) or match.group(2)
        words = match.group().split(sign)
        if sign == "-" and len(words) < 5:
            continue
        if words[0].lower() != "www" and sum(is_word(word.lower()) for word in words) >= 0.8 * len(words):
            place = match.start()
            for word in words[:-1]:
                place += len(word)
                edits.append(Edit(place, place + 1, " ", ""))
                place += 1
    return edits
