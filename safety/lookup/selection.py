"""Walks over recorded Decisions that meet conditions, oldest first, for exports and reports. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, select

from safety.database import reading
from safety.domain import Action, Checkpoint
from safety.errors import Conflict
from safety.lookup.conditions import conditions_of
from safety.tables import decisions, entries

PAGE = 2000
"""Decisions fetched at once: some megabytes."""


@dataclass(frozen=True)
class Selection:
    """Conditions; a Decision meets all that are given."""

    since: datetime | None = None
    until: datetime | None = None
    """`since <= at < until`."""

    checkpoint: Checkpoint | None = None
    action: Action | None = None
    category: str | None = None
    """One of the findings is of it."""

    policy: str | None = None
    """`sha256:…` of the policy that judged."""

    def __post_init__(self) -> None:
        """Refuse a period that cannot hold anything.

        Raises:
            Conflict: it ends before it begins, or a time does not say its zone.
        """
        if any(each is not None and each.tzinfo is None for each in (self.since, self.until)):
            raise Conflict("a period's times must say their time zone, as in 2026-01-01T00:00:00Z")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise Conflict("the period ends before it begins: `since` must be earlier than `until`")

    def to_json(self) -> dict[str, str]:
        """The conditions as text, to compare an interrupted export with its continuation."""
        told = {
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "checkpoint": None if self.checkpoint is None else self.checkpoint.value,
            "action": None if self.action is None else self.action.word,
            "category": self.category,
            "policy": self.policy,
        }
        return {name: value for name, value in told.items() if value is not None}


class Selected(NamedTuple):
    """A Decision as it is recorded."""

    position: int
    body: bytes
    """Canonical bytes (`safety.records`)."""

    superseded_by: str | None


def selected(
    engine: Engine, selection: Selection, *, after: int = -1, end: int, page: int = PAGE
) -> Iterator[list[Selected]]:
    """Yield pages of the Decisions at positions `after < position < end`, in the order of the ledger.

    `superseded_by` names a replacement only if that stands before `end` too: the same `end` gives the same rows for
    ever, whenever and in however many pieces they are read.

    Raises:
        DatabaseError: the database is gone.
    """
    newer = decisions.alias()
    query = (
        select(entries.c.position, entries.c.body, newer.c.id)
        .select_from(decisions)
        .join(entries, entries.c.position == decisions.c.entry)
        .outerjoin(newer, (newer.c.supersedes == decisions.c.id) & (newer.c.entry < end))
        .where(
            decisions.c.entry < end,
            *conditions_of(
                checkpoint=selection.checkpoint,
                action=selection.action,
                category=selection.category,
                policy=selection.policy,
                since=selection.since,
                until=selection.until,
            ),
        )
        .order_by(decisions.c.entry)
        .limit(page)
    )
    while True:
        with reading(engine) as connection:
            rows = [Selected(*row) for row in connection.execute(query.where(decisions.c.entry > after))]
        if not rows:
            return
        yield rows
        after = rows[-1].position
