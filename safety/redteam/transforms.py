"""The disguises that people put on a text to slip past filters, each a pure function with a name.

Every transform keeps what the text says to a person, or to a machine that is told how to read it. They judge nothing
and undo nothing. `TRANSFORMS` is the table; the same text and seed give the same disguise.
"""

from __future__ import annotations

import base64
import codecs
import html
import random
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

Transform = Callable[[str, random.Random], str]
"""A text and a source of chance in, a disguised text out."""

_CYRILLIC: Final = str.maketrans("aceopxyisjABCEHKMOPTXYIS", "асеорхуіѕјАВСЕНКМОРТХУІЅ")
_GREEK: Final = str.maketrans("aovxiknptuABEHIKMNOPTXYZ", "αονχικηρτυΑΒΕΗΙΚΜΝΟΡΤΧΥΖ")
_ARMENIAN: Final = str.maketrans("ughnoqs", "սցհոօզѕ")
_CHEROKEE: Final = str.maketrans("ABCDEGHJKLMPRSTVWZ", "ᎪᏴᏟᎠᎬᏀᎻᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᏃ")
_LIGHT: Final = str.maketrans("aeo", "430")
_HEAVY: Final = str.maketrans("aeiostbgAEIOSTBG", "4310578943105789")
_SIGNS: Final = str.maketrans("aesit", "@3$!+")
_EMOJI: Final = "🔥✨🌟💫🎬🎥🌈⭐"
_NEIGHBOURS: Final = {
    "a": "sq",
    "b": "vn",
    "c": "xv",
    "d": "sf",
    "e": "wr",
    "f": "dg",
    "g": "fh",
    "h": "gj",
    "i": "uo",
    "j": "hk",
    "k": "jl",
    "l": "k",
    "m": "n",
    "n": "bm",
    "o": "ip",
    "p": "o",
    "q": "wa",
    "r": "et",
    "s": "ad",
    "t": "ry",
    "u": "yi",
    "v": "cb",
    "w": "qe",
    "x": "zc",
    "y": "tu",
    "z": "x",
}
_WORD: Final = re.compile(r"[A-Za-z]+")
_LONG_WORD: Final = re.compile(r"[A-Za-z]{4,}")


def _letters(text: str, change: Callable[[str], str]) -> str:
    return "".join(change(char) if char.isascii() and char.isalpha() else char for char in text)


def _mathematical(text: str) -> str:
    return _letters(text, lambda c: chr(0x1D41A + ord(c) - 97) if c.islower() else chr(0x1D400 + ord(c) - 65))


def _circled(text: str) -> str:
    return _letters(text, lambda c: chr(0x24D0 + ord(c) - 97) if c.islower() else chr(0x24B6 + ord(c) - 65))


def _full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def _mixed_script(text: str, chance: random.Random) -> str:
    tables = (_CYRILLIC, _GREEK, _ARMENIAN, _CHEROKEE)
    return "".join(_swap(char, tables, chance) for char in text)


def _swap(char: str, tables: tuple[dict[int, int], ...], chance: random.Random) -> str:
    fitting = [table for table in tables if ord(char) in table]
    return chr(chance.choice(fitting)[ord(char)]) if fitting and chance.random() < 0.5 else char


def _each_word(text: str, change: Callable[[str], str], pattern: re.Pattern[str] = _WORD) -> str:
    return pattern.sub(lambda match: change(match.group()), text)


def _torn(word: str, sign: str, chance: random.Random) -> str:
    place = chance.randint(2, len(word) - 2)
    return word[:place] + sign + word[place:]


def _syllables(word: str, sign: str, chance: random.Random) -> str:
    pieces, begin = [], 0
    while begin < len(word):
        size = chance.randint(2, 3)
        pieces.append(word[begin : begin + size])
        begin += size
    return sign.join(pieces)


def _typo(word: str, chance: random.Random) -> str:
    place = chance.randint(1, len(word) - 2)
    kind = chance.randrange(4)
    if kind == 0:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == 1:
        return word[:place] + word[place + 1 :]
    if kind == 2:
        return word[: place + 1] + word[place:]
    return word[:place] + chance.choice(_NEIGHBOURS[word[place].lower()]) + word[place + 1 :]


def _some(text: str, change: Callable[[str], str], share: float, chance: random.Random) -> str:
    return _each_word(text, lambda word: change(word) if chance.random() < share else word, _LONG_WORD)


def _spongebob(text: str) -> str:
    return "".join(char.upper() if place % 2 else char.lower() for place, char in enumerate(text))


def _encode64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


TRANSFORMS: Final[Mapping[str, Transform]] = {
    "upper_case": lambda text, _: text.upper(),
    "alternating_case": lambda text, _: _spongebob(text),
    "zero_width": lambda text, _: _letters(text, lambda char: char + "\u200b"),
    "soft_hyphen": lambda text, _: _letters(text, lambda char: char + "\u00ad"),
    "homoglyph_cyrillic": lambda text, _: text.translate(_CYRILLIC),
    "homoglyph_greek": lambda text, _: text.translate(_GREEK),
    "mixed_script": _mixed_script,
    "full_width": lambda text, _: _full_width(text),
    "mathematical": lambda text, _: _mathematical(text),
    "circled": lambda text, _: _circled(text),
    "combining": lambda text, _: _letters(text, lambda char: char + "\u0336"),
    "accents": lambda text, _: text.translate(str.maketrans("aeiouAEIOU", "áëîöüÁËÎÖÜ")),
    "leet_light": lambda text, _: text.translate(_LIGHT),
    "leet_heavy": lambda text, _: text.translate(_HEAVY),
    "leet_signs": lambda text, _: text.translate(_SIGNS),
    "letter_spacing": lambda text, _: " ".join(text),
    "dotted": lambda text, _: _each_word(text, ".".join),
    "hyphenated": lambda text, _: _each_word(text, "-".join),
    "underscored": lambda text, _: re.sub(r"\s+", "_", text),
    "emoji_separators": lambda text, chance: _each_word(text, lambda word: chance.choice(_EMOJI).join(word)),
    "emoji_between_words": lambda text, chance: re.sub(r"\s+", lambda _: chance.choice(_EMOJI), text),
    "torn_by_space": lambda text, chance: _each_word(text, lambda word: _torn(word, " ", chance), _LONG_WORD),
    "torn_by_hyphen": lambda text, chance: _each_word(text, lambda word: _syllables(word, "-", chance), _LONG_WORD),
    "torn_by_dot": lambda text, chance: _each_word(text, lambda word: _torn(word, ".", chance), _LONG_WORD),
    "no_spaces": lambda text, _: re.sub(r"\s+", "", text),
    "repeats": lambda text, _: re.sub("[aeiouAEIOU]", lambda match: match.group() * 3, text),
    "doubled": lambda text, _: _letters(text, lambda char: char * 2),
    "reversed": lambda text, _: text[::-1],
    "words_reversed": lambda text, _: _each_word(text, lambda word: word[::-1]),
    "rot13": lambda text, _: codecs.encode(text, "rot13"),
    "caesar": lambda text, _: _letters(text, _shifted),
    "base64": lambda text, _: _encode64(text),
    "base64_words": lambda text, _: " ".join(map(_encode64, text.split())),
    "base64_framed": lambda text, _: f"Decode this and show it: {_encode64(text)}",
    "hex": lambda text, _: text.encode().hex(),
    "binary": lambda text, _: " ".join(f"{byte:08b}" for byte in text.encode()),
    "url_encoding": lambda text, _: quote(text),
    "url_encoding_all": lambda text, _: "".join(f"%{byte:02X}" for byte in text.encode()),
    "html_entities": lambda text, _: "".join(f"&#{ord(c)};" if c.isalpha() else html.escape(c) for c in text),
    "word_a_line": lambda text, _: "\n".join(text.split()),
    "letter_a_line": lambda text, _: "\n".join(text),
    "syllable_a_line": lambda text, chance: _each_word(text, lambda word: _syllables(word, "\n", chance), _LONG_WORD),
    "typos": lambda text, chance: _some(text, lambda word: _typo(word, chance), 0.4, chance),
}  # fmt: skip
"""Every disguise by its name."""


def _shifted(char: str) -> str:
    first = 97 if char.islower() else 65
    return chr(first + (ord(char) - first + 3) % 26)


def disguise(name: str, text: str, *, seed: int = 0) -> str:
    """Return `text` in the named disguise; the same seed gives the same result.

    Raises:
        KeyError: no transform has this name.
    """
    return TRANSFORMS[name](text, random.Random(f"{seed}/{name}/{text}"))  # noqa: S311  (repeatable, guards nothing)
