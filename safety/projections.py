"""What the tables beside the ledger must hold for an entry: derived from its record and from nothing else.

`safety.ledger` inserts these rows with the entry; `safety.audit` derives them again and compares. Scores have no
rows: they stand in the record, and nothing asks for one of them alone (ADR 0036). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safety.policy_states import step_of
from safety.records import LATER_FIELDS, time_from_text

Row = tuple[Any, ...]
"""Values in the order of COLUMNS."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "decisions": (
        "entry", "id", "at", "job", "checkpoint", "action", "subject", "policy", "actor_kind", "actor", "supersedes",
        "requester", "session", "sketch", "parent", "code",
    ),
    "findings": ("entry", "ordinal", "rule", "category", "action"),
    "releases": ("entry", "id", "at", "job", "sha256", "size_bytes", "watermark", "manifest", "generator"),
    "appeals": ("entry", "appeal", "decision", "state", "actor"),
    "withdrawals": ("entry", "release", "state", "code"),
    "desk": ("entry", "at", "decision", "reviewer", "purpose", "word"),
    "policy_states": ("entry", "policy", "state", "way", "share"),
    "trials": ("entry", "ordinal", "policy", "part", "action", "against", "in_force"),
}  # fmt: skip
"""Table -> its columns, in the tables' own order."""

DECISION = "decision"
RELEASE = "release"
APPEAL = "appeal"
WITHDRAWAL = "withdrawal"
REVEAL = "reveal"
OPINION = "opinion"
POLICY_STATE = "policy_state"


def project(position: int, kind: str, record: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Return table -> rows for the entry at `position`, each table's rows in the order of their primary key.

    Events of other kinds have no rows beside the ledger.

    Raises:
        KeyError, TypeError, ValueError: the record is not one of its kind.
    """
    if kind == DECISION:
        return _project_decision(position, record)
    if kind == RELEASE:
        names = COLUMNS["releases"][3:]
        row = (position, record["id"], time_from_text(record["at"]), *(record[name] for name in names))
        return {"releases": [row]}
    if kind in {REVEAL, OPINION}:
        at, decision, reviewer = time_from_text(record["at"]), record["decision"], record["reviewer"]
        said = (
            (REVEAL, record["what"]) if kind == REVEAL else (record["purpose"], "allow" if record["allow"] else "block")
        )
        return {"desk": [(position, at, decision, reviewer, *said)]}
    if kind == POLICY_STATE:
        return {"policy_states": [step_of(position, record)[:5]]}
    for table, of_kind in (("appeals", APPEAL), ("withdrawals", WITHDRAWAL)):
        if kind == of_kind:
            return {table: [(position, *(record[name] for name in COLUMNS[table][1:]))]}
    return {}


def _project_decision(position: int, record: Mapping[str, Any]) -> dict[str, list[Row]]:
    verdict, actor = record["verdict"], record["actor"]
    decision = (
        position,
        record["id"],
        time_from_text(record["at"]),
        record["job"],
        record["checkpoint"],
        verdict["action"],
        record["subject"],
        verdict["policy"],
        actor["kind"],
        actor["id"],
        record["supersedes"],
        *(record.get(name) for name in LATER_FIELDS),
    )
    rows = {
        "decisions": [decision],
        "findings": [
            (position, ordinal, each["rule"], each["category"], each["action"])
            for ordinal, each in enumerate(verdict["findings"])
        ],
    }
    if "trials" in record:
        names = COLUMNS["trials"][2:]
        rows["trials"] = [
            (position, ordinal, *(each[name] for name in names)) for ordinal, each in enumerate(record["trials"])
        ]
    return rows
