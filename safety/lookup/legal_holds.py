"""What must not be erased because a court, an investigation or the law says so: legal holds on subjects and jobs.

Placing and lifting one, with a reason, are entries of the ledger. A legal hold is no Hold: nobody waits for a reviewer.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, text, update

from safety.database import reading, utc_now, writing
from safety.errors import Conflict, NotFound
from safety.tables import jobs, legal_holds, scans, subjects

Append = Callable[[str, str, Mapping[str, Any]], Any]
"""Appends an event to the ledger: kind, id, body."""

HOLDS_LOCK = 0x6672_616D_6502
"""Key of the PostgreSQL advisory lock under which a legal hold is placed and what could be held is erased."""

PLACED, LIFTED = "legal_hold_placed", "legal_hold_lifted"


@dataclass(frozen=True)
class LegalHold:
    """What must be kept, since when and why."""

    id: str
    target: str
    """Id of a Subject, a Job or a scan."""

    reason: str
    actor: str
    placed_at: datetime
    lifted_at: datetime | None


class LegalHolds:
    """Places, lifts and lists legal holds; safe to use from several threads and processes."""

    def __init__(self, engine: Engine, append: Append, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._append = append
        self._clock = clock

    def place(self, target: str, *, reason: str, actor: str) -> LegalHold:
        """Keep everything of a Subject, a Job or a scan until lifted.

        Raises:
            NotFound: there is nothing with this id.
            Conflict: no reason, or the Subject was erased, also in this very moment.
        """
        if not reason.strip():
            raise Conflict("a legal hold needs a reason: it is recorded")
        hold = LegalHold(f"hold_{uuid.uuid4().hex}", target, reason.strip(), actor, self._clock(), None)
        with writing(self._engine) as connection:
            take_turn(connection)
            _refuse_unknown(connection, target)
            connection.execute(insert(legal_holds), vars(hold))
        # In force before it is recorded: what is held must not be lost because recording it fails.
        self._append(PLACED, f"{hold.id}.placed", {"hold": hold.id, "target": target, "reason": reason, "actor": actor})
        return hold

    def lift(self, id_: str, *, reason: str, actor: str) -> LegalHold:
        """End a legal hold; retention and erasure apply again.

        Raises:
            NotFound: there is no such legal hold.
            Conflict: no reason.
        """
        if not reason.strip():
            raise Conflict("lifting a legal hold needs a reason: it is recorded")
        hold = self._get(id_)
        # Recorded before it ends: the record may not say "held" about what could be erased.
        self._append(LIFTED, f"{id_}.lifted", {"hold": id_, "target": hold.target, "reason": reason, "actor": actor})
        with writing(self._engine) as connection:
            mine = update(legal_holds).where(legal_holds.c.id == id_, legal_holds.c.lifted_at.is_(None))
            connection.execute(mine.values(lifted_at=self._clock()))
        return self._get(id_)

    def list(self, *, lifted: bool = False) -> list[LegalHold]:
        """Return the legal holds in force, oldest first; `lifted`: those that ended too."""
        query = select(legal_holds).order_by(legal_holds.c.placed_at, legal_holds.c.id)
        if not lifted:
            query = query.where(legal_holds.c.lifted_at.is_(None))
        with reading(self._engine) as connection:
            return [LegalHold(*row) for row in connection.execute(query)]

    def refuse_if_held(self, targets: Iterable[str]) -> None:
        """Refuse to erase what is under a legal hold.

        Raises:
            Conflict: names the legal hold.
        """
        with reading(self._engine) as connection:
            refuse_if_held(connection, targets)

    def _get(self, id_: str) -> LegalHold:
        with reading(self._engine) as connection:
            row = connection.execute(select(legal_holds).where(legal_holds.c.id == id_)).one_or_none()
        if row is None:
            raise NotFound(f"no legal hold has the id {id_}")
        return LegalHold(*row)


def take_turn(connection: Connection) -> None:
    """Wait, inside a writing transaction, until nobody else places a legal hold or erases, and keep them out.

    Without it, a legal hold and an erasure of the same instant would not see each other. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": HOLDS_LOCK})


def held(connection: Connection) -> set[str]:
    """Return the ids of everything that is under a legal hold now."""
    query = select(legal_holds.c.target).where(legal_holds.c.lifted_at.is_(None))
    return set(connection.execute(query).scalars())


def refuse_if_held(connection: Connection, targets: Iterable[str]) -> None:
    """Refuse, inside a transaction, what would erase something that is under a legal hold; raises Conflict.

    Whoever erases in the same transaction calls `take_turn` first.
    """
    wanted = set(targets)
    query = select(legal_holds.c.id, legal_holds.c.target).where(legal_holds.c.lifted_at.is_(None))
    for id_, target in connection.execute(query.order_by(legal_holds.c.placed_at)):
        if target in wanted:
            raise Conflict(f"{target} is under the legal hold {id_}: nothing of it is erased until that is lifted")


def refuse_if_job_held(engine: Engine, job: str) -> None:
    """Refuse what would erase content of a Job that is under a legal hold, or whose Subject is; raises Conflict."""
    with reading(engine) as connection:
        owner = connection.execute(select(jobs.c.owner).where(jobs.c.id == job)).scalar()
        refuse_if_held(connection, [job, owner or ""])


def _refuse_unknown(connection: Connection, target: str) -> None:
    if connection.execute(
        select(subjects.c.id).where(subjects.c.id == target, subjects.c.erased_at.is_not(None))
    ).all():
        raise Conflict(f"subject {target} was erased: there is nothing to keep")
    if not any(
        connection.execute(select(table.c.id).where(table.c.id == target)).all() for table in (subjects, jobs, scans)
    ):
        raise NotFound(f"no subject, job or scan has the id {target}")
