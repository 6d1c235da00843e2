"""Says whether a text is one that the English instruments can read at all.

What they cannot read is reported as unmeasured, never as clean. It names no language and translates nothing.
"""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from typing import Final

from classifiers.base import MeasurementError
from classifiers.phrases import words_of
from classifiers.vocabulary import LISTS

MAX_FOREIGN_SHARE: Final = 0.3
MAX_FOREIGN_LETTERS: Final = 12
"""A quoted sign or a name may stand in another script; a sentence may not hide behind English padding."""

_DENSE: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
_DENSE_LETTERS: Final = 3
"""One letter of these scripts says about as much as three Latin ones."""

_MIN_FUNCTION_WORDS: Final = 3


def require_latin(text: str) -> None:
    """Pass text that is written in Latin letters, except for a foreign word or two.

    Raises:
        MeasurementError: no letters at all, or too many of another script.
    """
    latin = foreign = 0
    for char in text:
        if char.isascii():
            latin += char.isalpha()
        elif char.isalpha():
            script = unicodedata.name(char, "UNKNOWN")
            if script.startswith("LATIN"):
                latin += 1
            else:
                foreign += _DENSE_LETTERS if script.startswith(_DENSE) else 1
    if not latin and not foreign:
        raise MeasurementError("the text has no letters: nothing in it can be read")
    if foreign > MAX_FOREIGN_SHARE * (latin + foreign) or foreign > MAX_FOREIGN_LETTERS:
        raise MeasurementError("script not supported: too much of the text is not in Latin letters")


def require_english(text: str) -> None:
    """Pass text in Latin letters whose function words do not belong to another language.

    Raises:
        MeasurementError: no letters, another script, or evidently another language.
    """
    require_latin(text)
    english, others = _function_words()
    found = [word.folded for word in words_of(text)]
    ours = sum(word in english for word in found)
    for theirs in others:
        count = sum(word in theirs for word in found)
        kinds = len({word for word in found if word in theirs})
        if kinds > 1 and (count > 2 * ours if count >= _MIN_FUNCTION_WORDS else not ours):
            raise MeasurementError("language not supported: the text is evidently not English")


@cache
def _function_words() -> tuple[frozenset[str], tuple[frozenset[str], ...]]:
    """Function words of English, and of each other language without those that English shares."""
    lists = tomllib.loads((LISTS / "function_words.toml").read_text(encoding="utf-8"))
    english = frozenset(lists.pop("english").split())
    return english, tuple(frozenset(words.split()) - english for words in lists.values())
