"""Who works on which hold: a claim with a lease, so that no two reviewers look at the same thing. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, select

from safety.database import insert_unless_there, reading, utc_now, writing
from safety.errors import Conflict
from safety.tables import claims


@dataclass(frozen=True)
class Claim:
    """A reviewer works on a hold until a time."""

    decision: str
    reviewer: str
    until: datetime


class Claims:
    """The claims in force; an expired one is as none."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def take(self, decision: str, reviewer: str, lease: timedelta) -> Claim:
        """Claim a hold, or one's own again for longer.

        Raises:
            Conflict: another reviewer has it.
            DatabaseError: the database is gone.
        """
        now = self._clock()
        claim = Claim(decision, reviewer, now + lease)
        values = {"decision": decision, "reviewer": reviewer, "until": claim.until}
        with writing(self._engine) as connection:
            # Its row is made first, so that on PostgreSQL two who claim at once wait for each other at it.
            insert_unless_there(connection, claims, values)
            row = connection.execute(select(claims).where(claims.c.decision == decision).with_for_update()).one()
            if row.reviewer != reviewer and row.until > now:
                raise Conflict(f"{row.reviewer} works on {decision} until {row.until:%H:%M} UTC: take another")
            connection.execute(delete(claims).where(claims.c.decision == decision))
            connection.execute(insert(claims), values)
        return claim

    def drop(self, decision: str, reviewer: str | None = None) -> None:
        """End a claim, of this reviewer or whoever has it; without one, nothing happens."""
        query = delete(claims).where(claims.c.decision == decision)
        with writing(self._engine) as connection:
            connection.execute(query if reviewer is None else query.where(claims.c.reviewer == reviewer))

    def live(self) -> dict[str, Claim]:
        """Return the claims in force by decision."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(claims).where(claims.c.until > self._clock()))
            return {row.decision: Claim(row.decision, row.reviewer, row.until) for row in rows}
