"""Finds each way of disguising text, as edits that undo it. One function a disguise, all pure.

An edit names its transform only where the change hides something: folding an ellipsis is no evasion. They do not
apply the edits (`normalize` does) and do not say whether the text is harmful.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

from classifiers.vocabulary import LEET_SIGNS, LISTS, disguised_words, readings, split_into_words, words


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


_SINGLE: Final = rf"[A-Za-z{re.escape(LEET_SIGNS)}]"
_SPACED: Final = re.compile(rf"(?<![^\W_])(?<!['’]){_SINGLE}(?:[ .\-_*/|~,·]{_SINGLE})+(?![^\W_])")


def spaced_letters(text: str) -> list[Edit]:
    """Join `k i l l` and `k.i.l.l` where words come out; initials and alphabets stay."""
    edits = []
    for match in _SPACED.finditer(text):
        joined = match.group()[::2]
        if len(joined) < 3 or sum(char.isalpha() for char in joined) * 2 < len(joined):
            continue
        found = _best_split(joined)
        if found is None or (max(map(len, found)) < 4 and not any(word in disguised_words() for word in found)):
            continue
        acronym = len(found) == 1 and joined.isupper() and match.group()[1] == "."
        edits.extend(_joined_words(match.start(), match.group(), found, "" if acronym else "spacing"))
    return edits


def _joined_words(start: int, spaced: str, found: list[str], transform: str) -> list[Edit]:
    """One edit a word, so that each word leads back to its own letters, and a space between words."""
    edits, letter = [], 0
    for word in found:
        if letter and spaced[2 * letter - 1] != " ":
            edits.append(Edit(start + 2 * letter - 1, start + 2 * letter, " ", transform))
        first, last = 2 * letter, 2 * (letter + len(word)) - 1
        if len(word) > 1:
            edits.append(Edit(start + first, start + last, spaced[first:last:2], transform))
        letter += len(word)
    return edits


def _best_split(joined: str) -> list[str] | None:
    """The words a run of letters and signs spells, if it spells any."""
    splits = [split for reading in readings(joined) if (split := split_into_words(reading)) is not None]
    return min(splits, key=len, default=None)


_TOKEN: Final = re.compile(rf"(?<![\w*])[A-Za-z0-9*{re.escape(LEET_SIGNS)}]{{3,24}}(?![\w*])")
_MEASURE: Final = re.compile(r"\d+(?:[a-z]{1,3}|st|nd|rd|th)|[a-z]{1,4}\d+s?", re.IGNORECASE)
"""4k, 35mm, 21st, 1990s, mp4, ps5: ordinary in captions, read as leetspeak only if a disguised word comes out."""

_BETWEEN: Final = re.compile(rf"[A-Za-z][{re.escape(LEET_SIGNS)}]+[A-Za-z]")


def leetspeak(text: str) -> list[Edit]:
    """Read digits, signs and asterisks as letters in words that mix them, where a word comes out."""
    edits = []
    for match in _TOKEN.finditer(text):
        token = match.group().rstrip("!+|*")
        if token.isalpha() or not any(char.isalpha() for char in token) or len(token) < 3:
            continue
        word = _unmask(token) if "*" in token else _read(token)
        if word is not None:
            edits.append(Edit(match.start(), match.start() + len(token), _like(token, word), "leetspeak"))
    return edits


def _read(token: str) -> str | None:
    """The word a token spells when digits and signs are letters."""
    spelled = readings(token)
    for word in spelled:
        if word in disguised_words() and not (token.isupper() and _MEASURE.fullmatch(token)):
            return word
    if len(token) < 4 or not _BETWEEN.search(token) or _MEASURE.fullmatch(token):
        return None
    return next((word for word in spelled if word in words()), None)


def _unmask(token: str) -> str | None:
    """The disguised word whose letters an asterisk hides, if exactly its shape fits."""
    if sum(char.isalpha() for char in token) * 2 < len(token) - 1:
        return None
    pattern = re.compile("".join("[a-z]" if char == "*" else re.escape(char) for char in token.lower()))
    return min((word for word in disguised_words() if pattern.fullmatch(word)), default=None)


def _like(token: str, word: str) -> str:
    """`word` in the case of `token`."""
    letters = [char for char in token if char.isalpha()]
    if len(letters) > 1 and all(char.isupper() for char in letters):
        return word.upper()
    return "".join(new.upper() if old.isupper() else new for old, new in zip(token, word, strict=True))


_STRETCHED: Final = re.compile(r"(?<![^\W_])(?=[A-Za-z]*([A-Za-z])\1\1)[A-Za-z]+(?![^\W_])")
_THREE: Final = re.compile(r"(([A-Za-z])\2)\2+")


def repeats(text: str) -> list[Edit]:
    """Shorten letters that are repeated three times or more (`kiiiill`) where a word comes out."""
    edits = []
    for match in _STRETCHED.finditer(text):
        token = match.group()
        if token.lower() in words():
            continue
        pieces = _THREE.split(token)  # text, doubled letter, letter, text, …
        stretched = len(pieces) // 3
        if stretched > 5:
            continue
        shorter = [
            "".join(
                pieces[3 * index] + (pieces[3 * index + 1][: kept[index]] if index < stretched else "")
                for index in range(stretched + 1)
            )
            for kept in product((2, 1), repeat=stretched)
        ]
        found = [word for word in shorter if word.lower() in words()]
        found.sort(key=lambda word: word.lower() not in disguised_words())
        if found:
            edits.append(Edit(match.start(), match.end(), found[0], "repeats"))
    return edits
