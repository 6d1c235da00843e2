"""One recorded Decision as a row of a table: what columns there are, and how a cell is written in CSV.

Only the fields that become columns are decoded, which is what makes a million rows a matter of seconds. JSON lines
need none of this: they are the recorded bytes. Reads no database and opens no file.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from safety.errors import LedgerError
from safety.lookup.selection import Selected

COLUMNS: tuple[tuple[str, str], ...] = (
    ("position", "integer"),
    ("id", "text"),
    ("at", "time"),
    ("checkpoint", "text"),
    ("action", "text"),
    ("severity", "integer"),
    ("categories", "texts"),
    ("rules", "texts"),
    ("unmeasured", "texts"),
    ("scores", "numbers"),
    ("frames_seen", "integer"),
    ("frames_total", "integer"),
    ("took_ms", "number"),
    ("classifiers", "texts"),
    ("policy", "text"),
    ("subject", "text"),
    ("job", "text"),
    ("parent", "text"),
    ("requester", "text"),
    ("actor_kind", "text"),
    ("actor", "text"),
    ("code", "text"),
    ("reason", "text"),
    ("supersedes", "text"),
    ("superseded_by", "text"),
)
"""(name, kind). `texts`: several; `numbers`: signal -> strongest score; an empty cell: nothing is recorded there."""

Row = tuple[Any, ...]
"""Values in the order of COLUMNS; `texts` as a list of str, `numbers` as a dict of str to float, `time` as ISO 8601."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula, and runs it (OWASP, "CSV Injection")."""


class _Actor(msgspec.Struct):
    kind: str
    id: str


class _Finding(msgspec.Struct):
    category: str
    rule: str


class _Gap(msgspec.Struct):
    signal: str


class _Score(msgspec.Struct):
    signal: str
    value: float


class _Coverage(msgspec.Struct):
    frames_seen: int
    frames_total: int


class _Verdict(msgspec.Struct):
    action: str
    policy: str
    findings: list[_Finding]
    unmeasured: list[_Gap]
    severity: int | None = None


class _Measurement(msgspec.Struct):
    scores: list[_Score]
    classifiers: list[tuple[str, str]]
    took_ms: list[tuple[str, float]]
    coverage: _Coverage | None = None


class _Decision(msgspec.Struct):
    id: str
    at: str
    checkpoint: str
    subject: str
    verdict: _Verdict
    measurement: _Measurement
    actor: _Actor
    job: str | None = None
    supersedes: str | None = None
    reason: str = ""
    requester: str = ""
    parent: str | None = None
    code: str = ""


_DECODER = msgspec.json.Decoder(_Decision)


def row_of(selected: Selected) -> Row:
    """Return the columns of a recorded Decision.

    Raises:
        LedgerError: its bytes are not a Decision.
    """
    try:
        decision = _DECODER.decode(selected.body)
    except msgspec.DecodeError:
        raise LedgerError(
            f"entry {selected.position} cannot be read as a decision: run `framegate ledger verify`"
        ) from None
    verdict, measured = decision.verdict, decision.measurement
    strongest: dict[str, float] = {}
    for score in measured.scores:
        if score.value >= strongest.get(score.signal, score.value):
            strongest[score.signal] = score.value
    coverage = measured.coverage
    return (
        selected.position,
        decision.id,
        decision.at,
        decision.checkpoint,
        verdict.action,
        verdict.severity,
        _once(each.category for each in verdict.findings),
        _once(each.rule for each in verdict.findings),
        _once(each.signal for each in verdict.unmeasured),
        strongest,
        None if coverage is None else coverage.frames_seen,
        None if coverage is None else coverage.frames_total,
        sum(took for _, took in measured.took_ms) if measured.took_ms else None,
        [f"{name}@{version}" for name, version in measured.classifiers],
        verdict.policy,
        decision.subject,
        decision.job,
        decision.parent,
        decision.requester or None,
        decision.actor.kind,
        decision.actor.id,
        decision.code or None,
        decision.reason or None,
        decision.supersedes,
        selected.superseded_by,
    )


def cells_of(row: Row) -> list[str]:
    """Write a row for CSV: several texts with a space between, scores as JSON, nothing as an empty cell.

    What a person wrote cannot begin a formula: an apostrophe stands before it then.
    """
    return [_cell(value) for value in row]


def csv_text(rows: Sequence[Sequence[str]]) -> bytes:
    """Write rows of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def json_line(selected: Selected) -> bytes:
    """Return a Decision as one line of JSON: the recorded object, with `position` and `superseded_by` before it."""
    by = json.dumps(selected.superseded_by)
    return b'{"position":%d,"superseded_by":%s,%s\n' % (selected.position, by.encode(), selected.body[1:])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        value = " ".join(value)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    return repr(value) if isinstance(value, float) else str(value)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
