"""Reads labelled prompts: JSON Lines, plain or gzip, several files for several sources. Judges nothing.

A row: `text` (string), `benign` (true or false), `labels` (strings; none if benign, at least one if not). Optional:
`scope` (a benign row is a reliable negative for these labels only), `id`, `source` (default: the file's name), `lang`,
and `scenes` (the scenes of a storyboard, strings; `text` is then about all of them and may be absent). Other keys are
ignored.
"""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safety.errors import InvalidContent
from safety.storyboard import write_storyboard


@dataclass(frozen=True)
class LabelledPrompt:
    """One row: a prompt, and what somebody says about it."""

    text: str
    benign: bool
    labels: tuple[str, ...]
    source: str
    id: str
    lang: str = ""
    scope: frozenset[str] | None = None
    """Labels for which a benign row is a reliable negative; None: all."""

    scenes: tuple[str, ...] = ()
    """The scenes of a storyboard; `text` is then about all of them and may be empty."""

    @property
    def whole(self) -> str:
        """The prompt as one text, its scenes marked."""
        return write_storyboard(self.text, self.scenes) if self.scenes else self.text

    def is_negative_for(self, label: str) -> bool:
        """Say whether this row is known not to deserve the label."""
        return self.benign and (self.scope is None or label in self.scope)


def read_rows(paths: Iterable[Path], known_labels: Collection[str]) -> list[LabelledPrompt]:
    """Read every row of every file, in order.

    Raises:
        InvalidContent: a file cannot be read, holds no row, or a line is not a row; names file, line and what to do.
    """
    rows: list[LabelledPrompt] = []
    for path in paths:
        before = len(rows)
        for number, line in enumerate(_lines(path), start=1):
            if line.strip():
                rows.append(_row(line, path, number, known_labels))
        if len(rows) == before:
            raise InvalidContent(f'{path} holds no row: write one {{"text", "labels", "benign"}} a line')
    return rows


def sampled(rows: Sequence[LabelledPrompt], limit: int, seed: int) -> list[LabelledPrompt]:
    """Return at most `limit` unsafe and `limit` benign rows of each source, chosen by the seed, in the file's order."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault((row.source, row.benign), []).append(place)
    chosen: list[int] = []
    for (source, benign), places in groups.items():
        chance = random.Random(f"{seed}/{source}/{benign}")  # noqa: S311 – a sample, not a secret
        chosen += places if len(places) <= limit else chance.sample(places, limit)
    return [rows[place] for place in sorted(chosen)]


def source_of(path: Path) -> str:
    """Return the name that a file gives its rows: `xstest` for `xstest.jsonl.gz`."""
    return path.name.removesuffix(".gz").removesuffix(".jsonl") or path.name


def _lines(path: Path) -> Iterator[str]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            yield from file
    except UnicodeDecodeError as error:
        raise InvalidContent(f"{path} is not UTF-8 text: rows are JSON Lines, gzip if the name ends in .gz") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or f"damaged or not gzip ({type(error).__name__})"
        raise InvalidContent(f"{path} cannot be read: {reason}") from error


def _row(line: str, path: Path, number: int, known_labels: Collection[str]) -> LabelledPrompt:
    def refuse(what: str) -> InvalidContent:
        return InvalidContent(f"{path.name} line {number}: {what}")

    try:
        raw = json.loads(line)
    except ValueError:
        raise refuse("not JSON; a row is one JSON object on one line") from None
    if not isinstance(raw, dict):
        raise refuse("not a JSON object; a row is an object with text, labels and benign")
    scenes = _words(raw, "scenes", refuse) or ()
    text = raw.get("text", "" if scenes else None)
    if not isinstance(text, str) or not (text.strip() or scenes):
        raise refuse('needs "text": a string that is not empty, or "scenes": a list of strings')
    if not all(scene.strip() for scene in scenes):
        raise refuse("has an empty scene: leave it out, or say what it shows")
    if not isinstance(raw.get("benign"), bool):
        raise refuse('needs "benign": true or false')
    labels, scope = _words(raw, "labels", refuse), _words(raw, "scope", refuse)
    if unknown := [label for label in (*(labels or ()), *(scope or ())) if label not in known_labels]:
        raise refuse(f"unknown label {unknown[0]!r}; known: {', '.join(sorted(known_labels))}")
    if raw["benign"] and labels:
        raise refuse('is benign and has labels; a benign row has "labels": []')
    if not raw["benign"] and not labels:
        raise refuse('is not benign and has no label; use "unspecified" when the kind of harm is not known')
    source = str(raw.get("source") or source_of(path))
    return LabelledPrompt(
        text=text,
        benign=raw["benign"],
        labels=tuple(dict.fromkeys(labels or ())),
        source=source,
        id=str(raw["id"]) if raw.get("id") not in (None, "") else f"{source}:{number}",
        lang=str(raw.get("lang") or ""),
        scope=None if scope is None else frozenset(scope),
        scenes=tuple(scenes),
    )


def _words(raw: Mapping[str, Any], key: str, refuse: Callable[[str], InvalidContent]) -> list[str] | None:
    value = raw.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise refuse(f'"{key}" is a list of strings')
    return value
