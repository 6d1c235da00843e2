"""Finds misspelt words of English texts (`shoooting`, `muredr`, `blod`), as edits that mend them.

A word is mended where exactly one slip of the fingers lies between it and a common word that begins and ends with the
same letters. Misspelling is ordinary, so no edit names a disguise. Pure; it applies nothing and does not judge.
Signs and digits in the place of letters, and stretched letters: `disguised_spelling`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from string import ascii_lowercase
from typing import Final

from classifiers.base import MeasurementError
from classifiers.disguised_characters import Edit
from classifiers.languages import readers_of
from classifiers.vocabulary import LISTS, disguised_words, is_word, kept, ranks

_TOKEN: Final = re.compile(r"(?<![\w@#&/.'’-])[A-Za-z]{4,20}(?!['’-]?[A-Za-rt-z]|[\w@/])")
_SHORTEST: Final = 5
"""Letters of the shortest word that is mended into an ordinary one; four do where people disguise it."""

_COMMON: Final = 9000
_COMMONEST: Final = 4000
"""Places by frequency up to which a word is likelier than an unknown name, and than an unknown one of four letters."""

_SLIPPING: Final = 2
"""So many mended words tell of a text full of slips: then short words and those with a capital are mended too."""

_ANY_WORD: Final = re.compile("[A-Za-z]+")
_ENGLISH_SHARE: Final = 0.5
"""Share of known words from which the text is English with slips in it, and no other language."""

_PLAIN_SHARE: Final = 0.8
"""Share of known words from which a strange word of four letters is no word of a dialect."""

_MOST: Final = 48
"""Unknown words that are looked at: bounds the work whatever the length of the text."""


def typos(text: str) -> list[Edit]:
    """Respell words that are one slip away from a common one; names, rare words and other languages stay."""
    words = list(_TOKEN.finditer(text))
    unknown = [match for match in words if not _is_known(match.group().lower())]
    share = 1 - len(unknown) / max(len(_ANY_WORD.findall(text)), 2)
    if not unknown or share < _ENGLISH_SHARE or not _is_english(text):
        return []
    looked_at = [match for match in unknown if share >= _PLAIN_SHARE or len(match.group()) >= _SHORTEST][:_MOST]
    meant = [_meant(match.group(), plain=match.group().islower() or match.start() == 0) for match in looked_at]
    if sum(word is not None for word in meant) >= _SLIPPING:
        meant = [
            word or _meant(match.group(), plain=True, common=_COMMONEST if len(match.group()) < _SHORTEST else _COMMON)
            for match, word in zip(looked_at, meant, strict=True)
        ]
    return [
        Edit(match.start(), match.end(), word, "")
        for match, word in zip(looked_at, meant, strict=True)
        if word is not None
    ]


def _is_known(lower: str) -> bool:
    return is_word(lower) or lower in kept() or lower in _listed() or (lower[-1] == "s" and is_word(lower[:-1]))


@cache
def _listed() -> frozenset[str]:
    """Words of the listed phrases: what the lists look for is never mended into something else."""
    lists = "\n".join((LISTS / name).read_text(encoding="utf-8") for name in ("terms.toml", "context.toml"))
    return frozenset(re.findall(r"[a-z]{4,}", lists.lower()))


def _is_english(text: str) -> bool:
    try:
        readers = readers_of(text)
    except MeasurementError:
        return False
    return readers.english and not readers.mixed


def _meant(token: str, *, plain: bool, common: int | None = None) -> str | None:
    """The likeliest word one slip away: first those that people disguise, then the more frequent.

    A token that is not `plain` may be a name. `common` is the place by frequency down to which a word is taken.
    """
    lower, known, hidden = token.lower(), ranks(), disguised_words()
    limit = common or (_COMMON if len(lower) >= _SHORTEST and (plain or token.isupper()) else 0)
    found = {word for word in _one_slip_away(lower) if word in hidden or known.get(word, limit) < limit}
    if not found:
        return None
    word = min(found, key=lambda each: (each not in hidden, known[each]))
    return word.upper() if token.isupper() else word.capitalize() if token[0].isupper() else word


def _one_slip_away(word: str) -> Iterator[str]:
    """Words with the same first and last letter: one letter left out, one too many, one exchanged; or two swapped."""
    for place in range(1, len(word) - 1):
        before, after = word[:place], word[place + 1 :]
        yield before + after
        yield before + after[0] + word[place] + after[1:]
        for letter in ascii_lowercase:
            yield before + letter + after
            yield before + letter + word[place:]
    for letter in ascii_lowercase:
        yield word[:-1] + letter + word[-1]
