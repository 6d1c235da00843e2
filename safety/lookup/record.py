"""Answers questions about the record: one decision, pages of them, what is effective, whose mark this is.

Everything comes back as domain values read from the ledger's own bytes; the derived tables only say where to look.
Writes nothing (`safety.ledger`) and proves nothing (`safety.audit`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, exists, func, select

from safety.database import in_binary, reading
from safety.domain import Action, Checkpoint, Decision, Release
from safety.errors import LedgerError, NotFound
from safety.lookup.conditions import conditions_of
from safety.lookup.notes import cosigned, newest_note
from safety.lookup.tree import StoredTree
from safety.projections import DECISION
from safety.records import Record, decision_from_record, decode, release_from_record
from safety.tables import checkpoints, decisions, entries, ledger_head, releases

MAX_PAGE = 1000
"""Rows of one page at most."""


class Entry(NamedTuple):
    """One entry of the ledger as it is stored."""

    position: int
    id: str
    kind: str
    at: datetime
    body: bytes
    leaf: bytes


class Prints(NamedTuple):
    """By what a Release is found again, beside its watermark."""

    release: str
    fingerprint: tuple[str, ...]
    """PDQ hashes, 64 hex digits each."""

    features: tuple[str, ...]
    """Local features of key frames, packed, in Base64; empty in older releases."""


class LedgerReader:
    """Reads the record; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def decision(self, id_: str) -> Decision | None:
        """Return the Decision with this id.

        Raises (here and below):
            DatabaseError: the database is gone.
            LedgerError: what is stored cannot be read.
        """
        found = self._one(select(entries.c.body).where(entries.c.id == id_, entries.c.kind == DECISION))
        return decision_from_record(found) if found else None

    def decisions(
        self,
        *,
        job: str | None = None,
        checkpoint: Checkpoint | None = None,
        action: Action | None = None,
        category: str | None = None,
        subject: str | None = None,
        policy: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[Decision]:
        """Return up to `limit` (1 to 1000) Decisions, newest first, that meet every condition.

        `since <= at < until`. `category`: one of the findings is of it. `after`: id of the last Decision of the page
        before, which need not meet the conditions.

        Raises:
            NotFound: no decision has the id `after`.
        """
        conditions = conditions_of(
            job=job,
            checkpoint=checkpoint,
            action=action,
            category=category,
            subject=subject,
            policy=policy,
            since=since,
            until=until,
        )
        return [decision_from_record(record) for record in self._page(decisions, conditions, after, limit)]

    def effective(self, job: str, checkpoint: Checkpoint) -> Decision | None:
        """Return the newest Decision about a job at a checkpoint that no other supersedes."""
        replacement = decisions.alias()
        found = self._one(
            select(entries.c.body)
            .join(decisions, decisions.c.entry == entries.c.position)
            .where(
                decisions.c.job == job,
                decisions.c.checkpoint == checkpoint.value,
                ~exists().where(replacement.c.supersedes == decisions.c.id),
            )
            .order_by(decisions.c.entry.desc())
            .limit(1)
        )
        return decision_from_record(found) if found else None

    def superseding(self, id_: str) -> Decision | None:
        """Return the Decision that replaced this one."""
        found = self._one(_bodies(decisions).where(decisions.c.supersedes == id_))
        return decision_from_record(found) if found else None

    def release(self, id_: str) -> Release | None:
        """Return the Release with this id."""
        return self._release(releases.c.id == id_)

    def release_of_job(self, job: str) -> Release | None:
        """Return the newest Release of a job."""
        return self._release(releases.c.job == job)

    def release_by_watermark(self, id_hex: str) -> Release | None:
        """Return the Release whose pixels carry this watermark id (hex)."""
        return self._release(releases.c.watermark == id_hex)

    def release_by_sha256(self, digest: str) -> Release | None:
        """Return the newest Release of exactly this file (hex digest)."""
        return self._release(releases.c.sha256 == digest)

    def release_by_manifest(self, label: str) -> Release | None:
        """Return the newest Release with this active manifest."""
        return self._release(releases.c.manifest == label)

    def releases(self, *, after: str | None = None, limit: int = 50) -> list[Release]:
        """Return up to `limit` (1 to 1000) Releases, newest first; `after` is the id of the last one before.

        Raises:
            NotFound: no release has the id `after`.
        """
        return [release_from_record(record) for record in self._page(releases, [], after, limit)]

    def fingerprints(self, after: str | None = None) -> Iterator[Prints]:
        """Yield by what every Release is found again, oldest first, or those appended after a known one.

        Raises:
            NotFound: no release has the id `after`.
        """
        position = -1 if after is None else self._position(releases, after)
        query = _bodies(releases).add_columns(releases.c.entry).order_by(releases.c.entry).limit(MAX_PAGE)
        while True:
            with reading(self.engine) as connection:
                page = connection.execute(query.where(releases.c.entry > position)).all()
            for body, position in page:  # noqa: B007 - the last one is where the next page begins
                record = decode(body)[1]
                yield Prints(record["id"], tuple(record["fingerprint"]), tuple(record.get("features", ())))
            if not page:
                return

    def entry(self, id_: str) -> Entry | None:
        """Return one entry of any kind as it is stored."""
        with reading(self.engine) as connection:
            row = connection.execute(select(entries).where(entries.c.id == id_)).one_or_none()
        return Entry(*row) if row else None

    def entries(self, start: int = 0, limit: int = MAX_PAGE) -> list[Entry]:
        """Return up to `limit` entries as they are stored, in their order, from a position on: for exports."""
        query = select(entries).where(entries.c.position >= start).order_by(entries.c.position).limit(limit)
        with reading(self.engine) as connection:
            return [Entry(*row) for row in connection.execute(query)]

    def bodies(self, kind: str) -> Iterator[bytes]:
        """Iterate over the entries of one kind, oldest first. Looks at every entry: not for a request."""
        query = select(entries.c.body).where(entries.c.kind == kind).order_by(entries.c.position)
        with reading(self.engine) as connection:
            yield from connection.execute(query).scalars()

    def size(self) -> int:
        """Return how many entries the ledger has."""
        with reading(self.engine) as connection:
            return connection.execute(select(ledger_head.c.size)).scalar() or 0

    def head(self) -> str | None:
        """Return the signed head of the newest commit; None while nothing was appended."""
        with reading(self.engine) as connection:
            return connection.execute(select(ledger_head.c.note)).scalar()

    def latest_checkpoint(self) -> str | None:
        """Return the newest stored checkpoint, a signed note."""
        with reading(self.engine) as connection:
            return newest_note(connection)

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        """Yield (size, signed note) of every stored checkpoint, the oldest first."""
        size = -1
        query = select(checkpoints.c.size, checkpoints.c.note).order_by(checkpoints.c.size).limit(MAX_PAGE)
        while True:
            with reading(self.engine) as connection:
                page = cosigned(connection, connection.execute(query.where(checkpoints.c.size > size)).all())
            for size, note in page:
                yield size, note
            if not page:
                return

    @contextmanager
    def tree(self) -> Iterator[StoredTree]:
        """The tree of leaves as it is stored, one snapshot for as long as the block runs: what proofs are made of."""
        with reading(self.engine) as connection, in_binary(connection):
            yield StoredTree(connection)

    def _release(self, condition: ColumnElement[bool]) -> Release | None:
        found = self._one(_bodies(releases).where(condition).order_by(releases.c.entry.desc()).limit(1))
        return release_from_record(found) if found else None

    def _one(self, query: Select[Any]) -> Record | None:
        with reading(self.engine) as connection:
            body = connection.execute(query).scalar_one_or_none()
        return None if body is None else decode(body)[1]

    def _page(self, table: Table, conditions: list[ColumnElement[bool]], after: str | None, limit: int) -> list[Record]:
        if not 1 <= limit <= MAX_PAGE:
            raise LedgerError(f"a page has 1 to {MAX_PAGE} rows, not {limit}")
        if after is not None:
            conditions = [*conditions, table.c.entry < self._position(table, after)]
        query = _bodies(table).where(*conditions).order_by(table.c.entry.desc()).limit(limit)
        with reading(self.engine) as connection:
            return [decode(body)[1] for (body,) in connection.execute(query)]

    def _position(self, table: Table, id_: str) -> int:
        with reading(self.engine) as connection:
            position = connection.execute(select(table.c.entry).where(table.c.id == id_)).scalar()
        if position is None:
            raise NotFound(f"no entry {id_!r} to continue after")
        return int(position)


def _bodies(table: Table) -> Select[Any]:
    return select(entries.c.body).join(table, table.c.entry == entries.c.position)


def count_entries(connection: Connection) -> int:
    """Count the rows of the ledger itself, whatever its head says."""
    return int(connection.execute(select(func.count()).select_from(entries)).scalar_one())
