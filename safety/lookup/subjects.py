"""Whose data is kept: each Subject has a key of its own, and what is sealed with it is gone when the key is.

A Subject is a requester, or a person whom a requester named. Its id is random; which person it is, is kept as a keyed
digest only, and not even that once it is erased. Keys stand here sealed with the house's key, which is in no database.
What is erased with a key, and that it is recorded, is `safety.erasure`.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, update

from safety.database import insert_unless_there, reading, utc_now, writing
from safety.errors import NotFound
from safety.sealing import KEY_BYTES, seal, unseal
from safety.tables import subjects

USED_EVERY = timedelta(days=1)
"""How exactly it is known when a Subject last asked for something: a write for every request would say no more."""

MARK = "sealed:1:"
"""What a sealed text begins with in a column of texts."""


@dataclass(frozen=True)
class Subject:
    """Somebody whose data is kept, or was."""

    id: str
    requester: str
    """Id of the API key that asked for them, or `local`."""

    created_at: datetime
    used_at: datetime
    """When they last asked for something, to the day."""

    erased_at: datetime | None


class SubjectKeys:
    """Makes, finds and uses the keys of Subjects; safe to use from several threads and processes."""

    def __init__(self, engine: Engine, master: bytes, clock: Callable[[], datetime] = utc_now) -> None:
        """Take the house's key, at least 32 secret bytes; whoever has it and the database can read everything."""
        self.engine = engine
        self._wrapping = hmac.digest(master, b"framegate subjects wrap 1", "sha256")
        self._naming = hmac.digest(master, b"framegate subjects name 1", "sha256")
        self._clock = clock

    def of(self, who: str) -> Subject:
        """Return the Subject of a requester (`key_1`, `local`) or of a person it named (`key_1/ada`); made when new."""
        return _to_subject(self._row_of(who))

    def secret_of(self, who: str) -> bytes:
        """Return 32 bytes that belong to `who` alone and go with their key: what digests about them are made with."""
        row = self._row_of(who)
        return hmac.digest(self._key(row.id, row.wrapped), b"framegate digests 1", "sha256")

    def key_of(self, id_: str) -> bytes:
        """Return the key of a Subject.

        Raises:
            NotFound: there is no such Subject, or it was erased.
        """
        with reading(self.engine) as connection:
            key = self._keys(connection, [id_]).get(id_)
        if key is None:
            raise NotFound(f"subject {id_} is unknown or was erased: what was sealed for it cannot be opened")
        return key

    def find(self, who: str) -> Subject:
        """Return the Subject of `who`, or the one with this id.

        Raises:
            NotFound: there is none; after an erasure only the id finds it.
        """
        query = select(subjects).where((subjects.c.lookup == self._lookup(who)) | (subjects.c.id == who))
        with reading(self.engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"nobody with the name or id {who!r} is known; who was erased is found by the id alone")
        return _to_subject(row)

    def named_by(self, requester: str) -> list[Subject]:
        """Return the Subjects of one requester, itself and those it named, that were not erased, oldest first."""
        query = select(subjects).where(subjects.c.requester == requester, subjects.c.erased_at.is_(None))
        with reading(self.engine) as connection:
            return [_to_subject(row) for row in connection.execute(query.order_by(subjects.c.created_at))]

    def unused_since(self, limit: datetime) -> list[Subject]:
        """Return up to 1000 Subjects that asked for nothing since then and were not erased, longest silent first."""
        query = select(subjects).where(subjects.c.used_at < limit, subjects.c.erased_at.is_(None))
        with reading(self.engine) as connection:
            return [_to_subject(row) for row in connection.execute(query.order_by(subjects.c.used_at).limit(1000))]

    def newest(self) -> Subject | None:
        """Return the Subject that was made last and not erased."""
        query = select(subjects).where(subjects.c.erased_at.is_(None)).order_by(subjects.c.created_at.desc()).limit(1)
        with reading(self.engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _to_subject(row)

    def erased(self) -> list[Subject]:
        """Return every Subject whose key was destroyed, oldest erasure first."""
        query = select(subjects).where(subjects.c.erased_at.is_not(None)).order_by(subjects.c.erased_at)
        with reading(self.engine) as connection:
            return [_to_subject(row) for row in connection.execute(query)]

    def seal(self, connection: Connection, id_: str, text: str, context: str) -> str:
        """Return a text sealed for a Subject, as it stands in a column.

        Raises:
            NotFound: there is no such Subject, or it was erased meanwhile.
        """
        key = self._keys(connection, [id_]).get(id_)
        if key is None:
            raise NotFound(f"subject {id_} is unknown or was erased: nothing can be kept for it")
        return MARK + base64.b64encode(seal(key, text.encode(), context)).decode()

    def unseal(self, connection: Connection, sealed: Iterable[tuple[str, str, str]]) -> list[str]:
        """Return the texts of (Subject id, what stands in the column, context); empty where the key was destroyed.

        Raises:
            SealBroken: one does not open although its key is there.
        """
        wanted = list(sealed)
        keys = self._keys(connection, {id_ for id_, _, _ in wanted})
        texts = []
        for id_, text, context in wanted:
            key = keys.get(id_)
            if not id_ or not text.startswith(MARK):
                texts.append(text)
            elif key is None:
                texts.append("")
            else:
                texts.append(unseal(key, base64.b64decode(text.removeprefix(MARK)), context).decode())
        return texts

    def destroy(self, connection: Connection, id_: str) -> bool:
        """Destroy a Subject's key and the digest of who it was; False where that was done before."""
        change = update(subjects).where(subjects.c.id == id_, subjects.c.erased_at.is_(None))
        gone = change.values(wrapped=None, lookup=None, erased_at=self._clock())
        return connection.execute(gone).rowcount == 1

    def _row_of(self, who: str) -> Row[Any]:
        lookup, now = self._lookup(who), self._clock()
        query = select(subjects).where(subjects.c.lookup == lookup)
        with reading(self.engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is not None and now - row.used_at < USED_EVERY:
            return row
        with writing(self.engine) as connection:
            if row is None:
                id_ = f"sub_{secrets.token_hex(12)}"
                wrapped = seal(self._wrapping, os.urandom(KEY_BYTES), id_)
                requester = who.partition("/")[0]
                values = {"id": id_, "lookup": lookup, "requester": requester, "wrapped": wrapped}
                insert_unless_there(connection, subjects, {**values, "created_at": now, "used_at": now})
            else:
                connection.execute(update(subjects).where(subjects.c.id == row.id).values(used_at=now))
            again = connection.execute(query).one_or_none()
        # Erased this very moment: it begins anew, as anybody who asks again does.
        return again if again is not None else self._row_of(who)

    def _keys(self, connection: Connection, ids: Iterable[str]) -> dict[str, bytes]:
        query = select(subjects.c.id, subjects.c.wrapped).where(subjects.c.id.in_(sorted(ids)))
        return {id_: self._key(id_, wrapped) for id_, wrapped in connection.execute(query) if wrapped is not None}

    def _key(self, id_: str, wrapped: bytes) -> bytes:
        return unseal(self._wrapping, wrapped, id_)

    def _lookup(self, who: str) -> str:
        return hmac.digest(self._naming, who.encode(), "sha256").hex()


def _to_subject(row: Row[Any]) -> Subject:
    return Subject(row.id, row.requester, row.created_at, row.used_at, row.erased_at)
