"""The append-only, tamper-evident record of every Decision and Release. An append returns when it is durable.

    append ─▶ canonical bytes ─▶ one writer, group commit ─▶ entry + derived rows + signed head, one transaction

Equal ids append once: the first wins and is returned to everyone, so steps may run again. Processes take turns at the
database's lock. Reading is inherited from `safety.lookup`, proving that nothing was changed is `safety.audit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from safety.checkpoints import LogKey, LogPublicKey, sign_checkpoint, verify_checkpoint
from safety.database import in_one_go, utc_now, writing
from safety.domain import Decision, Release
from safety.errors import LedgerError, SafetyError
from safety.group_commit import GroupCommit
from safety.ledger_rows import insert_rows
from safety.lookup.facts import facts_about, stored_bodies
from safety.lookup.record import LedgerReader, count_entries
from safety.merkle import Frontier, leaf_hashes
from safety.projections import COLUMNS, DECISION, RELEASE, Row, project
from safety.records import (
    Record,
    decision_from_record,
    decision_to_record,
    decode,
    encode,
    release_from_record,
    release_to_record,
    time_from_text,
    time_to_text,
)
from safety.tables import checkpoints, ledger_head

CHECKPOINT_EVERY = 1000
"""Entries after which a checkpoint is stored without being asked; every release gets one too."""

HEAD_EXTENSION = ("framegate head",)
"""Extension line of the head's note: no stored checkpoint can be passed off as the newest head."""

LEDGER_LOCK = 0x6672_616D_6501
"""Key of the PostgreSQL advisory lock that lets one process append at a time."""


@dataclass(frozen=True)
class _Append:
    id: str
    kind: str
    at: datetime
    record: Record
    body: bytes


class Ledger(LedgerReader):
    """Appends to the record and reads it; safe to use from several threads. Close it, or use it in a `with` block."""

    def __init__(
        self,
        engine: Engine,
        key: LogKey,
        *,
        former_keys: Sequence[LogPublicKey] = (),
        clock: Callable[[], datetime] = utc_now,
        checkpoint_every: int = CHECKPOINT_EVERY,
    ) -> None:
        """Take a migrated database and the log's key; `former_keys` signed heads before the key was changed."""
        super().__init__(engine)
        self._key = key
        self._trusted = (key.public, *former_keys)
        self._clock = clock
        self._checkpoint_every = checkpoint_every
        self._frontier = Frontier()
        self._note: str | None = None
        self._writer = GroupCommit[_Append, bytes](self._commit, "ledger writer")

    def append_decision(self, decision: Decision) -> Decision:
        """Append a Decision, once for its id, and return the one that is recorded.

        Raises:
            Conflict: it supersedes what does not exist or was superseded already.
            LedgerError: it is not recorded, or nobody knows; nothing may rest on it. Trying again is safe.
        """
        stored = self._append(DECISION, decision_to_record(decision))
        return decision if stored is None else decision_from_record(stored)

    def append_release(self, release: Release) -> Release:
        """Append a Release, once for its id, and return the one that is recorded. Stores a checkpoint with it.

        Raises:
            Conflict: not every one of its Decisions is recorded and an effective ALLOW, or its watermark is taken.
            LedgerError: as in `append_decision`.
        """
        stored = self._append(RELEASE, release_to_record(release))
        return release if stored is None else release_from_record(stored)

    def append_event(self, kind: str, id_: str, body: Mapping[str, Any]) -> Record:
        """Append something else worth keeping (an appeal, a new policy), once for its id; return what is recorded.

        Raises:
            LedgerError: as in `append_decision`, the kind is `decision` or `release`, or it lacks a field of its kind.
        """
        if kind in (DECISION, RELEASE):
            raise LedgerError(f"a {kind} is not an event: it has a method of its own")
        record = {**body, "id": id_, "at": time_to_text(self._clock())}
        try:
            project(0, kind, record)  # here, not in the writer, which would stop for everybody
        except (KeyError, TypeError, ValueError):
            raise LedgerError(f"a {kind} record lacks what its row beside the ledger is made of") from None
        return self._append(kind, record) or record

    def checkpoint(self) -> str:
        """Sign the tree as it is now, store and return the note. Keep some outside: they prove what was here.

        Raises:
            LedgerError: the database is gone, or the head does not hold.
        """
        with self._turn() as connection:
            frontier = self._current(connection)
            stored = select(checkpoints.c.note).where(checkpoints.c.size == frontier.size)
            note = connection.execute(stored).scalar()
            return note or self._store_checkpoint(connection, frontier)

    @property
    def public_key(self) -> LogPublicKey:
        """Verifies this ledger's checkpoints."""
        return self._key.public

    def close(self) -> None:
        """Finish what waits, then refuse appends. Reading goes on."""
        self._writer.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _append(self, kind: str, record: Record) -> Record | None:
        """Append a record; None when these very bytes are what is recorded, else what was there before."""
        body = encode(kind, record, numbers_checked=kind == DECISION)
        append = _Append(record["id"], kind, time_from_text(record["at"]), record, body)
        body = self._writer.submit(append)
        if body == append.body:
            return None
        stored_kind, stored = decode(body)
        if stored_kind != kind:
            raise LedgerError(f"{append.id} is recorded as a {stored_kind}, not as a {kind}")
        return stored

    def _commit(self, group: Sequence[_Append]) -> list[bytes | SafetyError]:
        """Append a group in one transaction; runs in the writer's thread only."""
        with self._turn() as connection:
            frontier = self._current(connection)
            results, fresh = self._sort_out(connection, group)
            if not fresh:
                return results
            before = frontier.size
            rows: dict[str, list[Row]] = {"entries": [], **{table: [] for table in COLUMNS}}
            leaves = leaf_hashes([append.body for append in fresh])
            for position, (append, leaf) in enumerate(zip(fresh, leaves, strict=True), before):
                rows["entries"].append((position, append.id, append.kind, append.at, append.body, leaf))
                for table, more in project(position, append.kind, append.record).items():
                    rows[table] += more
            rows["subtrees"] = list(frontier.extend(leaves))
            note = sign_checkpoint(frontier.size, frontier.root(), self._key, HEAD_EXTENSION)
            head = {"id": 1, "size": frontier.size, "frontier": frontier.pack(), "note": note}
            crossed = before // self._checkpoint_every != frontier.size // self._checkpoint_every
            with in_one_go(connection):
                insert_rows(connection, rows)
                connection.execute(insert(ledger_head) if before == 0 else update(ledger_head), head)
                if crossed or rows["releases"]:
                    self._store_checkpoint(connection, frontier)
        self._frontier, self._note = frontier, note
        return results

    def _sort_out(
        self, connection: Connection, group: Sequence[_Append]
    ) -> tuple[list[bytes | SafetyError], list[_Append]]:
        """Return an answer for each append, and those that are to be written."""
        known = stored_bodies(connection, {append.id for append in group})
        facts = facts_about(connection, [(append.kind, append.record) for append in group])
        results: list[bytes | SafetyError] = []
        fresh: list[_Append] = []
        for append in group:
            if append.id in known:
                results.append(known[append.id])
                continue
            refusal = facts.refusal(append.kind, append.record)
            if refusal is not None:
                results.append(refusal)
                continue
            facts.admit(append.kind, append.record)
            known[append.id] = append.body
            results.append(append.body)
            fresh.append(append)
        return results, fresh

    @contextmanager
    def _turn(self) -> Iterator[Connection]:
        """A transaction in which no other process appends."""
        with writing(self.engine) as connection:
            if self.engine.dialect.name == "postgresql":
                with in_one_go(connection):
                    connection.exec_driver_sql(f"DO $$BEGIN PERFORM pg_advisory_xact_lock({LEDGER_LOCK}); END$$")
            yield connection

    def _current(self, connection: Connection) -> Frontier:
        """The tree's right edge: from memory, or from the signed head where another process appended."""
        row = connection.execute(select(ledger_head.c.size, ledger_head.c.frontier, ledger_head.c.note)).one_or_none()
        if row is None:
            if self._frontier.size or count_entries(connection):
                raise LedgerError("the ledger's head is gone; nothing is appended. Run `framegate ledger verify`")
            return Frontier()
        if row.note == self._note:
            return self._frontier.copy()
        if row.size < self._frontier.size:
            raise LedgerError(
                f"the ledger shrank from {self._frontier.size} to {row.size} entries; nothing is appended. "
                "Run `framegate ledger verify` and compare with a backup"
            )
        head = verify_checkpoint(row.note, *self._trusted, extensions=HEAD_EXTENSION)
        try:
            frontier = Frontier.unpack(row.size, row.frontier)
        except ValueError:
            frontier = None
        if frontier is None or head != (row.size, frontier.root()):
            raise LedgerError("the ledger's head does not fit its signature; nothing is appended")
        return frontier

    def _store_checkpoint(self, connection: Connection, frontier: Frontier) -> str:
        size, root = frontier.size, frontier.root()
        note = sign_checkpoint(size, root, self._key)
        connection.execute(insert(checkpoints), {"size": size, "root": root, "at": self._clock(), "note": note})
        return note
