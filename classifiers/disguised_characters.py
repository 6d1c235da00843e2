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

from classifiers.base import MeasurementError
from classifiers.languages import readers_of
from classifiers.vocabulary import LISTS, disguised_words, is_word, ranks


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `text[start:end]` by `text`. `transform` is empty where nothing was hidden; `backwards` where the first
    character of the new text stands for the last of the old."""

    start: int
    end: int
    text: str
    transform: str
    backwards: bool = False


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


_STROKED: Final = re.compile(
    r"LATIN (?:(SMALL)|(CAPITAL)|LETTER SMALL CAPITAL) (?:LETTER )?(?:TURNED |REVERSED )?([A-Z])(?: |$)"
)


@cache
def _plain_latin(char: str) -> str:
    """The letter under a stroke, hook or accent (`ø`, `ƙ`, `é`), the character itself where there is none."""
    base = unicodedata.normalize("NFD", char)[0]
    if base != char:
        return base
    match = _STROKED.match(unicodedata.name(char, ""))
    if match is None:
        return char
    return match.group(3) if match.group(2) else match.group(3).lower()


_RUN: Final = re.compile(r"[^\W_]+|[\U0001F150-\U0001F189]+")
_EVERYDAY: Final = 6000
"""Place by frequency up to which a word is everyday English, so that no accent belongs on it."""

_ACCENTED_SHARE: Final = 0.34
"""From this share of accented everyday words on, the accents are a costume: French or German reach a few percent."""


def confusables(text: str) -> list[Edit]:
    """Replace look-alikes of other scripts inside otherwise Latin words; real Russian or Greek words stay.

    Accents and strokes that English does not write (`kïłł`) go where a word that people disguise comes out, or where
    so many English words wear them that it cannot be another language.
    """
    if text.isascii():
        return []
    table = _lookalikes()
    letters = [char for char in text if char.isalpha()]
    mostly_latin = sum(_is_latin(char) for char in letters) >= 0.5 * len(letters)
    edits: list[Edit] = []
    accented: list[Edit] = []
    written = everyday = 0
    for match in _RUN.finditer(text):
        run = match.group()
        written += run[0].isalpha()
        if run.isascii():
            continue
        plain = "".join(table.get(char, char) for char in run)
        if not all(_is_latin(char) for char in plain):
            continue
        if plain != run:
            mixed = any(_is_latin(char) and char.isalpha() for char in run)
            if mixed or (mostly_latin and is_word(plain.lower())):
                edits.append(Edit(match.start(), match.end(), plain, "confusables"))
        elif (bare := "".join(map(_plain_latin, run))) != run and bare.isascii():
            edit = Edit(match.start(), match.end(), bare, "combining")
            if bare.lower() in disguised_words() and _may_be_english(text):
                edits.append(edit)
            else:
                accented.append(edit)
                everyday += len(bare) > 3 and ranks().get(bare.lower(), _EVERYDAY) < _EVERYDAY
    if everyday >= 2 and everyday + len(edits) >= _ACCENTED_SHARE * written:
        edits = sorted([*edits, *accented], key=lambda edit: edit.start)
    return edits


_FLAGS: Final = re.compile("[\U0001f1e6-\U0001f1ff](?: ?[\U0001f1e6-\U0001f1ff]){2,}")


def flag_letters(text: str) -> list[Edit]:
    """Read regional indicators (the halves of flags) as letters where a word comes out."""
    if text.isascii():
        return []
    edits = []
    for match in _FLAGS.finditer(text):
        word = "".join(chr(ord(char) - 0x1F1E6 + ord("a")) for char in match.group() if char != " ")
        if is_word(word):
            edits.append(Edit(match.start(), match.end(), word, "confusables"))
    return edits


def _may_be_english(text: str) -> bool:
    """Whether accents may be a disguise: Turkish `gün` is a day and no gun."""
    try:
        return readers_of(text).english
    except MeasurementError:
        return True


_PICTURED: Final = re.compile(r"[^\w\s\x00-\x7f]+")
_FIRST_PICTURE: Final = "\u2190"
"""Signs before the arrows (°, ©) belong to the word beside them."""

_SEPARATORS: Final = 3
"""So many emoji in the place of a space, and they say nothing but "a new word begins"."""


def pictographs(text: str) -> list[Edit]:
    """Part emoji from the words that they touch (`a🔥dog`): tokenizers read one unknown word there.

    Where emoji stand for the spaces of a text, spaces come back instead.
    """
    if text.isascii():
        return []
    touching = [
        (match, text[: match.start()][-1:], text[match.end() : match.end() + 1])
        for match in _PICTURED.finditer(text)
        if any(char >= _FIRST_PICTURE and unicodedata.category(char) == "So" for char in match.group())
    ]
    touching = [each for each in touching if each[1].isalnum() or each[2].isalnum()]
    inside = [each[0] for each in touching if each[1].strip() and each[2].isalnum()]
    if len(inside) >= _SEPARATORS:
        return [Edit(match.start(), match.end(), " ", "") for match in inside]
    return [
        Edit(match.start(), match.end(), f"{before and ' '}{match.group()}{after and ' '}", "")
        for match, before, after in touching
        if before.isalnum() or after.isalnum()
    ]
