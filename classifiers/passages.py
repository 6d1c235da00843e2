"""Cuts a text of several languages into passages, so that one language cannot thin out what another says.

A passage is a sentence, or a run of one kind of letters inside it. It does not say which language a passage is in (see
`languages`) and drops nothing: the passages cover the text.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Final

from classifiers.normalize import Normalized

MAX_PASSAGES: Final = 16
"""More are joined with their neighbours, so that the cost of a text is bounded."""

_SENTENCE_END: Final = re.compile(r"[.!?;:。！？；।؟،؛]+\s*|\n+")


def passages(normalized: Normalized) -> list[Normalized]:
    """Return the passages of a text in order, at most `MAX_PASSAGES`, each with its own way back to the original."""
    text = normalized.text
    cuts = {0, len(text), *(match.end() for match in _SENTENCE_END.finditer(text)), *_changes_of_script(text)}
    edges = sorted(cuts)
    step = -(-(len(edges) - 1) // MAX_PASSAGES)
    kept = [*edges[:-1:step], edges[-1]] if step else []
    return [
        Normalized(text[start:end], normalized.origin[start:end], normalized.transforms)
        for start, end in pairwise(kept)
        if any(char.isalpha() for char in text[start:end])
    ]


def _changes_of_script(text: str) -> list[int]:
    """Where letters change between Latin and others: each cut stands at the first letter of the new kind."""
    cuts = []
    last: bool | None = None
    for index, char in enumerate(text):
        if char.isalpha():
            latin = char.isascii() or unicodedata.name(char, "").startswith("LATIN")
            if last is not None and latin != last:
                cuts.append(index)
            last = latin
    return cuts
