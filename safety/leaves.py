"""Reads entries in batches, hashes them and says which do not have the hash that was stored with them.

In this process, or in several: hashing and reading are most of verifying a log, and each range can be read alone. What
the hashes have to fit is `safety.audit`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select

from safety.database import in_binary, mapped, open_engine, reading
from safety.merkle import HASH_BYTES, leaf_hashes
from safety.tables import entries

log = logging.getLogger(__name__)

BATCH = 4000
"""Entries read at once: some ten megabytes."""

AHEAD = 2
"""Batches that wait for each worker at most: bounds memory when the tree is slower than the hashing."""


class Batch(NamedTuple):
    """Entries side by side, in their order."""

    positions: Sequence[int]
    leaves: Sequence[bytes]
    """Leaf hashes, computed from the bytes of the entries."""

    wrong: list[int]
    """Positions whose stored hash is another one."""


def read_batches(connection: Connection, workers: int = 1) -> Iterator[Batch]:
    """Yield every entry of the connection's snapshot; `workers`: processes that read and hash.

    Several read in snapshots of their own, up to the newest entry of this one: entries do not change. Where one of
    them dies, this process goes on alone.

    Raises:
        DatabaseError: the database is gone.
    """
    after: int | None = None
    if workers > 1:
        for hashed in _from_workers(connection, workers):
            yield hashed
            after = hashed.positions[-1]
    while batch := read_batch(connection, after):  # what workers left: all of it, or what is behind a gap
        yield batch
        after = batch.positions[-1]


def read_batch(connection: Connection, after: int | None, last: int | None = None) -> Batch | None:
    """Return the next entries behind `after`, up to `last`; None where there are no more.

    Few columns and as plain as the driver has them: most of the time goes here.
    """
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    bounds = {f"position > {mark}": after, f"position <= {mark}": last}
    asked = {condition: value for condition, value in bounds.items() if value is not None}
    where = f"WHERE {' AND '.join(asked)} " if asked else ""
    query = f"SELECT position, body, leaf FROM entries {where}ORDER BY position LIMIT {BATCH}"  # noqa: S608
    rows = connection.exec_driver_sql(query, tuple(asked.values())).all()
    if not rows:
        return None
    positions, bodies, stored = zip(*rows, strict=True)
    leaves = leaf_hashes(bodies)
    wrong = []
    if leaves != list(stored):
        wrong = [place for place, leaf, kept in zip(positions, leaves, stored, strict=True) if leaf != kept]
    return Batch(positions, leaves, wrong)


def _from_workers(connection: Connection, workers: int) -> Iterator[Batch]:
    """Yield batches from position 0 on, up to the first that has a gap: no root can be recomputed from there on.

    Nothing where an entry stands before position 0: no range would hold it, so one process reads them all.
    """
    if connection.execute(select(entries.c.position).where(entries.c.position < 0).limit(1)).first():
        return
    newest = connection.execute(select(entries.c.position).order_by(entries.c.position.desc()).limit(1)).scalar()
    url = connection.engine.url.render_as_string(hide_password=False)
    starts = iter(range(0, (newest or 0) + 1, BATCH))
    pending: deque[tuple[range, Future[tuple[bytes, list[int]] | None]]] = deque()
    # Spawned, not forked: a fork would inherit the database's connections.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        try:
            while True:
                while len(pending) < workers * AHEAD and (start := next(starts, None)) is not None:
                    wanted = range(start, min(start + BATCH, (newest or 0) + 1))
                    pending.append((wanted, pool.submit(_hash_range, url, wanted)))
                if not pending:
                    return
                wanted, hashed = pending.popleft()
                done = hashed.result()
                if done is None:
                    return
                packed, wrong = done
                yield Batch(wanted, [packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES)], wrong)
        except BrokenProcessPool:
            log.warning("a process that verifies the ledger died; one process goes on alone")
        finally:
            for _, each in pending:
                each.cancel()


def _hash_range(url: str, wanted: range) -> tuple[bytes, list[int]] | None:
    """Hash one range of positions; None where one is missing. Runs in a worker; one piece is cheap to hand over."""
    with reading(_engine_of(url)) as connection, mapped(connection), in_binary(connection):
        batch = read_batch(connection, wanted.start - 1, wanted.stop - 1)
    if batch is None or list(batch.positions) != list(wanted):
        return None
    return b"".join(batch.leaves), batch.wrong


@cache
def _engine_of(url: str) -> Engine:
    """The worker's engine, for as long as it lives."""
    return open_engine(url)
