"""What is old enough to be erased, and not under a legal hold. Erasing it is `safety.retention`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, Table, and_, exists, func, or_, select, update

from safety.database import reading, writing
from safety.domain import JobStatus
from safety.lookup.legal_holds import take_turn
from safety.tables import decisions, findings, jobs, legal_holds, scans

ENDED = ("released", "refused", "cancelled", "failed")
UNRELEASED = tuple(status for status in ENDED if status != JobStatus.RELEASED)

PAGE = 500
"""Rows taken at once."""


@dataclass(frozen=True)
class Limits:
    """Times before which something must have ended to be due."""

    usual: datetime
    longer: datetime
    """For what has a finding of one of `categories`."""

    categories: Collection[str]


class Due:
    """Finds what is due; safe to use from several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def prompts(self, limits: Limits) -> Sequence[str]:
        """Return ids of up to 500 ended jobs whose words are due."""
        return self._jobs(limits, ENDED, jobs.c.prompt != "")

    def files(self, limits: Limits) -> Sequence[str]:
        """Return ids of up to 500 jobs that ended without a release and whose files are due."""
        # As text: JSON columns have no equality on PostgreSQL.
        return self._jobs(limits, UNRELEASED, func.length(jobs.c.outputs.cast(_TEXT)) > len("{}"))

    def forget_files(self, job: str) -> None:
        """Note that a job's files are gone; it would begin anew."""
        with writing(self._engine) as connection:
            connection.execute(update(jobs).where(jobs.c.id == job).values(outputs={}))

    def erase_names(self, limit: datetime) -> int:
        """Blank what requesters called uploads whose scans ended before; return how many that were."""
        due = and_(scans.c.updated_at < limit, scans.c.name != "", scans.c.status.in_(("done", "failed")))
        with writing(self._engine) as connection:
            take_turn(connection)
            return connection.execute(update(scans).where(due, _free(scans)).values(name="")).rowcount

    def kept_longer(self, owner: str, job: str, categories: Collection[str]) -> tuple[bool, bool]:
        """Say whether something of this Subject and job is under a legal hold, and whether it is kept longer."""
        held = select(legal_holds.c.id).where(legal_holds.c.lifted_at.is_(None), legal_holds.c.target.in_((owner, job)))
        grave = _grave(decisions.c.job == job, categories)
        with reading(self._engine) as connection:
            return bool(connection.execute(held.limit(1)).all()), bool(connection.execute(select(grave)).scalar())

    def _jobs(self, limits: Limits, status: Sequence[str], kept: ColumnElement[bool]) -> Sequence[str]:
        grave = _grave(decisions.c.job == jobs.c.id, limits.categories)
        due = or_(jobs.c.updated_at < limits.longer, and_(jobs.c.updated_at < limits.usual, ~grave))
        query: Select[Any] = select(jobs.c.id).where(jobs.c.status.in_(status), kept, due, _free(jobs))
        with reading(self._engine) as connection:
            return connection.execute(query.order_by(jobs.c.id).limit(PAGE)).scalars().all()


_TEXT = decisions.c.id.type


def _grave(which: ColumnElement[bool], categories: Collection[str]) -> ColumnElement[bool]:
    return exists().where(decisions.c.entry == findings.c.entry, which, findings.c.category.in_(sorted(categories)))


def _free(table: Table) -> ColumnElement[bool]:
    mine = or_(legal_holds.c.target == table.c.id, legal_holds.c.target == table.c.owner)
    return ~exists().where(legal_holds.c.lifted_at.is_(None), mine)
