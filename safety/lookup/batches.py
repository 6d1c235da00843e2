"""Batches of scans: which uploads a requester handed in together, under a name of their choosing.

The same file under the same name handed in again is the same scan, so whoever was cut off hands in everything again.
A batch has no end of its own: it has ended when each of its scans has. Decides nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, func, select, tuple_

from safety.database import insert_unless_there, reading, utc_now, writing
from safety.errors import NotFound
from safety.lookup.scans import ScanStatus
from safety.registers import scan_batches
from safety.tables import scans


class ScanBatches:
    """Keeps batches; safe to use from several threads and processes."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        """Take the database."""
        self._engine = engine
        self._clock = clock

    def join(self, requester: str, batch: str, sha256: str, name: str, new: str) -> str:
        """Put an upload into a batch and return the id of its scan: `new`, or that of the same upload before."""
        place = hashlib.sha256(f"{sha256}\0{name}".encode()).hexdigest()
        row = {"requester": requester, "batch": batch, "place": place}
        here = [scan_batches.c[key] == value for key, value in row.items()]
        with writing(self._engine) as connection:
            insert_unless_there(connection, scan_batches, {**row, "scan": new, "created_at": self._clock()})
            return str(connection.execute(select(scan_batches.c.scan).where(*here)).scalar_one())

    def counts(self, requester: str, batch: str) -> Mapping[ScanStatus, int]:
        """Return how many scans of a batch stand where.

        Raises:
            NotFound: this requester has no such batch.
        """
        query = select(scans.c.status, func.count()).join_from(scan_batches, scans, scans.c.id == scan_batches.c.scan)
        with reading(self._engine) as connection:
            rows = connection.execute(query.where(*_of(requester, batch)).group_by(scans.c.status)).all()
        if not rows:
            raise NotFound(f"no batch is called {batch}")
        found = {ScanStatus(status): int(count) for status, count in rows}
        return {status: found.get(status, 0) for status in ScanStatus}

    def page(
        self, requester: str, batch: str, *, status: ScanStatus | None = None, after: str | None = None, limit: int = 50
    ) -> Sequence[str]:
        """Return the ids of up to `limit` scans in the order they were handed in, those after the scan `after`."""
        order = (scan_batches.c.created_at, scan_batches.c.scan)
        query = select(scan_batches.c.scan).join_from(scan_batches, scans, scans.c.id == scan_batches.c.scan)
        query = query.where(*_of(requester, batch)).order_by(*order).limit(limit)
        if status is not None:
            query = query.where(scans.c.status == status.value)
        with reading(self._engine) as connection:
            if after is not None:
                place = connection.execute(
                    select(*order).where(*_of(requester, batch), order[1] == after)
                ).one_or_none()
                if place is None:
                    raise NotFound(f"no scan of the batch {batch} has the id {after}")
                query = query.where(tuple_(*order) > tuple_(*place))
            return list(connection.scalars(query))


def _of(requester: str, batch: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return scan_batches.c.requester == requester, scan_batches.c.batch == batch
