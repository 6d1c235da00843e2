"""Reads the name lists: who is listed, as what, and when the words count as the name.

`lists/names_*.toml` are written by the project, `lists/names_compiled.tsv` is compiled from public sources by
`training/compile_names.py`. It finds nothing in a text (`entities` does) and decides nothing.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from classifiers.base import ClassifierError
from classifiers.phrases import fold, folded_words
from classifiers.vocabulary import ranks as vocabulary

COMPILED_VALUES: Final = {
    "names.public_figure": 0.9,
    "names.character": 0.75,
    "names.brand": 0.8,
    "names.artist_style": 0.7,
    "names.historical": 0.8,
}
"""Judged probability that a compiled name means its bearer; namesakes are commonest among comic-book characters, and
the compiled list of artists has no dates."""

TITLE_VALUE: Final = 0.8
"""A work whose title is an everyday word, named as a work (`Hans from Frozen`)."""

HOWS: Final = ("any", "cased", "cue", "title")
MARK_CASED: Final = "^"
"""Before a name in a list: made of everyday words, so it counts only with capitals."""

_FIRST_NAME_BEARERS: Final = 3
"""A word that begins the names of so many listed people is a first name."""


@dataclass(frozen=True, slots=True)
class Name:
    """One listed name and when it counts (`any`, `cased`, `cue`, `title`: see names_curated.toml)."""

    name: str
    signal: str
    value: float
    how: str


@dataclass(frozen=True)
class NameLists:
    """All lists as one."""

    names: tuple[Name, ...]
    exceptions: tuple[str, ...]
    """Phrases that use a listed name for something else."""

    cues: Mapping[str, frozenset[str]]
    digest: str
    """SHA-256 over every list file."""

    @cached_property
    def first_names(self) -> frozenset[str]:
        """Folded first names, derived from the people of the lists."""
        people = {name.name for name in self.names if name.signal in ("names.public_figure", "names.artist_style")}
        firsts = Counter(words[0] for words in map(folded_words, people) if len(words) in (2, 3))
        return (
            frozenset(
                word
                for word, count in firsts.items()
                if count >= _FIRST_NAME_BEARERS and len(word) > 2 and word.isalpha()
            )
            - self.cues["not_first_names"]
        )


def read_lists(folder: Path) -> NameLists:
    """Read every name list of a folder.

    Raises:
        ClassifierError: a list cannot be read or is not of the documented shape.
    """
    try:
        texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("names_*.toml"))}
        if not texts:
            raise FileNotFoundError("no names_*.toml")
        compiled = (folder / "names_compiled.tsv").read_text(encoding="utf-8")
        tables = [tomllib.loads(text) for text in texts.values()]
        blocks = [block for table in tables for block in table.get("names", ())]
        written = [name for block in blocks for name in _written(block)]
        written += [
            Name(name, "names.character", TITLE_VALUE, "title")
            for table in tables
            for block in table.get("titles", ())
            for name in _listed(block)
        ]
        cues: dict[str, frozenset[str]] = {}
        for table in tables:
            for kind, words in table.get("cues", {}).items():
                cues[kind] = cues.get(kind, frozenset()) | frozenset(words)
        exceptions = tuple(phrase for block in blocks for phrase in block.get("unless", ()))
        joined = _joined(written, _compiled(compiled))
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ClassifierError(f"the name lists in {folder} are not readable: {error}; reinstall framegate") from error
    digest = hashlib.sha256("\0".join((*texts.values(), compiled)).encode()).hexdigest()
    return NameLists(joined, exceptions, cues, digest)


def _written(block: Mapping[str, Any]) -> list[Name]:
    """The names of one block of a list that the project wrote."""
    how, signal, value = str(block["how"]), str(block["signal"]), float(block["value"])
    if how not in HOWS:
        raise ValueError(f"a block has how = {how!r}: one of {', '.join(HOWS)}")
    names = []
    for listed in _listed(block):
        name = listed.removeprefix(MARK_CASED)
        cased = how == "any" and (listed != name or (isinstance(block["names"], str) and _is_a_word(name)))
        names.append(Name(name, signal, value, "cased" if cased else how))
        if "cue_value" in block:
            names.append(Name(name, signal, float(block["cue_value"]), "cue"))
    return names


def _listed(block: Mapping[str, Any]) -> list[str]:
    """Names between semicolons, or a list of them."""
    names = block["names"]
    if isinstance(names, str):
        return [" ".join(name.split()) for name in names.split(";") if name.strip()]
    if not isinstance(names, list):
        raise TypeError(f"names must be text or a list, not {type(names).__name__}")
    return [str(name) for name in names]


def _is_a_word(name: str) -> bool:
    """Whether a name of one word is an English word as well: then it needs capitals."""
    return name[:1].isupper() and fold(name) in vocabulary()


def _joined(written: Iterable[Name], compiled: Iterable[Name]) -> tuple[Name, ...]:
    """Both kinds of list. Whom ours call history is no living artist or celebrity of a compiled list; whom they call a
    public figure or an artist whose style is owned is not history."""
    written = tuple(dict.fromkeys(written))
    owned = {fold(name.name) for name in written if name.signal in ("names.public_figure", "names.artist_style")}
    historical = {fold(name.name) for name in written if name.signal == "names.historical"} - owned
    kept = [*written, *(name for name in compiled if fold(name.name) not in historical)]
    return tuple(name for name in kept if name.signal != "names.historical" or fold(name.name) not in owned)


def _compiled(text: str) -> list[Name]:
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return [Name(name, signal, COMPILED_VALUES[signal], how) for signal, name, how, _ in rows]
