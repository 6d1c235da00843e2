"""Who does what is due at certain times: of many processes one takes a chore, and it is due again later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine, update

from safety.database import insert_unless_there, utc_now, writing
from safety.tables import chores

LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Chores:
    """Hands out chores; safe to use from several threads and processes."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def take(self, name: str, every: timedelta) -> bool:
        """Say whether this chore is due and nobody else took it; it is then due again after `every`.

        A clock that was put back by more than `every` makes it due at once, instead of never.
        """
        now, mine = self._clock(), chores.c.name == name
        with writing(self._engine) as connection:
            insert_unless_there(connection, chores, {"name": name, "begun_at": LONG_AGO})
            due = (chores.c.begun_at <= now - every) | (chores.c.begun_at > now + every)
            return connection.execute(update(chores).where(mine, due).values(begun_at=now)).rowcount == 1
