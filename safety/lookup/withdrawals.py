"""Reads from the record which releases were withdrawn, and which of them may be served again. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, exists, func, select

from safety.admission import WITHDRAWN
from safety.database import reading
from safety.records import Record, decode, time_from_text
from safety.tables import entries, withdrawals


@dataclass(frozen=True)
class Withdrawal:
    """A release was withdrawn, or served again after that: the newest event about it."""

    id: str
    """Of the ledger's entry."""

    release: str
    state: str
    """`withdrawn` or `restored`."""

    at: datetime
    by: str
    code: str
    """Why, in one word that may be shown to everybody."""

    reason: str
    """Why, for those who keep the record: never shown to the public."""

    erased: bool = False
    """Its file was deleted: it cannot be served again."""


class WithdrawalReader:
    """Reads withdrawals; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def events(self, release: str) -> list[Withdrawal]:
        """Return everything that happened to a release in this respect, oldest first."""
        query = select(entries.c.body).join(withdrawals, withdrawals.c.entry == entries.c.position)
        with reading(self._engine) as connection:
            rows = connection.execute(query.where(withdrawals.c.release == release).order_by(withdrawals.c.entry))
            return [_withdrawal(decode(body)[1]) for body in rows.scalars()]

    def of(self, release: str) -> Withdrawal | None:
        """Return the withdrawal in force of this release; None where its content may be served."""
        newest = self.events(release)[-1:]
        return newest[0] if newest and newest[0].state == WITHDRAWN else None

    def in_force(self, limit: int = 200) -> list[Withdrawal]:
        """Return up to `limit` withdrawals in force, newest first."""
        newer = withdrawals.alias()
        query = (
            select(entries.c.body)
            .join(withdrawals, withdrawals.c.entry == entries.c.position)
            .where(
                withdrawals.c.state == WITHDRAWN,
                ~exists().where(newer.c.release == withdrawals.c.release, newer.c.entry > withdrawals.c.entry),
            )
            .order_by(withdrawals.c.entry.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [_withdrawal(decode(body)[1]) for body in connection.execute(query).scalars()]

    def releases(self) -> frozenset[str]:
        """Return the ids of all releases whose withdrawal is in force."""
        newest = select(func.max(withdrawals.c.entry)).group_by(withdrawals.c.release)
        query = select(withdrawals.c.release).where(withdrawals.c.state == WITHDRAWN, withdrawals.c.entry.in_(newest))
        with reading(self._engine) as connection:
            return frozenset(connection.execute(query).scalars())

    def newest(self) -> int:
        """Return the position of the newest event about any release, -1 without one. Changes when an answer may."""
        with reading(self._engine) as connection:
            found = connection.execute(select(func.max(withdrawals.c.entry))).scalar()
        return -1 if found is None else int(found)


def _withdrawal(record: Record) -> Withdrawal:
    return Withdrawal(
        id=record["id"],
        release=record["release"],
        state=record["state"],
        at=time_from_text(record["at"]),
        by=record["actor"],
        code=record["code"],
        reason=record["reason"],
        erased=record["erased"],
    )
