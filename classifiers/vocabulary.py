"""Knows which strings are English words, so that a disguise is undone only where a word comes out.

A word is what the text encoder's tokenizer holds as one whole token, or a word of `lists/disguised_words.txt`. It knows
no meanings and judges nothing.
"""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import product
from pathlib import Path
from typing import Final

from classifiers.weights import embedded

LISTS: Final = Path(__file__).parent / "lists"
TOKENIZER_FILE: Final = "text_encoder/tokenizer.json"
TOKENIZER_SHA256: Final = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
"""The tokenizer of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)."""

_SHORT_WORDS: Final = (
    {"a", "i", "am", "an", "as", "at", "be", "by", "do", "go", "he", "hi", "if", "in", "is", "it", "me", "my", "no"}
    | {"of", "oh", "on", "or", "so", "to", "up", "us", "we"}
)  # fmt: skip
_LEET: Final = {
    "0": "o",
    "1": "il",
    "3": "e",
    "4": "a",
    "5": "s",
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
}
LEET_SIGNS: Final = "".join(_LEET)
_MAX_READINGS: Final = 32


@cache
def disguised_words() -> frozenset[str]:
    """Lower-case words that people disguise to slip past filters."""
    lines = (LISTS / "disguised_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def words() -> frozenset[str]:
    """Every lower-case English word of three letters or more that the tokenizer knows, and the disguised ones.

    Raises:
        WeightsError: the tokenizer is missing or altered.
    """
    tokenizer = json.loads(embedded(TOKENIZER_FILE, TOKENIZER_SHA256).read_text(encoding="utf-8"))
    known = (word for word in tokenizer["model"]["vocab"] if re.fullmatch("[a-z]{3,}", word))
    return frozenset(known) | disguised_words()


def readings(token: str) -> list[str]:
    """Return the lower-case words that `token` may spell when its digits and signs stand for letters."""
    choices = [_LEET.get(char, char) for char in token.lower()]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > _MAX_READINGS:
        return []
    return ["".join(letters) for letters in product(*choices)]


def split_into_words(letters: str) -> list[str] | None:
    """Cut a run of lower-case letters into known words, fewest first; None where that cannot be done."""
    known = words()
    best: list[list[str] | None] = [[]] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - 20), end):
            before = best[start]
            word = letters[start:end]
            if before is None or not (word in known or word in _SHORT_WORDS):
                continue
            now = best[end]
            if now is None or len(before) + 1 < len(now):
                best[end] = [*before, word]
    return best[-1]
