"""Reads a manifest of labelled videos: CSV with a header, one line a clip, files under one folder. Judges nothing.

Columns: `file` (path below the folder), `label` (`ai` or `real`), `generator_or_source` (or `source`: which generator
made it, or whose recording it is). Optional: `repo` (where it was published: one page is one encoder; default: the
source), `kind` (`camera`, `cgi`, `animation`, `screen`, `game`, …; real clips of another kind than `camera` are hard
negatives). Other columns are ignored: what is known about a file is read from the file.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safety.errors import InvalidContent

LABELS = {"ai": True, "real": False}

CAMERA = "camera"
"""Kind of a real clip that is no hard negative; the default."""


@dataclass(frozen=True)
class LabelledClip:
    """One line: a video, and what somebody says about where it comes from."""

    file: str
    path: Path
    made: bool
    """A generator made it."""

    source: str
    """The generator, or the source of a real clip. Intervals resample whole sources."""

    repository: str
    """Where it was published. Whole repositories are left out together."""

    kind: str = CAMERA

    @property
    def hard(self) -> bool:
        """Whether it is a real clip that no camera recorded: rendered, drawn, or filmed from a screen."""
        return not self.made and self.kind != CAMERA


def read_manifest(folder: Path, manifest: Path | None = None) -> list[LabelledClip]:
    """Read every line; `manifest` is `folder`/MANIFEST.csv by default.

    Raises:
        InvalidContent: not a readable manifest of clips of both labels; names line and column, and what to do.
    """
    path = manifest or folder / "MANIFEST.csv"
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            lines = list(reader)
    except OSError as error:
        raise InvalidContent(f"{path} cannot be read: {error.strerror}; name a CSV file with --manifest") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidContent(f"{path} is not CSV in UTF-8: {error}") from error
    if missing := [name for name in ("file", "label") if name not in columns]:
        raise InvalidContent(
            f"{path.name} has no column {missing[0]!r}; it has: {', '.join(sorted(columns)) or 'none'}"
        )
    if not columns & {"generator_or_source", "source"}:
        raise InvalidContent(f"{path.name} needs a column 'generator_or_source' (or 'source'): who made each clip")
    rows: list[LabelledClip] = []
    for number, line in enumerate(lines, start=2):
        rows.append(_row(line, folder, path.name, number))
    twice = {row.file for row in rows if sum(other.file == row.file for other in rows) > 1}
    if twice:
        raise InvalidContent(f"{path.name} names {min(twice)!r} twice: one line a clip")
    for label, made in LABELS.items():
        if len({row.source for row in rows if row.made is made}) < 2:
            raise InvalidContent(f"{path.name} needs clips labelled {label!r} of two sources at least")
    return rows


def _row(line: Mapping[str, str | None], folder: Path, name: str, number: int) -> LabelledClip:
    def cell(column: str) -> str:
        return (line.get(column) or "").strip()

    file, label = cell("file"), cell("label")
    source = cell("generator_or_source") or cell("source")
    if not file:
        raise InvalidContent(f"{name} line {number}: 'file' is empty; write its path below {folder}")
    if label not in LABELS:
        raise InvalidContent(f"{name} line {number}: 'label' is {label!r}; write 'ai' or 'real'")
    if not source:
        raise InvalidContent(f"{name} line {number}: 'generator_or_source' is empty; write who made the clip")
    path = folder / file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidContent(f"{name} line {number}: {file!r} lies outside {folder}")
    if not path.is_file():
        raise InvalidContent(f"{name} line {number}: {file!r} is not a file below {folder}")
    return LabelledClip(file, path, LABELS[label], source, cell("repo") or source, cell("kind") or CAMERA)
