"""How releases are labelled: what stands in the picture, where, how large, and what is declared in metadata.

Read from one TOML file, within bounds below which a label is none: the letters are 5 % of the short side or more, an
opening label stands two seconds or longer, and the words say that a machine made it. Draws nothing itself.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from provenance.base import LabelError
from provenance.label_strokes import WRITTEN

LANGUAGES = {
    "en": "AI-generated",
    "de": "KI-generiert",
    "es": "Generado por IA",
    "fr": "Contenu IA",
    "it": "Generato da IA",
    "ja": "AI生成",
    "nl": "Gemaakt met AI",
    "pt": "Gerado por IA",
    "zh": "AI生成",
}
"""Our words in each language."""

EU_ICON = {"generated": "AI GENERATED", "modified": "AI MODIFIED"}
"""Wording beside the icon of the EU's code of practice on marking (June 2026)."""

SAYS_SO = re.compile(r"(?<![A-Za-z])(AI|KI|IA|ИИ)(?![a-z])|artificial|synthetic|künstlich|人工智能|合成|生成", re.I)
"""A label has to hold one of these."""

LEAST_HEIGHT, MOST_HEIGHT = 0.05, 0.15
"""Height of the capitals as a share of the short side; GB 45438-2025 asks for 5 %."""

LEAST_OPENING_S, MOST_OPENING_S = 2.0, 10.0
"""Seconds of an opening label; GB 45438-2025 asks for two."""

LONGEST_TEXT = 60
_ASCII = frozenset(map(chr, range(128)))


class Place(StrEnum):
    """Where the label stands."""

    MOVING = "moving"
    """In another corner every three seconds: one crop does not remove it."""

    TOP_LEFT = "top_left"
    TOP_RIGHT = "top_right"
    BOTTOM_LEFT = "bottom_left"
    BOTTOM_RIGHT = "bottom_right"


class Field(StrEnum):
    """What is declared in metadata, before signing."""

    IPTC = "iptc"
    """XMP: digital source type, and the name and version of the generator."""

    AIGC = "aigc"
    """The field AIGC of GB 45438-2025."""


@dataclass(frozen=True)
class LabelStyle:
    """One house's choice."""

    text: str = "AI-generated · framegate"
    place: Place = Place.MOVING
    height: float = LEAST_HEIGHT
    """Share of the short side."""

    opening_s: float = 0.0
    """Seconds for which it also stands in the middle, twice as high; 0: not."""

    font: Path | None = None
    """TrueType or OpenType file; None: the built-in letters, which are those of ASCII, `·`, 生 and 成."""

    declare: frozenset[Field] = frozenset()
    aigc_producer: str = ""
    """Who stands in the field AIGC as producer, as registered with the authority; empty: the provider."""

    def __post_init__(self) -> None:
        if not SAYS_SO.search(self.text) or len(self.text) > LONGEST_TEXT:
            raise LabelError(
                f"the label's text has at most {LONGEST_TEXT} characters and says that AI made it, as in "
                f"{', '.join(sorted(set(LANGUAGES.values())))}"
            )
        if not LEAST_HEIGHT <= self.height <= MOST_HEIGHT:
            raise LabelError(f"the label's height is {LEAST_HEIGHT:g} to {MOST_HEIGHT:g} of the short side")
        if self.opening_s and not LEAST_OPENING_S <= self.opening_s <= MOST_OPENING_S:
            raise LabelError(
                f"an opening label stands {LEAST_OPENING_S:g} to {MOST_OPENING_S:g} seconds, or 0 for none"
            )
        if self.font is None and not (beyond := set(self.text) - WRITTEN - {"·"}) <= _ASCII:
            lacking = " ".join(sorted(beyond - _ASCII))
            raise LabelError(f"the built-in letters lack {lacking} of {self.text!r}: name a font file")


def load_label_style(path: Path) -> LabelStyle:
    """Read a label file.

    Raises:
        LabelError: it cannot be read, asks for what there is not, or for less than a label.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LabelError(f"the label file {path} cannot be read: {error}") from error
    known = {each.name for each in fields(LabelStyle)} | {"language", "eu_icon"}
    if unknown := sorted(set(values) - known):
        raise LabelError(f"the label file {path} says {', '.join(unknown)}; it may say {', '.join(sorted(known))}")
    try:
        return LabelStyle(**_values(values, path.parent))
    except (ValueError, TypeError, KeyError) as error:
        raise LabelError(f"the label file {path} cannot be meant: {error}") from error


def _values(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    told = dict(values)
    texts = [told[name] for name in ("text",) if name in told]
    texts += [LANGUAGES[told.pop("language")]] if "language" in told else []
    texts += [EU_ICON[told.pop("eu_icon")]] if "eu_icon" in told else []
    if len(texts) > 1:
        raise ValueError("it says one of text, language and eu_icon")
    if texts:
        told["text"] = str(texts[0])
    for name, kind in (
        ("place", Place),
        ("height", float),
        ("opening_s", float),
        ("font", folder.joinpath),
        ("aigc_producer", str),
    ):
        if name in told:
            told[name] = kind(told[name])
    if "declare" in told:
        told["declare"] = frozenset(Field(each) for each in told["declare"])
    return told
