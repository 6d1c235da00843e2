"""Splits a text into the words by which it is found: case, accents' composition and order do not matter. Pure."""

from __future__ import annotations

import re
import unicodedata

MOST_WORDS = 500
"""Different words of one text that are kept: a reason has 2000 characters at most."""

LONGEST_WORD = 64
"""Characters of a word that are kept and asked for: an index row of PostgreSQL has 2704 bytes at most."""

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f\u1000-\u109f\u1780-\u17ff]+")


def words_of(text: str) -> list[str]:
    """Return the different words of a text, sorted by code point.

    Scripts without spaces between words (Chinese, Japanese, Thai, Burmese, Khmer) are split into pairs of characters.
    """
    found: set[str] = set()
    for run in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        rest = 0
        for unspaced in _UNSPACED.finditer(run):
            found.add(run[rest : unspaced.start()])
            letters = unspaced.group()
            found.update(letters[at : at + 2] for at in range(max(1, len(letters) - 1)))
            rest = unspaced.end()
        found.add(run[rest:])
    return sorted({each[:LONGEST_WORD] for each in found} - {""})[:MOST_WORDS]
