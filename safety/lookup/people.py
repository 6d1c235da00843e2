"""Keeps the gallery of known persons: sealed in a working table that can be erased, each change an event in the ledger.

Whoever is enrolled is looked for from then on, even where recording it fails; a removal is recorded first. The ledger
keeps ids, times and a salted digest of the names: when a person is removed, what is sealed and the salt are erased, and
nobody can tell any more who it was.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, insert, select, update

from safety.database import reading, utc_now, writing
from safety.errors import InvalidContent, NotFound
from safety.lookup.consents import digest_of, usable_names
from safety.people import Enrolled, GalleryKey, Person
from safety.tables import persons

KINDS = ("person_enrolled", "person_removed")
"""Kinds of the ledger's events."""

MAX_PHOTOS = 20

_PER_QUERY = 500

Append = Callable[[str, str, Mapping[str, Any]], object]
"""`Ledger.append_event`: kind, id and body of an event."""


class PersonStore:
    """Enrols, lists, opens and removes; safe to use from several threads and processes."""

    def __init__(
        self,
        engine: Engine,
        append: Append,
        key: Callable[[bool], GalleryKey],
        first_word: Callable[[str], str],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Keep persons in this database and record each change with `append`.

        `key`: asked only when something is sealed or opened, and told whether the gallery holds anybody yet: a key may
        be made for an empty one only.
        """
        self._engine = engine
        self._append = append
        self._key = key
        self._first_word = first_word
        self._clock = clock

    def enrol(self, names: Sequence[str], descriptors: NDArray[np.float32], recogniser: str, *, actor: str) -> Person:
        """Look for this person from now on, and record it.

        Raises:
            InvalidContent: no name that could be found in a text, or no photo or more than 20.
            GalleryLocked: the key is missing, or is not the one of the others.
            LedgerError: the person is enrolled, and that could not be recorded.
        """
        if not 1 <= len(descriptors) <= MAX_PHOTOS:
            raise InvalidContent(f"a person is enrolled from 1 to {MAX_PHOTOS} photos; these are {len(descriptors)}")
        kept = usable_names(names, self._first_word)
        living = sorted(self.living())
        key = self._key(bool(living))
        if living:
            self._open(key, living[:1])  # a second key would lock out everybody that the first one sealed
        person = Person(f"per_{secrets.token_hex(8)}", kept, len(descriptors), self._clock())
        salt = secrets.token_hex(16)
        row = {"id": person.id, "photos": person.photos, "created_at": person.created_at, "salt": salt}
        sealed = key.seal(Enrolled(person.id, kept, recogniser, descriptors))
        with writing(self._engine) as connection:
            connection.execute(insert(persons), {**row, "sealed": sealed})
        self._record("person_enrolled", person.id, actor, {"names": digest_of(salt, kept), "photos": person.photos})
        return person

    def remove(self, id_: str, *, actor: str) -> None:
        """Record that a person is looked for no more, then erase names and face. Repeating it keeps the first time.

        Raises:
            NotFound: nobody has this id.
            LedgerError: it could not be recorded; the person is still enrolled.
        """
        with reading(self._engine) as connection:
            if connection.execute(select(persons.c.id).where(persons.c.id == id_)).one_or_none() is None:
                raise NotFound(f"no person has the id {id_}")
        self._record("person_removed", id_, actor, {})
        living = (persons.c.id == id_) & persons.c.removed_at.is_(None)
        with writing(self._engine) as connection:
            connection.execute(update(persons).where(living).values(removed_at=self._clock(), sealed=b"", salt=""))

    def people(self, *, removed: bool = False) -> list[Person]:
        """Return everybody who is enrolled, oldest first; with `removed`, also those who were, without their names.

        Raises:
            GalleryLocked: the key is missing or is not the one that sealed them.
        """
        columns = (persons.c.id, persons.c.photos, persons.c.created_at, persons.c.removed_at)
        query = select(*columns).order_by(persons.c.created_at, persons.c.id)
        with reading(self._engine) as connection:
            rows = connection.execute(query if removed else query.where(persons.c.removed_at.is_(None))).all()
        names = {each.id: each.names for each in self.opened({row.id for row in rows if row.removed_at is None})}
        return [Person(row.id, names.get(row.id, ()), row.photos, row.created_at, row.removed_at) for row in rows]

    def living(self) -> frozenset[str]:
        """Return the ids of everybody who is enrolled; needs no key.

        Raises:
            DatabaseError: the database is gone: nothing may be called clean.
        """
        with reading(self._engine) as connection:
            return frozenset(connection.execute(select(persons.c.id).where(persons.c.removed_at.is_(None))).scalars())

    def opened(self, ids: Collection[str]) -> list[Enrolled]:
        """Return those of these persons who are enrolled, with names and descriptors.

        Raises:
            GalleryLocked: the key is missing or is not the one that sealed them.
        """
        return self._open(self._key(True), sorted(ids)) if ids else []  # noqa: FBT003 - there is somebody

    def _open(self, key: GalleryKey, ids: Sequence[str]) -> list[Enrolled]:
        found: list[Enrolled] = []
        with reading(self._engine) as connection:
            for start in range(0, len(ids), _PER_QUERY):
                asked = persons.c.id.in_(ids[start : start + _PER_QUERY]) & persons.c.removed_at.is_(None)
                rows = connection.execute(select(persons.c.id, persons.c.sealed).where(asked))
                found += [key.open(row.id, bytes(row.sealed)) for row in rows]
        return found

    def _record(self, kind: str, id_: str, actor: str, more: dict[str, Any]) -> None:
        self._append(kind, f"{kind}_{id_}", {"person": id_, "actor": actor, **more})
