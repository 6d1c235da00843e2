"""Keeps consents and opt-outs: names in working tables that can be erased, each change an event in the ledger.

A permission counts once it is recorded; a restriction counts even where recording it fails. The ledger keeps ids, times
and a salted digest of the names: when a registration ends, names and salt are erased, and nobody can tell any more
whose it was. What a registration changes about a prompt is `safety.consent`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Table, delete, insert, select, update

from safety.consent import Consent, OptOut
from safety.database import reading, utc_now, writing
from safety.errors import Conflict, InvalidContent, NotFound
from safety.records import time_to_text
from safety.tables import consents, likeness_names, opt_outs

KINDS = ("consent_granted", "consent_revoked", "opt_out_added", "opt_out_removed")
"""Kinds of the ledger's events."""

MAX_NAMES = 50
MAX_NAME_CHARACTERS = 200
MIN_NAME_LETTERS = 2
"""One Latin letter is no name: it would excuse or refuse every text that holds it as a word."""

WORDS_PER_QUERY = 500

Append = Callable[[str, str, Mapping[str, Any]], object]
"""`Ledger.append_event`: kind, id and body of an event."""

FirstWord = Callable[[str], str]
"""Files a name under its first word, the way texts are cut into words."""


class LikenessRegistry:
    """Grants, revokes, adds, removes and finds registrations; safe to use from several threads and processes."""

    def __init__(
        self,
        engine: Engine,
        append: Append,
        first_word: FirstWord,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Keep registrations in this database and record each change of them with `append`."""
        self._engine = engine
        self._append = append
        self._first_word = first_word
        self._clock = clock

    def grant(self, names: Sequence[str], requester: str, *, until: datetime | None, actor: str) -> Consent:
        """Record that this requester may show the person of these names, and put it in force.

        Raises:
            InvalidContent: no name that could be found in a text, or too many, too short or too long ones.
            Conflict: `until` is not in the future, or has no time zone.
            LedgerError: it could not be recorded; it is not in force.
        """
        now = self._clock()
        if until is not None and (until.tzinfo is None or until <= now):
            raise Conflict("a consent ends at a time in the future, with its time zone")
        if not requester:
            raise Conflict("a consent is given to somebody: name the API key, or `local`")
        kept = usable_names(names, self._first_word)
        consent = Consent(f"con_{secrets.token_hex(8)}", kept, requester, until, now)
        salt = secrets.token_hex(16)
        self._record("consent_granted", consent.id, actor, {
            "requester": requester,
            "until": None if until is None else time_to_text(until),
            "names": digest_of(salt, kept),
        })  # fmt: skip
        values = {"id": consent.id, "requester": requester, "until": until, "created_at": now, "salt": salt}
        with writing(self._engine) as connection:
            connection.execute(insert(consents), values)
            self._keep_names(connection, consent.id, kept)
        return consent

    def revoke(self, id_: str, *, actor: str) -> None:
        """End a consent at once, erase its names, and record it. Revoking twice keeps the first time.

        Raises:
            NotFound: there is no such consent.
            LedgerError: it is ended, and that could not be recorded: call again.
        """
        self._end(consents, consents.c.revoked_at, id_)
        self._record("consent_revoked", id_, actor, {})

    def opt_out(self, names: Sequence[str], *, actor: str) -> OptOut:
        """Refuse these names from now on, whoever asks, and record it.

        Raises:
            InvalidContent: as in `grant`.
            LedgerError: it is in force, and could not be recorded.
        """
        kept = usable_names(names, self._first_word)
        added = OptOut(f"out_{secrets.token_hex(8)}", kept, self._clock())
        salt = secrets.token_hex(16)
        with writing(self._engine) as connection:
            connection.execute(insert(opt_outs), {"id": added.id, "created_at": added.created_at, "salt": salt})
            self._keep_names(connection, added.id, kept)
        self._record("opt_out_added", added.id, actor, {"names": digest_of(salt, kept)})
        return added

    def remove_opt_out(self, id_: str, *, actor: str) -> None:
        """Record that an opt-out ends, then end it and erase its names. Removing twice keeps the first time.

        Raises:
            NotFound: there is no such opt-out.
            LedgerError: it could not be recorded; it is still in force.
        """
        with reading(self._engine) as connection:
            if connection.execute(select(opt_outs.c.id).where(opt_outs.c.id == id_)).one_or_none() is None:
                raise NotFound(f"no opt-out has the id {id_}")
        self._record("opt_out_removed", id_, actor, {})
        self._end(opt_outs, opt_outs.c.removed_at, id_)

    def consents(self, *, ended: bool = False) -> list[Consent]:
        """Return the consents that were not revoked, oldest first; with `ended`, all of them."""
        query = select(consents).order_by(consents.c.created_at, consents.c.id)
        with reading(self._engine) as connection:
            rows = connection.execute(query if ended else query.where(consents.c.revoked_at.is_(None))).all()
            names = self._names(connection, [row.id for row in rows])
        return [
            Consent(row.id, names.get(row.id, ()), row.requester, row.until, row.created_at, row.revoked_at)
            for row in rows
        ]

    def opt_outs(self, *, ended: bool = False) -> list[OptOut]:
        """Return the opt-outs in force, oldest first; with `ended`, all of them."""
        query = select(opt_outs).order_by(opt_outs.c.created_at, opt_outs.c.id)
        with reading(self._engine) as connection:
            rows = connection.execute(query if ended else query.where(opt_outs.c.removed_at.is_(None))).all()
            names = self._names(connection, [row.id for row in rows])
        return [OptOut(row.id, names.get(row.id, ()), row.created_at, row.removed_at) for row in rows]

    def directory(self, first_words: frozenset[str]) -> Iterable[tuple[str, str]]:
        """Return (registration, name) for every registered name that begins with one of these words.

        Raises:
            DatabaseError: the database is gone: nothing may be called clean.
        """
        words = sorted(first_words)
        found: list[tuple[str, str]] = []
        with reading(self._engine) as connection:
            for start in range(0, len(words), WORDS_PER_QUERY):
                asked = likeness_names.c.first_word.in_(words[start : start + WORDS_PER_QUERY])
                rows = connection.execute(select(likeness_names.c.registration, likeness_names.c.name).where(asked))
                found += [(row.registration, row.name) for row in rows]
        return found

    def opted_out(self, ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids that are opt-outs in force."""
        query = select(opt_outs.c.id).where(opt_outs.c.id.in_(ids), opt_outs.c.removed_at.is_(None))
        with reading(self._engine) as connection:
            return frozenset(connection.execute(query).scalars())

    def consented(self, ids: Collection[str], requester: str) -> frozenset[str]:
        """Return those of the ids that are consents in force now, given to this requester."""
        query = select(consents).where(consents.c.id.in_(ids), consents.c.requester == requester)
        now = self._clock()
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return frozenset(row.id for row in rows if row.revoked_at is None and (row.until is None or now < row.until))

    def _keep_names(self, connection: Connection, id_: str, names: Sequence[str]) -> None:
        rows = [{"registration": id_, "name": name, "first_word": self._first_word(name)} for name in names]
        connection.execute(insert(likeness_names), rows)

    def _names(self, connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        query = select(likeness_names).order_by(likeness_names.c.registration, likeness_names.c.name)
        found: dict[str, list[str]] = {}
        wanted = set(ids)
        for row in connection.execute(query):
            if row.registration in wanted:
                found.setdefault(row.registration, []).append(row.name)
        return {id_: tuple(names) for id_, names in found.items()}

    def _end(self, table: Table, column: ColumnElement[Any], id_: str) -> None:
        with writing(self._engine) as connection:
            row: Row[Any] | None = connection.execute(select(table).where(table.c.id == id_)).one_or_none()
            if row is None:
                raise NotFound(f"no {'consent' if table is consents else 'opt-out'} has the id {id_}")
            living = (table.c.id == id_) & column.is_(None)
            connection.execute(update(table).where(living).values({column.name: self._clock(), "salt": ""}))
            connection.execute(delete(likeness_names).where(likeness_names.c.registration == id_))

    def _record(self, kind: str, id_: str, actor: str, more: dict[str, Any]) -> None:
        body = {"registration": id_, "actor": actor, **more}
        self._append(kind, f"{kind}_{id_}", body)


def digest_of(salt: str, names: Iterable[str]) -> str:
    """Return the digest of names that the ledger keeps: SHA-256 over the salt and the sorted names, a line each."""
    text = "\n".join((salt, *sorted(names)))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def usable_names(names: Sequence[str], first_word: FirstWord) -> tuple[str, ...]:
    """Return names in the form in which they are kept, each once.

    Raises:
        InvalidContent: no name that could be found in a text, or too many, too short or too long ones.
    """
    kept = tuple(dict.fromkeys(" ".join(name.split()) for name in names))
    if not kept or len(kept) > MAX_NAMES:
        raise InvalidContent(f"a registration has 1 to {MAX_NAMES} names; this one has {len(kept)}")
    for number, name in enumerate(kept, 1):
        letters = sum(char.isalpha() + (char.isalpha() and not char.isascii()) for char in name)
        if len(name) > MAX_NAME_CHARACTERS or "\0" in name or letters < MIN_NAME_LETTERS or not first_word(name):
            raise InvalidContent(
                f"name {number} cannot be looked for: it needs {MIN_NAME_LETTERS} letters or more and at most "
                f"{MAX_NAME_CHARACTERS} characters"
            )
        if any(0xD800 <= ord(char) <= 0xDFFF for char in name) or any(sign in name for sign in ("*", "{", "..")):
            raise InvalidContent(f"name {number} holds signs that no name has")
    return kept
