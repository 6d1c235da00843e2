"""Undoes what people do to text to slip past filters, and remembers where every character came from.

`normalize` is pure and idempotent. It leaves ordinary captions as they are: a disguise is undone only where the result
is a word, and only there, so that what stands plainly beside a disguise is still read. It does not fold case,
translate or judge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from classifiers import (
    disguised_characters,
    disguised_ciphers,
    disguised_codes,
    disguised_fragments,
    disguised_spacing,
    disguised_spelling,
    disguised_typos,
)
from classifiers.base import MeasurementError, TextSpan
from classifiers.disguised_characters import Edit

_STEPS: Final = (
    disguised_characters.zero_width,
    disguised_characters.compatibility_forms,
    disguised_characters.combining_marks,
    disguised_characters.confusables,
    disguised_characters.flag_letters,
    disguised_codes.escapes,
    disguised_codes.encoded,
    disguised_ciphers.ciphers,
    disguised_spacing.spaced_letters,
    disguised_spelling.leetspeak,
    disguised_fragments.fragments,
    disguised_spelling.repeats,
    disguised_spacing.run_together,
    disguised_spacing.joined_words,
    disguised_characters.pictographs,
    disguised_typos.typos,
)
"""In this order: invisible characters hide all others, codes and ciphers hide letters, and torn words must be mended
before they can be read. What asks for the strongest evidence comes first; later steps see only what is left unread."""

_MAX_ROUNDS: Final = 16
"""Layers of disguise that are taken off; three are rarely needed. Bounds the work on text made to be slow."""

REMEMBERED: Final = 64
"""Texts whose reading is kept: every classifier asks for that of the same prompt, and some are judged at once."""

_WHITESPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Normalized:
    """What the text classifiers read, and the way back to what the requester wrote."""

    text: str
    origin: tuple[tuple[int, int], ...]
    """For each character of `text` the code points `original[start:end]` it stands for; starts and ends never fall
    unless the original was written backwards."""

    transforms: frozenset[str]
    """Disguises that were undone: `zero_width`, `fullwidth`, `combining`, `confusables`, `percent`, `entities`,
    `escapes`, `base64`, `base32`, `hex`, `binary`, `decimal`, `spacing`, `leetspeak`, `repeats`, `reversed`, `rot13`,
    `caesar`, `atbash`."""

    def to_original(self, start: int, end: int) -> TextSpan:
        """Return the span of the original text that `text[start:end]` stands for.

        Raises:
            ValueError: not a non-empty range inside `text`.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"[{start}:{end}] is not a non-empty range of {len(self.text)} characters")
        places = self.origin[start:end]
        return TextSpan(min(place[0] for place in places), max(place[1] for place in places))


@lru_cache(maxsize=REMEMBERED)
def normalize(text: str) -> Normalized:
    """Return `text` with evasion undone and white space folded.

    Raises:
        MeasurementError: there is still a disguise below the sixteenth: nobody can say what the text says.
    """
    current = text
    origin = [(index, index + 1) for index in range(len(text))]
    transforms: set[str] = set()
    for _ in range(_MAX_ROUNDS):
        before = current
        for step in _STEPS:
            edits = step(current)
            if edits:
                transforms.update(edit.transform for edit in edits if edit.transform)
                current, origin = _apply(current, origin, edits)
        edits = _fold_whitespace(current)
        if edits:
            current, origin = _apply(current, origin, edits)
        if current == before:
            return Normalized(current, tuple(origin), frozenset(transforms))
    raise MeasurementError("the text wears more layers of disguise than are taken off: nothing can be measured")


def _apply(text: str, origin: list[tuple[int, int]], edits: list[Edit]) -> tuple[str, list[tuple[int, int]]]:
    """Carry out `edits` (ordered, not overlapping) on the text and on its way back."""
    pieces: list[str] = []
    ways: list[tuple[int, int]] = []
    done = 0
    for edit in edits:
        pieces.append(text[done : edit.start])
        ways.extend(origin[done : edit.start])
        pieces.append(edit.text)
        if len(edit.text) == edit.end - edit.start:
            same = origin[edit.start : edit.end]
            ways.extend(reversed(same) if edit.backwards else same)
        else:
            old = origin[edit.start : edit.end]
            whole = (min(place[0] for place in old), max(place[1] for place in old))
            ways.extend(whole for _ in edit.text)
        done = edit.end
    pieces.append(text[done:])
    ways.extend(origin[done:])
    return "".join(pieces), ways


def _fold_whitespace(text: str) -> list[Edit]:
    """One space between words and none around the text."""
    edits = []
    for match in _WHITESPACE.finditer(text):
        at_edge = match.start() == 0 or match.end() == len(text)
        wanted = "" if at_edge else " "
        if match.group() != wanted:
            edits.append(Edit(match.start(), match.end(), wanted, ""))
    return edits
