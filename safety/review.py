"""What waits for a person, and what the person decides. A decision is never edited: a new one supersedes it.

    queue ─▶ claim (a lease) ─▶ REVIEW ──▶ ALLOW or BLOCK by Actor("reviewer", …), with a code and a reason
                                  ▲                │
                                  └──── undo ──────┘  while nothing went on from it

Only REVIEW can be decided, and only once: what a policy blocked stays blocked here (`safety.appeals`). Running an
allowed job on is `safety.work`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import exists, func, or_, select

from safety.database import reading, utc_now
from safety.domain import Action, Actor, Decision, JobStatus
from safety.errors import Conflict, NotFound, SecondReviewerNeeded
from safety.ledger import Ledger
from safety.lookup.claims import Claim, Claims
from safety.lookup.desk import FIRST, DeskReader
from safety.priority import priority
from safety.projections import OPINION
from safety.records import decision_from_record, decode
from safety.tables import decisions, entries, jobs

MAX_HOLDS = 200
"""Holds returned at once."""

MAX_RANKED = 1000
"""Oldest holds that are ranked; those behind them wait for their turn."""

LEASE = timedelta(minutes=15)
"""How long a claim lasts unless it is said otherwise."""

REASON_CODES = {
    "violation": "it breaks the clause that was found",
    "no_violation": "it does not show what the classifiers saw",
    "context": "news, education, art or satire that the clause allows",
    "consent": "who is shown agreed, or owns the rights",
    "unclear": "nobody can tell",
    "legal": "an order or a notice demands it",
    "mistake": "an earlier decision was made by mistake",
    "other": "the reason says why",
}
"""Why a person decided so, for counting; the reason says it in words."""


@dataclass(frozen=True)
class Waiting:
    """A hold in the queue."""

    decision: Decision
    priority: float
    """`safety.priority`: greater is more urgent."""

    claim: Claim | None
    """Who works on it."""


class Review:
    """The reviewer's desk."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime] = utc_now, two_for: Collection[str] = ()) -> None:
        """`two_for`: categories in which two reviewers have to agree before something passes."""
        self._ledger = ledger
        self._clock = clock
        self._two_for = frozenset(two_for)
        self._claims = Claims(ledger.engine, clock)
        self._desk = DeskReader(ledger.engine)

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

    def queue(self, limit: int = MAX_HOLDS) -> list[Waiting]:
        """Return up to `limit` holds, the most urgent of the 1000 oldest first, with who works on them.

        Raises:
            DatabaseError: the database is gone.
        """
        holds, claims, now = self.holds(MAX_RANKED), self._claims.live(), self._clock()
        subjects = [each.subject for each in holds]
        query = select(decisions.c.subject, func.count()).where(decisions.c.subject.in_(subjects))
        with reading(self._ledger.engine) as connection:
            seen = {row[0]: row[1] for row in connection.execute(query.group_by(decisions.c.subject))}
        ranked = [Waiting(each, priority(each, now, seen.get(each.subject, 1)), claims.get(each.id)) for each in holds]
        return sorted(ranked, key=lambda each: (-each.priority, each.decision.at))[:limit]

    def claim(self, reviewer: str, decision_id: str | None = None, lease: timedelta = LEASE) -> Claim:
        """Take a hold to work on: this one, or the most urgent that nobody else has. Again: for longer.

        Raises:
            NotFound: there is no such decision, or nothing waits.
            Conflict: it does not wait, another reviewer has it, or the name is empty.
        """
        if not (reviewer := reviewer.strip()):
            raise Conflict("a claim needs the name of the reviewer")
        if decision_id is not None:
            if decision_id not in {each.id for each in self.holds(MAX_RANKED)}:
                raise Conflict(f"decision {decision_id} does not wait for a reviewer")
            return self._claims.take(decision_id, reviewer, lease)
        for waiting in self.queue(MAX_RANKED):
            if waiting.claim is None or waiting.claim.reviewer == reviewer:
                if self._spoke(waiting.decision, reviewer):
                    continue
                with suppress(Conflict):  # somebody else was faster: the next one
                    return self._claims.take(waiting.decision.id, reviewer, lease)
        raise NotFound("nothing waits for review that nobody works on")

    def put_back(self, decision_id: str, reviewer: str) -> None:
        """End one's claim; without one, nothing happens."""
        self._claims.drop(decision_id, reviewer)

    def decide(self, decision_id: str, *, allow: bool, reviewer: str, reason: str, code: str = "other") -> Decision:
        """Append the Decision that supersedes a REVIEW decision and return it. Repeating the same is one Decision.

        Raises:
            NotFound: there is no such decision.
            Conflict: it is not a REVIEW, was decided already, its job is not held, another reviewer has it, the code
                is unknown, or reviewer or reason is empty.
            SecondReviewerNeeded: it was recorded as the first of two opinions; somebody else has to allow it, too.
            LedgerError: it is not recorded; the hold stays.
        """
        reviewer, reason = _said(reviewer, reason, code)
        held = self._ledger.decision(decision_id)
        if held is None:
            raise NotFound(f"no decision has the id {decision_id}")
        id_ = _id_of(decision_id, "allow" if allow else "block", reviewer, reason, code)
        if (same := self._ledger.decision(id_)) is not None:
            return same
        if held.verdict.action is not Action.REVIEW:
            raise Conflict(f"decision {decision_id} is {held.verdict.action.word}: only a review can be decided")
        self._refuse_unless_held(held)
        claim = self._claims.live().get(decision_id)
        if claim is not None and claim.reviewer != reviewer:
            raise Conflict(f"{claim.reviewer} works on {decision_id} until {claim.until:%H:%M} UTC")
        if allow and not self._agreed(held, reviewer):
            self._record_first(held, reviewer, reason, code)
        action = Action.ALLOW if allow else Action.BLOCK
        decided = self._ledger.append_decision(
            superseding(held, id_, self._clock(), action, reviewer=reviewer, reason=reason, code=code)
        )
        self._claims.drop(decision_id)
        return decided

    def undo(self, decision_id: str, *, reviewer: str, reason: str, code: str = "mistake") -> Decision:
        """Take a reviewer's decision back: append a REVIEW that supersedes it, so that it waits again.

        The record keeps both. Only while nothing went on from it: a job that was allowed runs or was released.

        Raises:
            NotFound: there is no such decision.
            Conflict: no reviewer made it, it was superseded, its job went on, or a word is missing.
        """
        reviewer, reason = _said(reviewer, reason, code)
        made = self._ledger.decision(decision_id)
        if made is None:
            raise NotFound(f"no decision has the id {decision_id}")
        if made.actor.kind != "reviewer" or made.verdict.action is Action.REVIEW:
            raise Conflict(f"decision {decision_id} was not made by a reviewer: there is nothing to take back")
        status = self._job_status(made)
        if status not in (None, JobStatus.HELD.value, JobStatus.REFUSED.value):
            raise Conflict(f"job {made.job} is {status}: what went on cannot be taken back; cancel it or withdraw it")
        id_ = _id_of(decision_id, "undo", reviewer, reason, code)
        return self._ledger.append_decision(
            superseding(made, id_, self._clock(), Action.REVIEW, reviewer=reviewer, reason=reason, code=code)
        )

    def _needs_two(self, held: Decision) -> bool:
        return not self._two_for.isdisjoint(each.category for each in held.verdict.findings)

    def _spoke(self, held: Decision, reviewer: str) -> bool:
        """Whether this reviewer has allowed it already and waits for somebody else."""
        return self._needs_two(held) and reviewer in self._first_opinions(held)

    def _agreed(self, held: Decision, reviewer: str) -> bool:
        """Whether enough people allow it. Refusing takes one."""
        return not self._needs_two(held) or bool(self._first_opinions(held) - {reviewer})

    def _first_opinions(self, held: Decision) -> set[str]:
        return {each.reviewer for each in self._desk.opinions(FIRST, decision=held.id)}

    def _record_first(self, held: Decision, reviewer: str, reason: str, code: str) -> None:
        """Keep the first opinion, put the hold back, and say that it waits for another reviewer."""
        body = {
            "decision": held.id,
            "reviewer": reviewer,
            "purpose": FIRST,
            "allow": True,
            "code": code,
            "reason": reason,
        }
        self._ledger.append_event(OPINION, _id_of("opinion", held.id, reviewer).replace("dec_", "opi_"), body)
        self._claims.drop(held.id)
        raise SecondReviewerNeeded(f"recorded: decision {held.id} passes when a second reviewer allows it, too")

    def _refuse_unless_held(self, held: Decision) -> None:
        # The library's jobs have no row: their caller waits for the decision and asks again.
        if (status := self._job_status(held)) not in (None, JobStatus.HELD.value):
            raise Conflict(f"job {held.job} is {status}, not held: there is nothing to decide")

    def _job_status(self, decision: Decision) -> str | None:
        if decision.job is None:
            return None
        with reading(self._ledger.engine) as connection:
            return connection.execute(select(jobs.c.status).where(jobs.c.id == decision.job)).scalar()


def superseding(
    held: Decision, id_: str, at: datetime, action: Action, *, reviewer: str, reason: str, code: str
) -> Decision:
    """Return the Decision by which a reviewer replaces another."""
    return replace(
        held,
        id=id_,
        at=at,
        verdict=replace(held.verdict, action=action),
        actor=Actor("reviewer", reviewer),
        supersedes=held.id,
        reason=reason,
        code=code,
        trials=(),
    )


def _said(reviewer: str, reason: str, code: str) -> tuple[str, str]:
    if code not in REASON_CODES:
        raise Conflict(f"{code!r} is no reason code: take one of {', '.join(REASON_CODES)}")
    if not reviewer.strip() or not reason.strip():
        raise Conflict("a review needs the name of the reviewer and a reason: they are recorded for good")
    return reviewer.strip(), reason.strip()


def _id_of(*parts: str) -> str:
    """The same review has the same id; another one about the same decision meets the ledger's refusal."""
    return f"dec_{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"
