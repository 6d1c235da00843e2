"""What somebody else's system is told of the ledger: one message for an entry, without words of people. Pure.

A Decision that supersedes another one is told with what was before and what is now, so that whoever acted on the first
can undo that: the inverse of a message about a refusal that was overturned is to show it, and the other way round.
Reasons, prompts and names stay here: ids lead to them. Who is told, and how, is `api.webhooks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from safety.domain import Decision
from safety.projections import APPEAL, DECISION, RELEASE, WITHDRAWAL
from safety.records import decision_from_record, decode

DECIDED, SUPERSEDED, RELEASED = "decision.made", "decision.superseded", "release.made"

TYPES = (
    DECIDED, SUPERSEDED, RELEASED, "release.withdrawn", "release.restored",
    "appeal.open", "appeal.upheld", "appeal.overturned", "appeal.withdrawn",
)  # fmt: skip
"""Every kind of message."""

DecisionOf = Callable[[str], Decision | None]
"""`LedgerReader.decision`."""


def announcement(body: bytes, decision_of: DecisionOf) -> dict[str, Any] | None:
    """Return the message about an entry: `type`, `timestamp` and `data`; None where nobody is told.

    Raises:
        LedgerError: the entry cannot be read.
    """
    kind, record = decode(body)
    if kind == DECISION:
        type_, data = _about_decision(decision_from_record(record), decision_of)
    elif kind == RELEASE:
        type_, data = RELEASED, _some(record, "id", "job", "sha256", "decisions") | {"conditions": []}
        data |= _some(record, "conditions")
    elif kind == APPEAL:
        type_ = f"appeal.{record['state']}"
        data = _some(record, "appeal", "decision", "state", "due", "code", "replacement")
    elif kind == WITHDRAWAL:
        type_, data = f"release.{record['state']}", _some(record, "release", "state", "code", "erased")
    else:
        return None
    return {"type": type_, "timestamp": record["at"], "data": data}


def _about_decision(decision: Decision, decision_of: DecisionOf) -> tuple[str, dict[str, Any]]:
    data: dict[str, Any] = {
        "decision": decision.id,
        "checkpoint": decision.checkpoint.value,
        "job": decision.job,
        "subject": decision.subject,
        "action": decision.verdict.action.word,
        "conditions": list(decision.verdict.conditions),
        "categories": sorted({each.category for each in decision.verdict.findings}),
        "policy": decision.verdict.policy,
        "by": decision.actor.kind,
        "requester": decision.requester or None,
    }
    if decision.supersedes is None:
        return DECIDED, data
    before = decision_of(decision.supersedes)
    was = None if before is None else before.verdict.action.word
    inverse = {"supersedes": decision.supersedes, "was": was, "undo": None if was == data["action"] else was}
    return SUPERSEDED, {**data, **inverse, "code": decision.code or None}


def _some(record: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: record[name] for name in names if name in record}
