"""Finds disguises made of strange characters, as edits that undo them. One function a disguise, all pure.

An edit names its transform only where the change hides something: folding an ellipsis is no evasion. They do not
apply the edits (`normalize` does) and do not say whether the text is harmful. Strange spelling: `disguised_spelling`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from classifiers.vocabulary import LISTS, words


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `text[start:end]` by `text`. `transform` is empty where nothing was hidden."""

    start: int
    end: int
    text: str
    transform: str


_JOINERS: Final = "\u200c\u200d"
"""Emoji and several scripts need them: removed beside Latin letters only."""

_BLANKS: Final = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u2800\u3164\uffa0")
"""Invisible although Unicode calls them letters, marks or symbols (Unicode: Default_Ignorable_Code_Point)."""


def zero_width(text: str) -> list[Edit]:
    """Remove characters that cannot be seen: zero-width, control, direction marks, tags, lone surrogates."""
    if text.isascii() and text.isprintable():
        return []
    edits: list[Edit] = []
    for index, char in enumerate(text):
        before, after = text[index - 1 : index], text[index + 1 : index + 2]
        if char in _JOINERS or "\ufe00" <= char <= "\ufe0f":
            hidden = (before.isalpha() and _is_latin(before)) or (after.isalpha() and _is_latin(after))
        else:
            hidden = char in _BLANKS or (unicodedata.category(char) in ("Cc", "Cf", "Cs") and not char.isspace())
        if hidden:
            in_word = bool(edits and edits[-1].end == index and edits[-1].transform) or before.isalnum()
            edits.append(Edit(index, index + 1, "", "zero_width" if in_word and _word_follows(text, index) else ""))
    return edits


def _word_follows(text: str, index: int) -> bool:
    """Whether the next visible character belongs to a word."""
    while index < len(text) and (text[index] in _BLANKS or unicodedata.category(text[index]) in ("Cc", "Cf", "Mn")):
        index += 1
    return index < len(text) and text[index].isalnum()


def _is_latin(char: str) -> bool:
    return bool(char) and ((char.isascii() and char.isalnum()) or "LATIN" in unicodedata.name(char, ""))


_STYLED: Final = (
    (0x02B0, 0x02FF),  # modifier letters
    (0x1D2C, 0x1D6A),  # phonetic modifiers
    (0x2070, 0x209C),  # superscripts and subscripts
    (0x2100, 0x2114),  # letterlike
    (0x2118, 0x2121),
    (0x2124, 0x214F),
    (0x2460, 0x24FF),  # enclosed
    (0xFF00, 0xFFEF),  # full width
    (0x1D400, 0x1D7FF),  # mathematical alphabets
    (0x1F100, 0x1F1AC),  # enclosed, second block
)
"""Unicode blocks whose letters are Latin ones in costume."""


def compatibility_forms(text: str) -> list[Edit]:
    """Bring every character to its compatibility composition (Unicode NFKC), costume letters to plain ones."""
    if unicodedata.is_normalized("NFKC", text):
        return []
    edits = []
    for start, end in _clusters(text):
        cluster = text[start:end]
        plain = unicodedata.normalize("NFKC", cluster)
        if plain != cluster:
            styled = any(low <= ord(cluster[0]) <= high for low, high in _STYLED)
            letters = styled and plain[:1].isascii() and plain[:1].isalpha()
            edits.append(Edit(start, end, plain, "fullwidth" if letters else ""))
    return edits


def _clusters(text: str) -> list[tuple[int, int]]:
    """Ranges of a character with the marks (and Korean vowels) that compose with it."""
    starts = [
        index
        for index, char in enumerate(text)
        if index == 0 or not (unicodedata.category(char)[0] == "M" or "\u1160" <= char <= "\u11ff")
    ]
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def combining_marks(text: str) -> list[Edit]:
    """Remove marks piled on Latin letters, digits and signs; composed letters (é) and other scripts stay."""
    if text.isascii():
        return []
    edits = []
    base = ""
    for index, char in enumerate(text):
        if unicodedata.category(char) not in ("Mn", "Me"):
            base = char
        elif _is_latin(base) and char != "\u20e3" and not "\ufe00" <= char <= "\ufe0f":
            edits.append(Edit(index, index + 1, "", "combining" if base.isalpha() else ""))
    return edits


@cache
def _lookalikes() -> dict[str, str]:
    """Letter of another script -> the Latin letter it looks like."""
    table = {}
    for line in (LISTS / "confusables.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            latin, others = line.split("\t")
            table.update(dict.fromkeys(others.split(), latin))
    return table


_RUN: Final = re.compile(r"[^\W_]+|[\U0001F150-\U0001F189]+")


def confusables(text: str) -> list[Edit]:
    """Replace look-alikes of other scripts inside otherwise Latin words; real Russian or Greek words stay."""
    if text.isascii():
        return []
    table = _lookalikes()
    letters = [char for char in text if char.isalpha()]
    mostly_latin = sum(_is_latin(char) for char in letters) >= 0.5 * len(letters)
    edits = []
    for match in _RUN.finditer(text):
        run = match.group()
        if run.isascii():
            continue
        plain = "".join(table.get(char, char) for char in run)
        if plain == run or not all(_is_latin(char) for char in plain):
            continue
        mixed = any(_is_latin(char) and char.isalpha() for char in run)
        if mixed or (mostly_latin and plain.lower() in words()):
            edits.append(Edit(match.start(), match.end(), plain, "confusables"))
    return edits
