"""How far each receiver of webhooks was told: a place in the ledger, and since when telling it fails. No messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select, update

from safety.database import insert_unless_there, reading, writing
from safety.tables import deliveries


@dataclass(frozen=True)
class Told:
    """How far one receiver was told."""

    receiver: str
    """Digest of its address."""

    position: int
    """Of the next entry that it may be told."""

    failures: int = 0
    """Attempts that failed in a row at this entry."""

    failing_since: datetime | None = None
    next_at: datetime | None = None
    """No attempt before; None: at once."""


class Deliveries:
    """Keeps places; safe to use from several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, receiver: str, *, start: int) -> Told:
        """Return how far a receiver was told; a new one is told what comes from `start` on."""
        query = select(deliveries).where(deliveries.c.receiver == receiver)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            with writing(self._engine) as connection:
                insert_unless_there(connection, deliveries, vars(Told(receiver, start)))
                row = connection.execute(query).one()
        return Told(*row)

    def move(self, before: Told, after: Told) -> bool:
        """Keep a new place; False, and nothing is kept, where another process moved it meanwhile."""
        mine = (deliveries.c.receiver == before.receiver) & (deliveries.c.position == before.position)
        change = update(deliveries).where(mine, deliveries.c.failures == before.failures).values(vars(after))
        with writing(self._engine) as connection:
            return connection.execute(change).rowcount == 1
