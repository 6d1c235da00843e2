"""Statements of reasons for a period, in batches that the DSA Transparency Database takes, or the reason why not.

    statements-00001.json   {"statements": […]}, up to 100: the body of one call
    report.json             how many there are, and every batch that was refused with the fields that are at fault

A batch in which one statement has a fault or carries personal data is not written: nothing half-checked leaves. Faults
name the decision, the field and the kind of data, never the data. Sends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safety.errors import Conflict, LedgerError
from safety.exports.dsa_schema import Statement, dsa_schema
from safety.exports.statements import Restriction, Terms, restriction_of, statement_of
from safety.lookup.record import LedgerReader
from safety.lookup.selection import Selection, selected
from safety.records import decision_from_record, decode

Scan = Callable[[str], Sequence[str]]
"""Text in, kinds of personal data in it out: `email`, `phone`, `name`."""

FREE_TEXT = ("text", "url")
"""Kinds of fields that may hold anything; the others hold words of a fixed list, dates and ids."""


@dataclass
class Batch:
    """Up to 100 statements, and what is wrong with them."""

    number: int
    statements: list[Statement]
    faults: dict[str, list[str]] = field(default_factory=dict)
    """Decision -> `field: what is wrong`."""


@dataclass
class BatchReport:
    """What was written and what was not."""

    statements: int = 0
    """That were written."""

    batches: int = 0
    refused: list[Batch] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For `report.json`."""
        return {
            "statements": self.statements,
            "batches": self.batches,
            "refused": [
                {"batch": each.number, "statements": len(each.statements), "faults": each.faults}
                for each in self.refused
            ],
            "schema": dsa_schema().source,
        }


def restrictions(reader: LedgerReader, selection: Selection, *, after: int = -1) -> Iterator[tuple[int, Restriction]]:
    """Yield (position, restriction) of every Decision of the period that restricts something, oldest first."""
    for page in selected(reader.engine, selection, after=after, end=reader.size()):
        for each in page:
            decision = decision_from_record(decode(each.body)[1])
            replacement = reader.decision(each.superseded_by) if each.superseded_by else None
            restriction = restriction_of(decision, replacement)
            if restriction is not None:
                yield each.position, restriction


def faults_of(statement: Statement, scan: Scan) -> list[str]:
    """Return what keeps a statement from leaving: what the database refuses, and personal data."""
    schema = dsa_schema()
    found = schema.problems(statement)
    for name, told in schema.fields.items():
        value = statement.get(name)
        if told["kind"] in FREE_TEXT and isinstance(value, str):
            found += [f"{name}: carries personal data ({kind})" for kind in dict.fromkeys(scan(value))]
    return found


def batches(
    reader: LedgerReader, selection: Selection, terms: Terms, scan: Scan, size: int | None = None
) -> Iterator[Batch]:
    """Yield batches of statements; a decision stands in one of them."""
    size, batch = size or dsa_schema().statements_a_call, Batch(1, [])
    for _, restriction in restrictions(reader, selection):
        statement = statement_of(restriction, terms)
        batch.statements.append(statement)
        if faults := faults_of(statement, scan):
            batch.faults[restriction.decision.id] = faults
        if len(batch.statements) == size:
            yield batch
            batch = Batch(batch.number + 1, [])
    if batch.statements:
        yield batch


def write_batches(reader: LedgerReader, selection: Selection, terms: Terms, scan: Scan, folder: Path) -> BatchReport:
    """Write the batches of a period into an empty folder, and a report beside them.

    Raises:
        Conflict: the folder holds something already: what was sent before must not be mixed with what is new.
        LedgerError: it cannot be written, or the ledger not read.
    """
    report = BatchReport()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if next(folder.iterdir(), None) is not None:
            raise Conflict(f"{folder} is not empty: choose another folder, so that no statement is sent twice")
        for batch in batches(reader, selection, terms, scan):
            if batch.faults:
                report.refused.append(batch)
                continue
            text = json.dumps({"statements": batch.statements}, ensure_ascii=False, indent=1)
            (folder / f"statements-{batch.number:05d}.json").write_text(text + "\n", encoding="utf-8")
            report.statements += len(batch.statements)
            report.batches += 1
        told = json.dumps(report.to_json(), ensure_ascii=False, indent=1)
        (folder / "report.json").write_text(told + "\n", encoding="utf-8")
    except OSError as error:
        raise LedgerError(f"statements cannot be written to {folder}: {error.strerror}") from error
    return report
