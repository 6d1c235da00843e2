"""Reads entries of the ledger by kind and time, for reports: how many of each, those of one kind. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Engine, func, select

from safety.database import reading
from safety.records import Record, decode
from safety.tables import entries

PAGE = 1000
"""Entries fetched at once."""


def count_by_kind(engine: Engine, since: datetime, until: datetime) -> dict[str, int]:
    """Return kind -> how many entries `since <= at < until` there are of it.

    Raises:
        DatabaseError: the database is gone.
    """
    query = select(entries.c.kind, func.count()).where(entries.c.at >= since, entries.c.at < until)
    with reading(engine) as connection:
        return {row[0]: row[1] for row in connection.execute(query.group_by(entries.c.kind))}


def events(engine: Engine, kind: str, until: datetime) -> Iterator[Record]:
    """Yield the records of one kind with `at < until`, oldest first.

    Raises:
        DatabaseError: the database is gone.
        LedgerError: an entry cannot be read.
    """
    position = -1
    query = select(entries.c.position, entries.c.body).where(entries.c.kind == kind, entries.c.at < until)
    query = query.order_by(entries.c.position).limit(PAGE)
    while True:
        with reading(engine) as connection:
            page = connection.execute(query.where(entries.c.position > position)).all()
        for position, body in page:  # noqa: B007 - the last one is where the next page begins
            yield decode(body)[1]
        if not page:
            return
