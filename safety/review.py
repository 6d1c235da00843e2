"""What waits for a person, and what the person decides. A decision is never edited: a new one supersedes it.

    REVIEW ──▶ ALLOW or BLOCK by Actor("reviewer", …), with a reason

Only REVIEW can be decided, and only once: what a policy blocked stays blocked. Running an allowed job on is
`safety.work`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import exists, or_, select

from safety.database import reading, utc_now
from safety.domain import Action, Actor, Decision, JobStatus
from safety.errors import Conflict, NotFound
from safety.ledger import Ledger
from safety.records import decision_from_record, decode
from safety.tables import decisions, entries, jobs

MAX_HOLDS = 200
"""Holds returned at once."""


class Review:
    """The reviewer's desk."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def holds(self, limit: int = MAX_HOLDS) -> list[Decision]:
        """Return up to `limit` REVIEW decisions that nobody has decided, oldest first.

        Not those of jobs that ended otherwise (cancelled, failed) or are still running.

        Raises:
            DatabaseError: the database is gone.
        """
        newer = decisions.alias()
        query = (
            select(entries.c.body)
            .join(decisions, decisions.c.entry == entries.c.position)
            .outerjoin(jobs, jobs.c.id == decisions.c.job)
            .where(
                decisions.c.action == Action.REVIEW.word,
                ~exists().where(newer.c.supersedes == decisions.c.id),
                or_(jobs.c.id.is_(None), jobs.c.status == JobStatus.HELD.value),
            )
            .order_by(decisions.c.entry)
            .limit(limit)
        )
        with reading(self._ledger.engine) as connection:
            return [decision_from_record(decode(body)[1]) for (body,) in connection.execute(query)]

    def decide(self, decision_id: str, *, allow: bool, reviewer: str, reason: str) -> Decision:
        """Append the Decision that supersedes a REVIEW decision and return it. Repeating the same is one Decision.

        Raises:
            NotFound: there is no such decision.
            Conflict: it is not a REVIEW, was decided already, its job is not held, or reviewer or reason is empty.
            LedgerError: it is not recorded; the hold stays.
        """
        reviewer, reason = reviewer.strip(), reason.strip()
        if not reviewer or not reason:
            raise Conflict("a review needs the name of the reviewer and a reason: they are recorded for good")
        held = self._ledger.decision(decision_id)
        if held is None:
            raise NotFound(f"no decision has the id {decision_id}")
        id_ = _id_of(decision_id, allow, reviewer, reason)
        if (same := self._ledger.decision(id_)) is not None:
            return same
        if held.verdict.action is not Action.REVIEW:
            raise Conflict(f"decision {decision_id} is {held.verdict.action.word}: only a review can be decided")
        self._refuse_unless_held(held)
        action = Action.ALLOW if allow else Action.BLOCK
        return self._ledger.append_decision(
            replace(
                held,
                id=id_,
                at=self._clock(),
                verdict=replace(held.verdict, action=action),
                actor=Actor("reviewer", reviewer),
                supersedes=decision_id,
                reason=reason,
            )
        )

    def _refuse_unless_held(self, held: Decision) -> None:
        if held.job is None:
            return
        with reading(self._ledger.engine) as connection:
            status = connection.execute(select(jobs.c.status).where(jobs.c.id == held.job)).scalar()
        # The library's jobs have no row: their caller waits for the decision and asks again.
        if status not in (None, JobStatus.HELD.value):
            raise Conflict(f"job {held.job} is {status}, not held: there is nothing to decide")


def _id_of(decision_id: str, allow: bool, reviewer: str, reason: str) -> str:
    """The same review has the same id; another one about the same decision meets the ledger's refusal."""
    text = "\x00".join((decision_id, "allow" if allow else "block", reviewer, reason))
    return f"dec_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
