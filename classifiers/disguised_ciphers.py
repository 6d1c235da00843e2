"""Finds text whose letters were shifted (rot13 and other Caesar ciphers, Atbash) or put in reverse order.

A stretch is read anew only where it evidently is no language as it stands and evidently is once read: plain words are
never in such a stretch, so harmful words beside a cipher stay in sight. Pure; it applies nothing and does not judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from classifiers.disguised_characters import Edit
from classifiers.vocabulary import SHORT_WORDS, disguised_words, is_word, kept, ranks

_TOKEN: Final = re.compile(r"[A-Za-z]+")
_SAMPLE: Final = 48
"""Unknown words on which every cipher is tried: bounds the work whatever the length of the text."""

_EVIDENCE: Final = 6
"""Letters beyond the second, over all words that appear, before a stretch counts as read: chance gives two or three."""

_SHARE: Final = 0.65

_FEW: Final = 3
_FEWEST_TOLD: Final = 5
_FEWEST_ANY: Final = 8
"""Letters of the longest of few words: any of the other shifts would turn one of five letters into a word by chance."""


def _table(shift: int) -> dict[int, str]:
    turned = ascii_lowercase[shift:] + ascii_lowercase[:shift]
    return {ord(old): new for old, new in zip(ascii_lowercase + ascii_uppercase, turned + turned.upper(), strict=True)}


_ATBASH: Final = {
    ord(old): new
    for old, new in zip(ascii_lowercase + ascii_uppercase, ascii_lowercase[::-1] + ascii_uppercase[::-1], strict=True)
}
_TABLES: Final = {"rot13": _table(13), **{f"caesar{n}": _table(n) for n in range(1, 26) if n != 13}, "atbash": _ATBASH}
_BACKWARDS: Final = "reversed"


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    text: str
    known: bool


def _known(lower: str) -> bool:
    return lower in ranks() or lower in SHORT_WORDS


def _reader(cipher: str) -> Callable[[str], str]:
    return (lambda word: word[::-1]) if cipher == _BACKWARDS else (lambda word: word.translate(_TABLES[cipher]))


def ciphers(text: str) -> list[Edit]:
    """Read shifted or reversed stretches of the text: those of the likeliest cipher, the others at the next call."""
    lowers = [word.lower() for word in _TOKEN.findall(text)]
    unknown = [word for word in lowers if len(word) > 2 and not is_word(word)]
    if not unknown:
        return []
    if len(lowers) <= _FEW and (cipher := _of_few_words(_TOKEN.findall(text))) is not None:
        return list(_all_read(text, cipher))
    if sum(len(word) - 2 for word in unknown) < _EVIDENCE and not any(map(_hides, unknown)):
        return []
    tokens = [
        _Token(match.start(), match.end(), match.group(), _known(match.group().lower()))
        for match in _TOKEN.finditer(text)
    ]
    if len(unknown) > 1 and (cipher := _likeliest(unknown[:_SAMPLE])) is not None:
        read = _reader(cipher)
        edits = [edit for run in _stretches(tokens, read) for edit in _undone(text, tokens, run, cipher, read)]
        if edits:
            return edits
    return list(_single_words(tokens))


def _of_few_words(written: list[str]) -> str | None:
    """The cipher of a text of one to three words that are none as they stand, nor names, and all are once read."""
    lowers = [word.lower() for word in written]
    longest = max(lowers, key=len)
    if any(len(word) > 2 and (_known(word) or word in kept()) for word in lowers):
        return None
    if any(len(word) > 2 and word[0].isupper() and word[1:].islower() for word in written):
        return None  # a name: Nevaeh
    for cipher in (_BACKWARDS, "rot13", *_TABLES):
        read = _reader(cipher)
        fewest = _FEWEST_TOLD if cipher in (_BACKWARDS, "rot13") else _FEWEST_ANY
        if len(longest) >= fewest and all(_known(read(word)) or is_word(read(word)) for word in lowers):
            return cipher
    return None


def _all_read(text: str, cipher: str) -> Iterator[Edit]:
    tokens = [_Token(match.start(), match.end(), match.group(), known=False) for match in _TOKEN.finditer(text)]
    yield from _undone(text, tokens, (0, len(tokens) - 1), cipher, _reader(cipher))


def _likeliest(unknown: list[str]) -> str | None:
    """The cipher under which most letters of the unknown words belong to words."""
    best, most = None, _EVIDENCE - 1
    for cipher in (_BACKWARDS, *_TABLES):
        read = _reader(cipher)
        gain = sum(len(word) - 2 for word in unknown if read(word) in ranks())
        if gain > most:
            best, most = cipher, gain
    return best


def _stretches(tokens: list[_Token], read: Callable[[str], str]) -> Iterator[tuple[int, int]]:
    """First and last token of each stretch that is a cipher: nothing in it is plain language."""
    first: int | None = None
    plain_before = False
    for place, token in enumerate(tokens):
        lower = token.text.lower()
        appears = _known(read(lower))
        plain = token.known and not appears
        if lower in disguised_words() or (plain and (len(lower) > 3 or plain_before)):
            if first is not None:
                yield from _trimmed(tokens, first, place - 1, read)
            first = None
        elif first is None:
            first = place
        plain_before = plain
    if first is not None:
        yield from _trimmed(tokens, first, len(tokens) - 1, read)


def _trimmed(tokens: list[_Token], first: int, last: int, read: Callable[[str], str]) -> Iterator[tuple[int, int]]:
    new = [not token.known and _known(read(token.text.lower())) for token in tokens]
    if not any(new[first : last + 1]):
        return
    begin, end = first, last
    while not new[begin]:
        begin += 1
    while not new[end]:
        end -= 1
    stretch = range(begin, end + 1)
    evidence = sum(max(0, len(tokens[place].text) - 2) for place in stretch if new[place])
    letters = sum(len(tokens[place].text) for place in stretch)
    appeared = sum(len(tokens[place].text) for place in stretch if _known(read(tokens[place].text.lower())))
    if evidence < _EVIDENCE or end == begin or appeared < _SHARE * letters:
        return
    # Words at the very edge of the text that read both ways, or neither, belong to it.
    yield (0 if first == 0 else begin), (len(tokens) - 1 if last == len(tokens) - 1 else end)


def _undone(
    text: str, tokens: list[_Token], run: tuple[int, int], cipher: str, read: Callable[[str], str]
) -> Iterator[Edit]:
    stretch = tokens[run[0] : run[1] + 1]
    if cipher == _BACKWARDS and _is_whole(text, stretch):
        start = 0 if run[0] == 0 else stretch[0].start
        end = len(text) if run[1] == len(tokens) - 1 else stretch[-1].end
        yield Edit(start, end, text[start:end][::-1], _BACKWARDS, backwards=True)
        return
    name = "caesar" if cipher.startswith("caesar") else cipher
    for token in stretch:
        if (plain := read(token.text)) != token.text:
            yield Edit(token.start, token.end, plain, name, backwards=cipher == _BACKWARDS)


_CHANCE: Final = frozenset({"snug", "sisi"})
"""Read backwards by chance."""


def _hides(lower: str) -> bool:
    turned = lower[::-1], lower.translate(_TABLES["rot13"])
    return len(lower) >= 4 and lower not in _CHANCE and any(word in disguised_words() for word in turned)


def _single_words(tokens: list[_Token]) -> Iterator[Edit]:
    """A single word among plain ones, if it is one that people disguise."""
    for token in tokens:
        lower = token.text.lower()
        if token.known or not _hides(lower):
            continue
        cipher = _BACKWARDS if lower[::-1] in disguised_words() else "rot13"
        yield Edit(token.start, token.end, _reader(cipher)(token.text), cipher, backwards=cipher == _BACKWARDS)


_DETERMINERS: Final = frozenset({"the", "a", "an", "his", "her", "my", "their", "this", "that", "its", "our", "your"})
_LINKS: Final = frozenset(
    {"of", "in", "on", "with", "and", "at", "to", "from", "by", "for", "is", "are", "into", "over", "under", "behind"}
    | {"through", "as", "or"}
)
_MARK_BEFORE: Final = re.compile(r"(?:^|\s)[.,!?;:]+[A-Za-z]")
_MARK_AFTER: Final = re.compile(r"[A-Za-z][.,!?;:]+(?:\s|$)")


def _is_whole(text: str, stretch: list[_Token]) -> bool:
    """Whether the stretch was reversed as a whole (words in reverse order too), not each word by itself."""
    written = text[max(0, stretch[0].start - 2) : stretch[-1].end + 2]
    before, after = len(_MARK_BEFORE.findall(written)), len(_MARK_AFTER.findall(written))
    if before != after:
        return before > after
    words = [token.text.lower()[::-1] for token in stretch]
    return _fluency(words[::-1]) >= _fluency(words)


def _fluency(words: list[str]) -> int:
    """How much an order of words looks like English: `of the` does, `the of` does not."""
    score = (words[0] in _DETERMINERS) - 2 * (words[-1] in _DETERMINERS or words[-1] in _LINKS)
    for before, after in pairwise(words):
        if before in _DETERMINERS:
            score += -2 if after in _LINKS or after in _DETERMINERS else 1
        elif before in _LINKS and after in _DETERMINERS:
            score += 2
    return score
