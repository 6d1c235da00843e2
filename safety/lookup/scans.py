"""Scans asked for over HTTP: who asked, what for, and the report. The Decision about each stands in the ledger.

What the requester calls the file is sealed with the requester's key (`safety.lookup.subjects`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, tuple_, update

from safety.database import insert_unless_there, reading, utc_now, writing
from safety.errors import Conflict, NotFound, SealBroken
from safety.lookup.subjects import MARK, SubjectKeys
from safety.tables import scans


class ScanStatus(StrEnum):
    """Where a scan stands. `done` has a report, `failed` an error; both are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


FINAL = (ScanStatus.DONE, ScanStatus.FAILED)


@dataclass(frozen=True)
class Scan:
    """One upload to be looked at."""

    id: str
    requester: str
    created_at: datetime
    sha256: str
    """Digest of the upload; its name in the blob store."""

    name: str
    """What the requester calls the file; shown, never used as a path."""

    status: ScanStatus = ScanStatus.QUEUED
    report: dict[str, Any] | None = None
    error: str = ""
    owner: str = ""
    """Id of the Subject whose data the name is; empty: sealed for nobody."""
    progress: float | None = None
    """Share of the video that was looked at, in [0, 1]; None before the first of it."""


class ScanStore:
    """Keeps scans; safe to use from several threads and processes."""

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime] = utc_now, subjects: SubjectKeys | None = None
    ) -> None:
        """Take the keys of whose data names are; without them, names stand as they are, and sealed ones are shut."""
        self._engine = engine
        self._clock = clock
        self._subjects = subjects

    def create(self, scan: Scan) -> Scan:
        """Keep a new scan, once for its id, and return the one that is kept."""
        owner = scan.owner or (self._subjects.of(scan.requester).id if self._subjects else "")
        name = scan.name.replace("\x00", "")
        with writing(self._engine) as connection:
            if self._subjects is not None and name:
                name = self._subjects.seal(connection, owner, name, _place(scan.id))
            values = {name: getattr(scan, name) for name in scans.c.keys() if name != "updated_at"}  # noqa: SIM118
            values |= {"status": scan.status.value, "updated_at": self._clock(), "name": name, "owner": owner or None}
            insert_unless_there(connection, scans, values)
            return self._opened(connection, connection.execute(select(scans).where(scans.c.id == scan.id)).all())[0]

    def get(self, id_: str) -> Scan:
        """Return a scan.

        Raises:
            NotFound: there is none with this id.
        """
        with reading(self._engine) as connection:
            found = self._opened(connection, connection.execute(select(scans).where(scans.c.id == id_)).all())
        if not found:
            raise NotFound(f"no scan has the id {id_}")
        return found[0]

    def list(self, *, requester: str | None = None, after: str | None = None, limit: int = 50) -> list[Scan]:
        """Return up to `limit` scans, newest first; `after` is the id of the last one of the page before."""
        query = select(scans).order_by(scans.c.created_at.desc(), scans.c.id.desc()).limit(limit)
        if requester is not None:
            query = query.where(scans.c.requester == requester)
        if after is not None:
            query = query.where(tuple_(scans.c.created_at, scans.c.id) < (self.get(after).created_at, after))
        with reading(self._engine) as connection:
            return list(self._opened(connection, connection.execute(query).all()))

    def unfinished(self, *, sha256: str | None = None, limit: int = 1000) -> Sequence[Scan]:
        """Return up to `limit` scans that have not ended, oldest first; with `sha256`, those of this upload."""
        query = select(scans).where(scans.c.status.not_in([status.value for status in FINAL]))
        if sha256 is not None:
            query = query.where(scans.c.sha256 == sha256)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(scans.c.created_at, scans.c.id).limit(limit))
            return self._opened(connection, rows.all())

    def set_status(
        self, id_: str, status: ScanStatus, *, report: dict[str, Any] | None = None, error: str = ""
    ) -> Scan:
        """Move a scan to a status and return it. Repeating the final status it has changes nothing.

        Raises:
            NotFound: there is no such scan.
            Conflict: it ended differently.
        """
        with writing(self._engine) as connection:
            row = connection.execute(select(scans).where(scans.c.id == id_).with_for_update()).one_or_none()
            if row is None:
                raise NotFound(f"no scan has the id {id_}")
            if row.status in FINAL:
                if row.status != status:
                    raise Conflict(f"scan {id_} is {row.status} and cannot become {status}")
                return self._opened(connection, [row])[0]
            values = {"status": status.value, "report": report, "error": error, "updated_at": self._clock()}
            connection.execute(update(scans).where(scans.c.id == id_).values(values))
            return self._opened(connection, connection.execute(select(scans).where(scans.c.id == id_)).all())[0]

    def seal_plain(self, limit: int = 500) -> int:
        """Seal up to `limit` names that stand as they are, from before names were sealed; return how many."""
        if self._subjects is None:
            return 0
        plain = select(scans.c.id, scans.c.requester, scans.c.name).where(scans.c.owner.is_(None), scans.c.name != "")
        with reading(self._engine) as connection:
            rows = connection.execute(plain.limit(limit)).all()
        owners = {requester: self._subjects.of(requester).id for requester in {row.requester for row in rows}}
        with writing(self._engine) as connection:
            for id_, requester, name in rows:
                sealed = self._subjects.seal(connection, owners[requester], name, _place(id_))
                same = update(scans).where(scans.c.id == id_, scans.c.name == name, scans.c.owner.is_(None))
                connection.execute(same.values(name=sealed, owner=owners[requester]))
        return len(rows)

    def _opened(self, connection: Connection, rows: Sequence[Row[Any]]) -> Sequence[Scan]:
        """Read rows, their names opened."""
        names = [row.name for row in rows]
        if any(name.startswith(MARK) and row.owner for name, row in zip(names, rows, strict=True)):
            if self._subjects is None:
                raise SealBroken("a name is sealed, and this store was opened without the keys of subjects")
            names = self._subjects.unseal(connection, ((row.owner or "", row.name, _place(row.id)) for row in rows))
        return [_to_scan(row, name) for row, name in zip(rows, names, strict=True)]

    def set_progress(self, id_: str, share: float) -> None:
        """Keep how far a running scan has come; one that runs no longer is left as it is."""
        running = (scans.c.id == id_) & (scans.c.status == ScanStatus.RUNNING.value)
        with writing(self._engine) as connection:
            connection.execute(update(scans).where(running).values(progress=share, updated_at=self._clock()))


def _place(id_: str) -> str:
    return f"the name of scan {id_}"


def _to_scan(row: Row[Any], name: str) -> Scan:
    values = dict(row._mapping)
    del values["updated_at"]
    values |= {"name": name, "owner": row.owner or ""}
    return Scan(**{**values, "status": ScanStatus(values["status"])})
