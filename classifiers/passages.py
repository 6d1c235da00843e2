"""Cuts a text into parts to be read alone too, so that no part can thin out what another says.

A passage is a sentence, or a run of one kind of letters inside it: for texts of several languages. A stretch is one or
a few sentences: for long texts of one. What follows a frame ("A scene from a film: …") is a part as well. It does not
say which language a part is in (see `languages`); passages and stretches cover the text.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Final

from classifiers.normalize import Normalized

MAX_PASSAGES: Final = 16
"""More are joined with their neighbours, so that the cost of a text is bounded."""

LONG: Final = 800
"""Characters from which a text is read by stretches too: a sentence of ordinary length is a tenth of it, and prompts
that describe one scene at length stay below."""

STRETCH: Final = 160
"""Characters that a stretch has at least: two sentences or so. Less is read out of its context."""

MAX_STRETCHES: Final = 48

_FRAME: Final = re.compile(r"[^:\n]{8,120}:\s+(?=\S+\s+\S+\s+\S)")
_SENTENCE_END: Final = re.compile(r"[.!?;:。！？；।؟،؛]+\s*|\n+")


def passages(normalized: Normalized) -> list[Normalized]:
    """Return the passages of a text in order, at most `MAX_PASSAGES`, each with its own way back to the original."""
    text = normalized.text
    cuts = {0, len(text), *(match.end() for match in _SENTENCE_END.finditer(text)), *_changes_of_script(text)}
    edges = sorted(cuts)
    step = -(-(len(edges) - 1) // MAX_PASSAGES)
    kept = [*edges[:-1:step], edges[-1]] if step else []
    return [
        _part(normalized, start, end)
        for start, end in pairwise(kept)
        if any(char.isalpha() for char in text[start:end])
    ]


def stretches(normalized: Normalized) -> list[Normalized]:
    """Return the stretches of a long text in order, at most `MAX_STRETCHES`; none of a text shorter than `LONG`."""
    text = normalized.text
    if len(text) < LONG:
        return []
    wanted = max(STRETCH, -(-len(text) // MAX_STRETCHES))
    edges = [0]
    for match in _SENTENCE_END.finditer(text):
        if match.end() - edges[-1] >= wanted and len(text) - match.end() >= STRETCH:
            edges.append(match.end())
    return [_part(normalized, start, end) for start, end in pairwise([*edges, len(text)])] if len(edges) > 1 else []


def after_frame(normalized: Normalized) -> Normalized | None:
    """Return what follows the first colon of a text that opens with a frame of a few words, None if it does not."""
    frame = _FRAME.match(normalized.text)
    return _part(normalized, frame.end(), len(normalized.text)) if frame else None


def _part(normalized: Normalized, start: int, end: int) -> Normalized:
    return Normalized(normalized.text[start:end], normalized.origin[start:end], normalized.transforms)


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
