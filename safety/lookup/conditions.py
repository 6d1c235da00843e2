"""What a Decision must meet to be found, as conditions on the tables. Asks nothing itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, exists

from safety.domain import Action, Checkpoint
from safety.tables import decisions, findings


def conditions_of(
    *,
    job: str | None = None,
    checkpoint: Checkpoint | None = None,
    action: Action | None = None,
    category: str | None = None,
    subject: str | None = None,
    policy: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[ColumnElement[bool]]:
    """Return conditions on `decisions`; `since <= at < until`, `category`: one of the findings is of it."""
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (decisions.c.job, job),
        (decisions.c.checkpoint, checkpoint and checkpoint.value),
        (decisions.c.action, None if action is None else action.word),
        (decisions.c.subject, subject),
        (decisions.c.policy, policy),
    ):
        if value is not None:
            conditions.append(column == value)
    if category is not None:
        conditions.append(exists().where(findings.c.entry == decisions.c.entry, findings.c.category == category))
    if since is not None:
        conditions.append(decisions.c.at >= since)
    if until is not None:
        conditions.append(decisions.c.at < until)
    return conditions
