"""Reads which pictures and clips are to be looked at, and what somebody says about each. Opens none of them.

Either a table (CSV, or TSV by its name) or a folder: one that holds a `MANIFEST.csv`, or one whose sub-folders are
named by labels (`weapon/…`, `benign/…`), with a folder for each source below. docs/how-to/evaluate-frames.md lists the
columns.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safety.errors import InvalidContent
from safety.evaluate.frame_labels import LEFT_OUT, is_benign, label_of, near
from safety.policy import Policy

MANIFESTS = ("MANIFEST.csv", "manifest.csv", "labels.csv")
"""Tables that a folder may hold; the first that is there counts."""

STILLS = frozenset({".jpg", ".jpeg", ".png", ".webp"})
CLIPS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts"})

TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")

MISSING_NAMED = 3
"""Files that are not there are named up to this many."""


@dataclass(frozen=True)
class LabelledMedia:
    """One picture or clip, and what somebody says about it."""

    path: Path
    benign: bool
    labels: tuple[str, ...]
    source: str
    id: str
    kind: str = ""
    """The data set's own finer word: `handgun`, `lookalike_fork`."""

    scope: frozenset[str] | None = None
    """Labels for which a benign row is a reliable negative; None: all."""

    @property
    def is_still(self) -> bool:
        """Whether its name is that of a picture."""
        return self.path.suffix.lower() in STILLS

    def is_negative_for(self, label: str) -> bool:
        """Say whether this row is known not to deserve the label."""
        return self.benign and (self.scope is None or label in self.scope)


@dataclass(frozen=True)
class MediaSet:
    """What was read."""

    rows: tuple[LabelledMedia, ...]
    left_out: int
    """Rows whose label says that nobody verified it."""

    table: Path | None
    """The table they were read from; None: folders."""


def read_media(
    given: Path,
    policy: Policy,
    *,
    known: frozenset[str] = frozenset(),
    where: Mapping[str, str] | None = None,
    base: Path | None = None,
    all_benign: bool = False,
) -> MediaSet:
    """Read the rows of a table or a folder.

    `known`: signals that may be labels beside those of the policy. `where`: only rows with these values in these
    columns. `base`: folder that the table's paths start from; the table's own by default. `all_benign`: nobody should
    stop any of them, whatever their words are; files need lie in no folder that is named by a label.

    Raises:
        InvalidContent: it cannot be read, has no row, a row cannot be meant or names a file that is not there; says
            which and what to do.
    """
    table = given if given.is_file() else next((given / n for n in MANIFESTS if (given / n).is_file()), None)
    if table is None and not given.is_dir():
        raise InvalidContent(f"{given} is neither a table nor a folder: name a CSV file or a folder of files")
    if table is None and where:
        raise InvalidContent(f"{given} holds no table whose columns could be compared: leave --where out")
    meaning = _Meaning(policy, known, all_benign)
    if table is None:
        rows, left_out = _of_folder(given, meaning)
    else:
        rows, left_out = _of_table(table, meaning, where or {}, base or table.parent)
    if not rows:
        raise InvalidContent(f"{table or given} holds no row to look at{' for that --where' if where else ''}")
    absent = [row.path for row in rows if not row.path.is_file()]
    if absent:
        names = ", ".join(str(path) for path in absent[:MISSING_NAMED])
        raise InvalidContent(
            f"{len(absent)} of {len(rows)} files are not there, first {names}: paths start from the table's folder, or "
            "from --base"
        )
    return MediaSet(tuple(rows), left_out, table)


Refuse = Callable[[str], InvalidContent]
"""Makes the error of one row from what is wrong with it."""


@dataclass(frozen=True)
class _Meaning:
    """What words mean here."""

    policy: Policy
    known: frozenset[str]
    all_benign: bool

    def of(self, words: Sequence[str], benign: str, refuse: Refuse) -> tuple[bool, tuple[str, ...], str]:
        """Return whether a row is benign, its labels, and the finer word that stands for it."""
        if benign and benign.lower() not in (*TRUE, *FALSE):
            raise refuse(f"benign is {benign!r}: write true or false, or leave it empty")
        said = benign.lower() in TRUE if benign else None
        kind = words[0] if len(words) == 1 else ""
        if self.all_benign or said is True:
            return True, (), kind  # a word that stands there too says what it looks like: it is nobody's positive
        harmless = [word for word in words if is_benign(word)]
        if harmless and (said is False or len(words) > 1):
            raise refuse(f"{harmless[0]!r} means benign, and the row says otherwise: take one of the two out")
        if harmless:
            return True, (), kind
        if not words:
            raise refuse("has no label: write what is to be found, or benign = true")
        labels = tuple(dict.fromkeys(self.label(word, refuse) for word in words))
        return False, labels, kind if kind not in labels else ""

    def label(self, word: str, refuse: Refuse) -> str:
        """Return the label that a word means."""
        label = label_of(word, self.policy, self.known)
        if label is None:
            raise refuse(f"unknown label {word!r}; {near(word, self.policy)}")
        return label


def _of_table(table: Path, meaning: _Meaning, where: Mapping[str, str], base: Path) -> tuple[list[LabelledMedia], int]:
    rows: list[LabelledMedia] = []
    left_out = 0
    for number, cells in _lines(table, where):

        def refuse(what: str, number: int = number) -> InvalidContent:
            return InvalidContent(f"{table.name} line {number}: {what}")

        words = _words(_cell(cells, "labels", "label"))
        if any(word.startswith(LEFT_OUT) for word in words):
            left_out += 1
            continue
        file = _cell(cells, "file", "path")  # manifests with both keep in path where a file came from
        if not file:
            raise refuse("names no file: fill the column path")
        benign, labels, kind = meaning.of(words, _cell(cells, "benign"), refuse)
        scope = [meaning.label(word, refuse) for word in _words(_cell(cells, "scope"))]
        rows.append(
            LabelledMedia(
                path=base / file,
                benign=benign,
                labels=labels,
                source=_cell(cells, "source") or table.stem,
                id=_cell(cells, "id") or file,
                kind=_cell(cells, "kind") or kind,
                scope=frozenset(scope) if scope else None,
            )
        )
    return rows, left_out


def _lines(table: Path, where: Mapping[str, str]) -> Iterable[tuple[int, dict[str, str]]]:
    """Yield line number and cells of each row that is wanted."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter="\t" if table.suffix == ".tsv" else ",", restkey="")
            columns = [name.strip().lower() for name in reader.fieldnames or ()]
            if not {"path", "file"} & set(columns):
                raise InvalidContent(
                    f"{table.name} has no column path (it has {', '.join(columns) or 'none'}): its first line names "
                    "the columns path, labels and, where wanted, benign, source, kind, scope and id"
                )
            if not {"labels", "label", "benign"} & set(columns):
                raise InvalidContent(f"{table.name} has neither a column labels nor benign: what is to be found?")
            if unknown := sorted(set(where) - set(columns)):
                raise InvalidContent(f"{table.name} has no column {unknown[0]!r}; it has {', '.join(columns)}")
            for cells in reader:
                named = {k.strip().lower(): (v or "").strip() for k, v in cells.items() if k and isinstance(v, str)}
                if any(named.values()) and all(named.get(name) == value for name, value in where.items()):
                    yield reader.line_num, named
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or f"not a table in UTF-8 ({type(error).__name__})"
        raise InvalidContent(f"{table} cannot be read: {reason}") from error


def _words(cell: str) -> list[str]:
    for separator in "|;,":
        cell = cell.replace(separator, " ")
    return cell.split()


def _cell(cells: Mapping[str, str], *names: str) -> str:
    return next((cells[name] for name in names if cells.get(name)), "")


def _of_folder(folder: Path, meaning: _Meaning) -> tuple[list[LabelledMedia], int]:
    """Return the media files below folders that are named by labels."""
    rows: list[LabelledMedia] = []
    left_out = 0
    for path in sorted(each for each in folder.rglob("*") if each.suffix.lower() in STILLS | CLIPS and each.is_file()):
        parts = path.relative_to(folder).parts
        word = parts[0] if len(parts) > 1 else ""

        def refuse(what: str, path: Path = path) -> InvalidContent:
            return InvalidContent(f"{path.relative_to(folder)}: {what}")

        if not word and not meaning.all_benign:
            raise refuse("lies in no folder that is named by a label: move it to weapon/ or benign/, or write a table")
        if word.startswith(LEFT_OUT):
            left_out += 1
            continue
        benign, labels, kind = meaning.of([word], "", refuse)
        source = parts[1] if len(parts) > 2 else folder.name
        rows.append(LabelledMedia(path, benign, labels, source, str(path.relative_to(folder)), kind))
    return rows, left_out
