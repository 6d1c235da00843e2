"""Finds words torn into pieces (`kil ling`, `mur-der`, a syllable a line), as edits that mend them.

Pieces are joined only where a part is no word and the whole is one. Pure; it applies nothing and does not judge. Single
letters spread apart: `disguised_spacing`.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from classifiers.disguised_characters import Edit
from classifiers.vocabulary import MAX_WORD, disguised_words, is_word, kept, ranks, word_cost

_LATIN: Final = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
_GAP: Final = re.compile(r"\s+|[^\w\s'‘’“”\"(){}\[\]<>&@#:;!?]|[-._*~/]?\s*\n\s*|[^\w\x00-\x7f‘’“”]{1,3}|_")
_MAX_PARTS: Final = 6
_SHORTEST: Final = 5
"""Letters of the shortest word that is mended in a text that is not torn throughout."""

_TORN_SHARE: Final = 0.2
_TORN_PARTS: Final = 3
"""So many parts that are no words, and so large a share of all, mean that the whole text is torn: then the likeliest
joins are made everywhere. Ordinary captions hold 4 to 8 % of words that the list does not know."""

_FOREIGN_KINDS: Final = 3
"""So many different small words of another language, and the text is in it: its `de` is no piece of `devote`."""

_LONGEST_PIECE: Final = 3
"""Letters of a piece that is taken for a torn one in English though another language has it as a word."""


def fragments(text: str) -> list[Edit]:
    """Join `kil ling`, `mur-der` and syllables on lines of their own, where a part is no word and the whole is one."""
    spans = [match.span() for match in _LATIN.finditer(text)]
    if len(spans) < 2:
        return []
    parts = _Parts(text, text.lower(), spans)
    found = _likeliest_joins(parts) if parts.are_torn() else []
    if not found:
        found = _joins(parts)
    edits = []
    for first, last in found:
        joined = "".join(text[start:end] for start, end in spans[first : last + 1])
        hides = len(found) > 1 or joined.lower() in disguised_words()
        edits.append(Edit(spans[first][0], spans[last][1], joined, "spacing" if hides else ""))
    return edits


class _Parts:
    """The Latin words of a text, whether each is known, and what stands between them."""

    def __init__(self, text: str, lower: str, spans: list[tuple[int, int]]) -> None:
        self.words = [lower[start:end] for start, end in spans]
        self.known = [is_word(word) for word in self.words]
        small = {word for word in self.words if len(word) <= _LONGEST_PIECE and word in kept() and not is_word(word)}
        self.foreign = len(small) >= _FOREIGN_KINDS
        self.gaps = [text[before[1] : after[0]] for before, after in pairwise(spans)]

    def are_torn(self) -> bool:
        """Whether so many parts are no words that the text must be torn."""
        unknown = len(self.known) - sum(self.known)
        return unknown >= _TORN_PARTS and unknown >= _TORN_SHARE * len(self.known)

    def starts(self) -> list[int]:
        """Words where a torn word may begin: shortly before an unknown one, or before an unusual gap."""
        starts = {place for place, gap in enumerate(self.gaps) if gap != " " and _GAP.fullmatch(gap)}
        for place, known in enumerate(self.known):
            if not known:
                starts.update(range(max(0, place - _MAX_PARTS + 2), place + 1))
        return sorted(starts)


def _joins(parts: _Parts) -> list[tuple[int, int]]:
    """First and last part of every torn word, from the left, the longest first."""
    found: list[tuple[int, int]] = []
    for first in parts.starts():
        if not found or first > found[-1][1]:
            last = _join_at(parts, first)
            if last is not None:
                found.append((first, last))
    return found


def _join_at(parts: _Parts, first: int) -> int | None:
    joined = parts.words[first]
    strange = not parts.known[first]
    marks, best = 0, None
    for last in range(first + 1, min(first + _MAX_PARTS, len(parts.words))):
        gap = parts.gaps[last - 1]
        joined += parts.words[last]
        if len(joined) > MAX_WORD or not (gap == " " or _GAP.fullmatch(gap)):
            break
        strange = strange or not parts.known[last]
        marks += not gap.isspace() or "\n" in gap
        if joined in disguised_words():
            if len(joined) >= 4 and (strange or marks):
                best = last
        elif strange and len(joined) >= _SHORTEST and joined in ranks():
            torn = range(first, last + 1)
            named = any(
                not parts.known[place]
                and (parts.foreign or len(parts.words[place]) > _LONGEST_PIECE)
                and parts.words[place] in kept()
                for place in torn
            )
            hyphened = "-" in gap and marks < 2
            if not named and not hyphened:
                best = last
    return best


def _likeliest_joins(parts: _Parts) -> list[tuple[int, int]]:
    """The joins that make the likeliest sequence of words out of a text that is torn throughout.

    None if they mend less than half of what is no word: then it is another language, or full of names.
    """
    costs: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(parts.words) + 1):
        best = (costs[end - 1][0] + word_cost(parts.words[end - 1]), end - 1)
        joined, strange = parts.words[end - 1], not parts.known[end - 1]
        for start in range(end - 2, max(-1, end - 1 - _MAX_PARTS), -1):
            gap = parts.gaps[start]
            joined = parts.words[start] + joined
            if len(joined) > MAX_WORD or not (gap == " " or _GAP.fullmatch(gap)):
                break
            strange = strange or not parts.known[start] or gap != " "
            if strange and len(joined) > end - start and is_word(joined):
                best = min(best, (costs[start][0] + word_cost(joined), start))
        costs.append(best)
    found: list[tuple[int, int]] = []
    end = len(parts.words)
    while end:
        start = costs[end][1]
        if end - start > 1:
            found.append((start, end - 1))
        end = start
    mended = sum(not parts.known[place] for first, last in found for place in range(first, last + 1))
    return found[::-1] if mended * 2 >= len(parts.known) - sum(parts.known) else []
