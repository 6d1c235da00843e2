"""Which words stand in for a name, and how much around a place has to go with it so that a sentence is left.

English, by patterns, without grammar: articles, titles, "in the style of". It knows no list of names. Pure.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Place(NamedTuple):
    """A name or phrase that has to go: `text[start:end]`."""

    start: int
    end: int
    signal: str
    listed: str
    """How the list writes it: it says what kind of character a name means."""


_TITLE = re.compile(
    r"(?:(?:former|late|current|ex)[ -])?(?:(?:vice |prime )?(?:president|minister)|senator|governor|mayor|chancellor"
    r"|king|queen|prince|princess|pope|mr\.?|mrs\.?|ms\.?|dr\.?|sir|lord|lady|actor|actress|singer|rapper|footballer"
    r"|ceo|billionaire|celebrity|politician)\s+$",
    re.I,
)
_ARTICLE = re.compile(r"\b(?:an?|the)\s+$", re.I)
_STYLE_BEFORE = re.compile(
    r"\b(?:in\s+the\s+(?:style|manner)\s+of|in\s+style\s+of|inspired\s+by|by|after|in)\s+(?:the\s+)?$", re.I
)
_STYLE_AFTER = re.compile(r"(?:['’]s)?[\s-]+(?:art\s+)?style\b", re.I)
_ANOTHER = re.compile(r"\s*(?:,|&|/|\band\b|,\s*and\b)\s*(?:by\s+)?$", re.I)
_NEXT_WORD = re.compile(r"\s+([a-z]+)")
_BEFORE_PHRASE = re.compile(
    r"(?:[,;]?\s*\b(?:and|with|of|in|while|as|a|an|the|some|is|are|was|were|being|gets|getting|very|lots|full|extreme"
    r"|extremely|graphic|completely|totally)\b|[,;])?\s*$",
    re.I,
)
_NO_NOUN = frozenset(
    {"is", "are", "was", "were", "on", "in", "at", "of", "and", "or", "with", "for", "by", "the", "a", "an", "to"}
    | {"from", "that", "which", "as", "has", "have", "near", "under", "over", "into"}
)
_NO_NAME = _NO_NOUN | {
    "when",
    "while",
    "but",
    "if",
    "then",
    "his",
    "her",
    "their",
    "this",
    "that",
    "here",
    "logo",
    "logos",
}
_KINDS = (
    "mouse", "duck", "bear", "dog", "cat", "pig", "rabbit", "bunny", "fox", "lion", "tiger", "turtle", "fish", "shark",
    "bee", "dinosaur", "dragon", "panda", "penguin", "hedgehog", "monkey", "frog", "horse", "pony", "elephant", "owl",
    "princess", "queen", "witch", "wizard", "robot", "knight", "pirate", "clown", "ghost", "monster",
)  # fmt: skip
_CAPITALISED_BEFORE = re.compile(r"\b([A-Z0-9][\w'’.&-]*)\s+$")
_CAPITALISED_AFTER = re.compile(r"\s+([A-Z][\w'’&-]*)")
_OF_A_WORK = re.compile(r"\b([A-Z][\w'’-]*(?:\s+[A-Z][\w'’-]*){0,2})\s+(?:from|in|of)\s+(?:the\s+)?$")
_MORE_WORDS = 2
"""Capitalised words on either side that are taken for a part of the name: lists do not know every first name."""

_HE, _SHE = re.compile(r"\b(?:he|him|his|himself)\b", re.I), re.compile(r"\b(?:she|her|hers|herself)\b", re.I)
_SENTENCE = re.compile(r"(?:^|[.!?:]\s|\n)\s*$")


def widened(text: str, place: Place) -> Place:
    """Return a name with the capitalised words beside it, and who is from it: `Bim` of `Bim from the Zorg Film`."""
    start, end = place.start, place.end
    if place.signal == "names.artist_style":
        return place
    for _ in range(_MORE_WORDS if text[start].isupper() or text[start].isdigit() else 0):
        before, after = _CAPITALISED_BEFORE.search(text[:start]), _CAPITALISED_AFTER.match(text, end)
        if before is not None and before[1].lower() not in _NO_NAME:
            start = before.start()
        if after is not None and after[1].lower() not in _NO_NAME:
            end = after.end()
    owner = _OF_A_WORK.search(text[:start]) if place.signal == "names.character" else None
    if owner is not None and owner[1].lower() not in _NO_NAME:
        start = owner.start()
    return place._replace(start=start, end=end)


def again(text: str, place: Place) -> list[Place]:
    """Return where a word of this name stands alone elsewhere: `Star` after `Ada Star`."""
    found_words = re.findall(r"[A-Z][\w’-]{2,}", text[place.start : place.end])
    words = {word for word in found_words if word.lower() not in _NO_NAME}
    return [
        place._replace(start=found.start(), end=found.end())
        for word in sorted(words)
        for found in re.finditer(rf"\b{re.escape(word)}\b", text)
        if not place.start <= found.start() < place.end
    ]


def reword(text: str, place: Place, floor: int, known: dict[str, str]) -> tuple[int, int, str]:
    """Return (start, end, words): what stands in for a name, with the title, article or preposition that it takes over.

    `floor`: nothing before it may be touched. `known`: names met before, to which this one is added: a person who is
    named twice stays one person.
    """
    kind = place.signal.removeprefix("names.")
    if kind == "artist_style":
        start, end, words = _style(text, place, floor)
    elif kind == "brand":
        start, end, words = _brand(text, place, floor)
    elif kind == "character":
        start, end, words = _left_of(_ARTICLE, text, place.start, floor), place.end, _character(place.listed, known)
    else:
        start = _left_of(_ARTICLE, text, _left_of(_TITLE, text, place.start, floor), floor)
        end, words = place.end, _person(text, place.listed, known)
    if words and text[start].isupper() and _SENTENCE.search(text[:start]):
        words = words[0].upper() + words[1:]
    return start, end, words


def drop(text: str, place: Place, floor: int) -> tuple[int, int, str]:
    """Return (start, end, words): what has to go with a phrase, and the article that stays before what it described."""
    following = _NEXT_WORD.match(text, place.end)
    if following is not None and following.group(1) not in _NO_NOUN:
        return _describing(text, place, floor, following)
    start = place.start
    while True:
        before = _BEFORE_PHRASE.search(text, floor, start)
        if before is None or before.start() == start:
            break
        start = before.start()
    end = place.end
    if start <= floor == 0:  # nothing is left before it: the comma and the space behind it go too
        end += len(text[end:]) - len(text[end:].lstrip(" ,;."))
    return start, end, ""


def _describing(text: str, place: Place, floor: int, following: re.Match[str]) -> tuple[int, int, str]:
    """A phrase in front of what it describes: only it goes, and `an` becomes `a` where it must."""
    start, end = _left_of(_ARTICLE, text, place.start, floor), following.start(1)
    article = text[start : place.start].strip()
    if article.lower() in ("a", "an"):
        fitting = "an" if text[end] in "aeiou" else "a"
        article = fitting.capitalize() if article[0].isupper() else fitting
    return start, end, f"{article} " if article else ""


def _left_of(pattern: re.Pattern[str], text: str, start: int, floor: int) -> int:
    found = pattern.search(text[floor:start])
    return floor + found.start() if found else start


def _person(text: str, listed: str, known: dict[str, str]) -> str:
    if listed in known:
        return known[listed]
    he, she = bool(_HE.search(text)), bool(_SHE.search(text))
    if known:
        known[listed] = f"person number {len(known) + 1}"
        return "another person in a blue coat" if len(known) == 2 else f"a {_nth(len(known))} person"
    if he and not she:
        known[listed], first = "the man", "a tall man in a suit"
    elif she and not he:
        known[listed], first = "the woman", "a woman in a long coat"
    else:
        known[listed], first = "the person", "a person in a grey coat"
    return first


def _nth(number: int) -> str:
    return {3: "third", 4: "fourth", 5: "fifth"}.get(number, "further")


def _character(listed: str, known: dict[str, str]) -> str:
    words = listed.lower().split()
    kind = next((f"cartoon {kind}" for kind in _KINDS if kind in words), "character")
    if listed in known:
        return known[listed]
    known[listed] = f"the {kind}"
    return f"an original {kind}"


def _brand(text: str, place: Place, floor: int) -> tuple[int, int, str]:
    start = _left_of(_ARTICLE, text, place.start, floor)
    article = text[start : place.start].strip().lower()
    following = _NEXT_WORD.match(text, place.end)
    if following is None or following.group(1) in _NO_NOUN:
        return start, place.end, "an invented brand"
    adjective = "invented" if following.group(1) in ("logo", "logos") else "unbranded"
    if article in ("a", "an"):
        adjective = f"an {adjective}"
    elif article:
        adjective = f"{article} {adjective}"
    return start, place.end, adjective


def _style(text: str, place: Place, floor: int) -> tuple[int, int, str]:
    after = _STYLE_AFTER.match(text, place.end)
    end = after.end() if after else place.end
    if floor and (another := _ANOTHER.search(text[floor : place.start])) and another.start() == 0:
        return floor, end, ""  # one more artist of the same list
    return _left_of(_STYLE_BEFORE, text, place.start, floor), end, "in a painterly style"
