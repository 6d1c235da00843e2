"""Reads looks and opinions from the record: who looked when, who thought what, what waits for a second look.

Writes nothing. What is sampled, and who may give an opinion, is `safety.quality`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, and_, exists, select

from safety.database import reading
from safety.domain import Action
from safety.projections import REVEAL
from safety.tables import decisions, desk

GOLDEN, DOUBLE, SAMPLE = "golden", "double", "sample"
"""Purposes of opinions: the right answer to an item; a second answer, unseen the first; about what a policy allowed."""

ANSWER = "answer"
"""Purpose of a reviewer's answer to a golden item."""

FIRST = "first"
"""Purpose of the first of two who have to agree (`safety.review`)."""

MAX_CANDIDATES = 5000
"""Newest decisions among which samples are drawn."""


@dataclass(frozen=True)
class Opinion:
    """What a person thinks of a decision; it changes nothing about it."""

    decision: str
    reviewer: str
    purpose: str
    allow: bool
    at: datetime


class DeskReader:
    """Reads the desk; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def looks(self, reviewer: str, since: datetime) -> list[datetime]:
        """Return when a reviewer looked at content, oldest first."""
        query = select(desk.c.at).where(desk.c.reviewer == reviewer, desk.c.at >= since, desk.c.purpose == REVEAL)
        with reading(self._engine) as connection:
            return list(connection.execute(query.order_by(desk.c.at)).scalars())

    def opinions(
        self,
        *purposes: str,
        decision: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Opinion]:
        """Return opinions of these purposes, oldest first."""
        query = select(desk).where(desk.c.purpose.in_(purposes)).order_by(desk.c.entry)
        if decision is not None:
            query = query.where(desk.c.decision == decision)
        if since is not None:
            query = query.where(desk.c.at >= since)
        if until is not None:
            query = query.where(desk.c.at < until)
        with reading(self._engine) as connection:
            return [
                Opinion(row.decision, row.reviewer, row.purpose, row.word == Action.ALLOW.word, row.at)
                for row in connection.execute(query)
            ]

    def golden_for(self, reviewer: str) -> list[str]:
        """Return golden items that this reviewer neither set nor answered."""
        mine = desk.alias()
        query = select(desk.c.decision).where(
            desk.c.purpose == GOLDEN,
            ~exists().where(mine.c.decision == desk.c.decision, mine.c.reviewer == reviewer, mine.c.purpose != REVEAL),
        )
        with reading(self._engine) as connection:
            return list(dict.fromkeys(connection.execute(query).scalars()))

    def decided_holds(self, reviewer: str, since: datetime) -> list[str]:
        """Return holds that others decided since a time and nobody else judged again, newest first."""
        second, held = desk.alias(), decisions.alias()
        query = (
            select(held.c.id)
            .join(decisions, decisions.c.supersedes == held.c.id)
            .where(
                held.c.action == Action.REVIEW.word,
                decisions.c.actor_kind == "reviewer",
                decisions.c.actor != reviewer,
                decisions.c.action != Action.REVIEW.word,
                decisions.c.at >= since,
                ~exists().where(and_(second.c.decision == held.c.id, second.c.purpose == DOUBLE)),
            )
        )
        return self._ids(query.order_by(decisions.c.entry.desc()).limit(MAX_CANDIDATES))

    def allowed(self, since: datetime) -> list[str]:
        """Return what policies allowed since a time and nobody judged, newest first."""
        known = desk.alias()
        query = select(decisions.c.id).where(
            decisions.c.action == Action.ALLOW.word,
            decisions.c.actor_kind == "policy",
            decisions.c.job.is_not(None),
            decisions.c.at >= since,
            ~exists().where(and_(known.c.decision == decisions.c.id, known.c.purpose == SAMPLE)),
        )
        return self._ids(query.order_by(decisions.c.entry.desc()).limit(MAX_CANDIDATES))

    def _ids(self, query: Select[Any]) -> list[str]:
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())
