"""Takes an even sample of what policies decided in a window of time. What is made of it is others'."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select

from safety.database import reading
from safety.records import Record, decode
from safety.tables import decisions, entries


def sample_records(engine: Engine, since: datetime, until: datetime, most: int) -> Iterator[Record]:
    """Yield the records of at most `most` Decisions by policies, every k-th with `since <= at < until`, oldest first.

    Raises:
        DatabaseError: the database is gone.
    """
    window = (decisions.c.at >= since, decisions.c.at < until, decisions.c.actor_kind == "policy")
    with reading(engine) as connection:
        there = connection.execute(select(func.count()).select_from(decisions).where(*window)).scalar_one()
        step = max(1, -(-there // most))
        number = func.row_number().over(order_by=decisions.c.entry).label("number")
        counted = select(decisions.c.entry, number).where(*window).subquery()
        chosen = select(entries.c.body).join(counted, counted.c.entry == entries.c.position)
        query: Any = chosen.where(counted.c.number % step == 0).order_by(entries.c.position)
        bodies = connection.execute(query).scalars().all()
    for body in bodies:
        yield decode(body)[1]
