"""Says which instruments can read a text: the English ones, the multilingual ones, both, or none.

Decides by script, by letters that only other languages use, and by the commonest small words. Where that leaves doubt
both kinds read the text and the higher score counts; a language that neither knows is unmeasured, never clean. It
translates nothing, and it knows a language that shares script and small words with a supported one only as that one.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Final

from classifiers.base import MeasurementError
from classifiers.phrases import words_of
from classifiers.vocabulary import LISTS, is_word

SUPPORTED: Final = frozenset({"de", "fr", "es", "pt", "it", "tr", "ru", "ar", "hi", "zh", "ja"})
"""Languages beside English that are judged (ISO 639-1)."""

MAX_FOREIGN_SHARE: Final = 0.3
MAX_FOREIGN_LETTERS: Final = 12
"""A quoted sign or a name may stand in another script; a sentence may not hide behind padding."""

_DENSE: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
_DENSE_LETTERS: Final = 3
"""One letter of these scripts says about as much as three Latin ones."""

_SCRIPTS: Final = {
    "LATIN": "latin",
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "DEVANAGARI": "hi",
    "CJK": "zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
}
"""First word of a letter's Unicode name -> the supported language written with it."""

_NATIVE: Final = {
    "ru": frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюя"),
    "ar": frozenset("ابتثجحخدذرزسشصضطظعغفقكلمنهويىءآأؤإئةٱ"),
}
"""Letters of the language itself: Ukrainian, Bulgarian-era spellings, Persian or Urdu use others as well."""

_MAX_ALIEN_LETTERS: Final = 0.03
"""Share of letters of the script that the supported language lacks; typing habits and names stay below."""

_FEWEST_LETTERS: Final = 4
"""Weighed letters of another supported script that bring its instruments in: less is an initial or an emoticon."""

_SOUTH_SLAVIC: Final = frozenset(
    {"е", "са", "се", "това", "който", "която", "което", "ще", "беше", "съм", "със", "един", "една"}
)
_RUSSIAN: Final = frozenset(
    {"что", "это", "как", "он", "она", "они", "был", "из", "для", "у", "к", "по", "его", "её", "не"}
)
"""Small words of the one and not of the other, nearly."""

_MAX_NAMES: Final = 3
"""Latin words inside another script that are names (Linux, black metal) and no sentence."""

_FEWEST_KINDS: Final = 2
"""Different small words that make a language evident: one may be a name."""

_KNOWN_SHARE: Final = 0.7
"""A text without small words is English if this share of its words stands in the English vocabulary."""

_DOUBTFUL_SHARE: Final = 0.5
"""Below this share of English words the English instruments would only guess."""

_SHORT: Final = 4
"""Words of a text that are too few to tell English from another language by."""

_ANY: Final = frozenset({"und"})

_SUPPORTED_LETTERS: Final = frozenset("äöüßàâæçéèêëîïôœùûÿñáíóúãõìòğışªº")
"""Letters beyond a to z of the supported languages in Latin letters; Polish, Czech, Danish or Vietnamese use others."""

_TELLING: Final = frozenset("ßñãğışœ¿¡")
"""Letters and signs that hardly any language writes but the supported ones."""

_SMALL_SHARE: Final = 0.2
"""Share of a text's words that its only kind of small word must have to make the language evident."""

_NEVER_ENGLISH: Final = frozenset("ßäöüñãõçğşıêèàéùìòîôœ¿¡")


@dataclass(frozen=True, slots=True)
class Readers:
    """Who is to read a text. At least one of the two is set."""

    english: bool
    others: frozenset[str]
    """Supported languages other than English that the text is or may be in; `und` stands for any of them."""

    @property
    def mixed(self) -> bool:
        """Whether the text is evidently in English and another language at once."""
        return self.english and not self.others <= _ANY

    @property
    def latin(self) -> bool:
        """Whether some of it may be in Latin letters: English lists cost nothing there and are looked through."""
        return self.english or not self.others.isdisjoint(_CODES.values()) or "und" in self.others


def readers_of(text: str) -> Readers:
    """Return who must read `text`.

    Raises:
        MeasurementError: no letters, an unsupported script, or evidently an unsupported language.
    """
    weights = _letters(text)
    total = sum(weights.values())
    if not total:
        raise MeasurementError("the text has no letters: nothing in it can be read")
    if weights["?"] > MAX_FOREIGN_SHARE * total or weights["?"] > MAX_FOREIGN_LETTERS:
        raise MeasurementError("script not supported: too much of the text is in letters that nothing here can read")
    others = {language for language in SUPPORTED if weights[language] >= min(_FEWEST_LETTERS, total)}
    if "ja" in others:
        others.discard("zh")  # Japanese is written with Chinese characters too
    for language in others & set(_NATIVE):
        _require_native(text, language)
    if "ru" in others:
        _require_russian(text)
    if "hi" in others:
        _require_hindi(text)
    if weights["latin"] < max(_FEWEST_LETTERS, 0.1 * total) and others:
        return Readers(english=False, others=frozenset(others))
    if (
        others
        and weights["latin"] < 0.5 * total
        and sum(word.folded.isascii() for word in words_of(text)) <= _MAX_NAMES
    ):
        return Readers(english=False, others=frozenset(others))
    english, latin = _latin_readers(text)
    return Readers(english, frozenset(others | latin))


def require_english(text: str) -> None:
    """Pass text that English instruments must read, alone or beside others.

    Raises:
        MeasurementError: no letters, or evidently another script or language.
    """
    if not readers_of(text).english:
        raise MeasurementError("language or script not supported: the text is evidently not English")


def require_latin(text: str) -> None:
    """Pass text that is written in Latin letters, except for a foreign word or two.

    Raises:
        MeasurementError: no letters at all, or too many of another script.
    """
    weights = _letters(text)
    latin, total = weights["latin"], sum(weights.values())
    if not total:
        raise MeasurementError("the text has no letters: nothing in it can be read")
    if total - latin > MAX_FOREIGN_SHARE * total or total - latin > MAX_FOREIGN_LETTERS:
        raise MeasurementError("script not supported: too much of the text is not in Latin letters")


def _letters(text: str) -> Counter[str]:
    """Weighed letters by language of their script (`latin` for Latin ones, `?` for unsupported scripts)."""
    weights: Counter[str] = Counter()
    for char in text:
        if char.isascii():
            weights["latin"] += char.isalpha()
        elif char.isalpha():
            script = unicodedata.name(char, "UNKNOWN").replace("-", " ").split()[0]
            weights[_SCRIPTS.get(script, "?")] += _DENSE_LETTERS if script in _DENSE else 1
    return weights


def _require_native(text: str, language: str) -> None:
    script = next(script for script, code in _SCRIPTS.items() if code == language)
    letters = [char for char in text.casefold() if char.isalpha() and unicodedata.name(char, "").startswith(script)]
    alien = sum(char not in _NATIVE[language] for char in letters)
    if alien > 1 and alien > _MAX_ALIEN_LETTERS * len(letters):
        raise MeasurementError(
            f"language not supported: the {script.title()} letters are not those of a known language"
        )


def _require_russian(text: str) -> None:
    """Refuse Bulgarian, Macedonian and Serbian, which may use Russian letters alone, by their small words."""
    found = [word.folded for word in words_of(text)]
    if sum(word in _SOUTH_SLAVIC for word in found) > sum(word in _RUSSIAN for word in found):
        raise MeasurementError("language not supported: Cyrillic letters, but evidently not Russian")


def _require_hindi(text: str) -> None:
    """Refuse Marathi and Nepali, which share Hindi's letters, by their small words."""
    found = text.replace("।", " ").split()
    lists = _small_words()
    ours = sum(word in lists["hindi"] for word in found)
    if sum(word in lists["marathi_nepali"] for word in found) > ours:
        raise MeasurementError("language not supported: Devanagari, but evidently not Hindi")


def _latin_readers(text: str) -> tuple[bool, frozenset[str]]:
    """Whether English instruments must read the Latin part, and which other languages it is or may be in."""
    lists = _small_words()
    english = lists["english"]
    found = [word.folded for word in words_of(text)]
    ours = sum(word in english for word in found)
    theirs = {name: [word for word in found if word in lists[name]] for name in _latin_lists()}
    alone = {name: [word for word in hits if word not in english] for name, hits in theirs.items()}
    name = max(theirs, key=lambda name: (len(theirs[name]), len(alone[name]), name in _CODES))
    kinds, count = len(set(alone[name])), len(theirs[name])
    strange = any(char in _NEVER_ENGLISH for char in text.lower())
    only_ours = len({word for word in found if word in english and word not in lists[name]})
    known = sum(is_word(word) or word in english or word.isdigit() for word in found) / len(found)
    foreign = any(char.isalpha() and not char.isascii() and char not in _SUPPORTED_LETTERS for char in text.lower())
    telling = not foreign and any(char in _TELLING for char in text.lower())
    plain_english = known >= _DOUBTFUL_SHARE or only_ours > 0
    if kinds < _FEWEST_KINDS and not (kinds == 1 and (strange or count > ours)):
        if not strange and (known >= _KNOWN_SHARE or only_ours >= _FEWEST_KINDS):
            return True, frozenset()
        if plain_english or (len(found) <= _SHORT and known > 0 and not strange):
            return True, _ANY  # English with strange words in it, perhaps
        if telling:
            return False, _ANY
        raise MeasurementError(_UNKNOWN)  # too short or too strange to tell
    if name not in _CODES:
        near = max(len(theirs[other]) for other in _CODES)
        if kinds >= _FEWEST_KINDS and count > near and len(alone[name]) >= only_ours:
            raise MeasurementError(_UNKNOWN)
        if not plain_english:
            raise MeasurementError(_UNKNOWN)
        return only_ours > 0 or known >= _KNOWN_SHARE, _ANY  # English with a name or a quotation in it, perhaps
    if not plain_english and kinds < _FEWEST_KINDS and (foreign or not (telling or count >= _SMALL_SHARE * len(found))):
        raise MeasurementError(_UNKNOWN)  # one small word among many unknown ones is no evidence
    english_too = only_ours > len(set(alone[name])) or only_ours >= _FEWEST_KINDS or known >= _KNOWN_SHARE
    return english_too, frozenset({_CODES[name]})


_UNKNOWN: Final = "language not supported: the text is evidently in none that is known here, or says too little to tell"


_CODES: Final = {
    "german": "de",
    "french": "fr",
    "spanish": "es",
    "portuguese": "pt",
    "italian": "it",
    "turkish": "tr",
}
"""List of small words -> supported language in Latin letters."""


@cache
def _small_words() -> dict[str, frozenset[str]]:
    lists = tomllib.loads((LISTS / "function_words.toml").read_text(encoding="utf-8"))
    return {name: frozenset(listed.split()) for name, listed in lists.items()}


@cache
def _latin_lists() -> tuple[str, ...]:
    return tuple(name for name in _small_words() if name not in ("english", "hindi", "marathi_nepali"))
