"""What stands around a name: whether it is meant as a name, asked for or only mentioned, and who is named unlisted.

Rules over words, no list of names and no model: `Elvis Presley Boulevard` mentions, `Senator Jane Roe` names somebody.
It sees the same sentence only, and no irony, no negation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Final

from classifiers.base import MeasurementError
from classifiers.languages import MAX_FOREIGN_LETTERS, MAX_FOREIGN_SHARE
from classifiers.phrases import Hit, Word
from classifiers.vocabulary import ranks as vocabulary

LISTED_SCRIPTS: Final = ("LATIN", "CYRILLIC", "ARABIC", "DEVANAGARI", "CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC")
"""Beginnings of the Unicode names of letters in which names are listed (lists/names_scripts.toml)."""

_LOGO_REACH: Final = 12
"""Words between a brand and the logo that is its own (`a Panasonic product on a table, its logo in view`)."""

_TITLE_REACH: Final = 3
_LIVELY_REACH: Final = 3
"""Words before `statue of` that may say it is more than that (`a talking wax figure of`)."""

_PERSON_GAP: Final = 2

Cues = frozenset[str]


def require_listed_script(text: str) -> None:
    """Pass text in scripts in which names are listed, except for a word or two.

    Raises:
        MeasurementError: no letters at all, or too many of a script in which no name is listed.
    """
    if text.isascii():
        ours, foreign = sum(map(str.isalpha, text)), 0
    else:
        letters = [char for char in text if char.isalpha()]
        ours = sum(_is_listed(char) for char in letters)
        foreign = len(letters) - ours
    if not ours and not foreign:
        raise MeasurementError("the text has no letters: nothing in it can be read")
    if foreign > MAX_FOREIGN_SHARE * (ours + foreign) or foreign > MAX_FOREIGN_LETTERS:
        raise MeasurementError("script not supported: no names are listed in its letters")


@cache
def _is_listed(char: str) -> bool:
    return char.isascii() or unicodedata.name(char, "").startswith(LISTED_SCRIPTS)


def capitalised(text: str, words: Sequence[Word]) -> bool:
    """Whether every word longer than two letters begins with a capital."""
    return all(
        text[word.start].isupper() or not word.folded.isalpha() for word in words if len(word.folded) > 2
    ) and any(text[word.start].isupper() for word in words)


def near(words: Sequence[Word], hit: Hit, cues: Collection[str], before: int, after: int) -> bool:
    """Whether a cue stands in the hit's sentence, at most so many words before or after it."""
    around = (*words[max(0, hit.first - before) : hit.first], *words[hit.last : hit.last + after])
    sentence = words[hit.first].sentence
    return any(word.folded in cues and word.sentence == sentence for word in around)


def introduced(words: Sequence[Word], hit: Hit, titles: Cues) -> bool:
    """Whether a title, a trade or a likeness word stands before a surname (`president trump`, `looks like trump`)."""
    before = [word.folded for word in words[max(0, hit.first - 2) : hit.first]]
    if before and before[-1] in titles:
        return True
    return before in (["looks", "like"], ["look", "like"], ["looking", "like"], ["dressed", "as"], ["face", "of"])


def titled(text: str, words: Sequence[Word], hit: Hit, cues: Cues) -> bool:
    """Whether everyday words stand there as the title of a work (`Hans from Frozen`, `the movie Frozen`)."""
    if not capitalised(text, words[hit.first : hit.last]):
        return False
    if near(words, hit, cues, _TITLE_REACH, 2):
        return True
    if hit.first < 2 or words[hit.first - 1].folded != "from":
        return False
    whose = words[hit.first - 2]
    return text[whose.start].isupper() and whose.sentence == words[hit.first].sentence


def mentioned(words: Sequence[Word], hit: Hit, cues: dict[str, Cues]) -> bool:
    """Whether a person's name only names something else: a place, a book, a prize, an author, a style, a wax figure.

    A statue or wax figure that moves or speaks shows the person.
    """
    sentence = words[hit.first].sentence
    after = [word.folded for word in words[hit.last : hit.last + 3] if word.sentence == sentence]
    if after[:1] == ["s"]:
        after = after[1:]
    if after and (after[0] in cues["after"] or (len(after) > 1 and after[1] in cues["after"])):
        return True
    before = [word.folded for word in words[max(0, hit.first - 5) : hit.first] if word.sentence == sentence]
    while before and before[-1] in cues["skipped"]:
        before.pop()
    if len(before) < 2:
        return False
    joint, head = before[-1], before[-2]
    if joint == "of" and (head in cues["made"] or " ".join(before[-3:-1]) in cues["made"]):
        lively = (
            *before[-2 - _LIVELY_REACH : -2],
            *(word.folded for word in words[hit.last :] if word.sentence == sentence),
        )
        return cues["alive"].isdisjoint(lively)
    return (
        (joint in ("of", "to", "about", "for") and head in cues["of"])
        or (joint == "by" and head in cues["by"])
        or ((head, joint) in (("named", "after"), ("inspired", "by"), ("called", "after")))
    )


def asked_about(text: str, words: Sequence[Word], hit: Hit, cues: dict[str, Cues]) -> bool:
    """Whether the name stands in a mere question: one that asks to be told, and shows nothing.

    A word of pictures anywhere in the text, or something going on in the question (`-ing`), makes it more than that.
    """
    sentence = [word for word in words if word.sentence == words[hit.first].sentence]
    if sentence[0].folded not in cues["question"] or not text[sentence[-1].end :].lstrip("\"'”’) ").startswith("?"):
        return False
    named = range(words[hit.first].start, words[hit.last - 1].end)
    scene = any(word.folded.endswith("ing") and word.start not in named for word in sentence)
    return not scene and all(word.folded not in cues["shown"] for word in words)


def logo_owners(text: str, words: Sequence[Word], marks: Cues, no_owners: Cues) -> Iterator[Word]:
    """Yield the capitalised words of a sentence in which a logo is shown, next to the logo or before it."""
    for place, mark in enumerate(words):
        if mark.folded not in marks:
            continue
        reach = range(max(0, place - _LOGO_REACH), min(len(words), place + 4))
        sentence = [each for each in reach if words[each].sentence == mark.sentence]
        if sum(text[words[each].start].isupper() for each in sentence) > len(sentence) * 0.6:
            continue  # a title or a shout: capitals say nothing
        for each in sentence:
            word = words[each]
            opens = each == 0 or words[each - 1].sentence != word.sentence
            if (
                len(word.folded) > 1
                and text[word.start].isupper()
                and word.folded not in no_owners
                and word.folded not in marks
                and not (opens and word.folded in vocabulary())
            ):
                yield word


def people(
    text: str, words: Sequence[Word], first_names: Collection[str], roles: Cues
) -> Iterator[tuple[Word, Word, bool]]:
    """Yield first and last word of what looks like a person's full name, and whether a public role stands beside it."""
    place = 0
    while place + 1 < len(words):
        first, last = words[place], words[place + 1]
        if (
            first.folded in first_names
            and first.sentence == last.sentence
            and len(last.folded) > 1
            and _written_as_name(text, first, last)
        ):
            before = words[max(0, place - 1 - _PERSON_GAP) : place]
            after = words[place + 2 : place + 3 + _PERSON_GAP]
            role = any(word.folded in roles and word.sentence == first.sentence for word in (*before, *after))
            yield first, last, role
            place += 1
        place += 1


def _written_as_name(text: str, first: Word, last: Word) -> bool:
    """Two words with capitals and one blank between, the second not itself an everyday word."""
    return (
        text[first.start].isupper()
        and text[last.start].isupper()
        and text[first.end : last.start] == " "
        and last.folded not in vocabulary()
        and not text[first.start : first.end].isupper()
    )
