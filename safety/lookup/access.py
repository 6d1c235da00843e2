"""API keys and idempotency keys: who may ask, and whether they asked before. Which scope may do what is `api`'s."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, delete, insert, select, update

from safety.database import insert_unless_there, reading, utc_now, writing
from safety.errors import Conflict, NotFound
from safety.tables import api_keys, idempotency

SECRET_PREFIX = "fg_"  # noqa: S105 - lets scanners of leaked secrets recognise a key
SECRET_BYTES = 32
"""256 random bits: nothing to guess, so a fast hash is enough."""


@dataclass(frozen=True)
class ApiKey:
    """A key without its secret."""

    id: str
    label: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None


class ApiKeys:
    """Makes, finds and revokes API keys. Only the SHA-256 of a secret is kept."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def create(self, label: str, scopes: Collection[str]) -> tuple[ApiKey, str]:
        """Make a key and return it with its secret, which nobody can read again.

        Raises:
            Conflict: a scope is not one word.
        """
        if any(len(scope.split()) != 1 or scope.strip() != scope for scope in scopes):
            raise Conflict("a scope is one word")
        secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        key = ApiKey(f"key_{secrets.token_hex(8)}", label, frozenset(scopes), self._clock(), None)
        values = {"id": key.id, "hash": _hash(secret), "scopes": " ".join(sorted(key.scopes)), "label": label}
        with writing(self._engine) as connection:
            connection.execute(insert(api_keys), {**values, "created_at": key.created_at})
        return key, secret

    def find(self, secret: str) -> ApiKey | None:
        """Return the key with this secret, unless it was revoked."""
        query = select(api_keys).where(api_keys.c.hash == _hash(secret), api_keys.c.revoked_at.is_(None))
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _to_key(row)

    def list(self) -> list[ApiKey]:
        """Return every key, oldest first, revoked ones too."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
            return [_to_key(row) for row in rows]

    def revoke(self, id_: str) -> None:
        """Make a key useless from now on. Revoking twice keeps the first time.

        Raises:
            NotFound: there is no such key.
        """
        with writing(self._engine) as connection:
            if connection.execute(select(api_keys.c.id).where(api_keys.c.id == id_)).one_or_none() is None:
                raise NotFound(f"no API key has the id {id_}")
            living = (api_keys.c.id == id_) & api_keys.c.revoked_at.is_(None)
            connection.execute(update(api_keys).where(living).values(revoked_at=self._clock()))


class Idempotency:
    """Remembers what a request made, so that repeating it makes nothing new."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def remember(self, requester: str, key: str, digest: str, reference: str) -> str:
        """Return the reference of the first request with this key: `reference` itself when this is the first.

        Choose the id of what the request will make, remember it, then make it: making is idempotent by id, so a
        crash between the two is repaired by the repeated request. `digest` is the SHA-256 of the request's body.

        Raises:
            Conflict: the key was used for another request.
        """
        mine = (idempotency.c.requester == requester) & (idempotency.c.key == key)
        values = {"requester": requester, "key": key, "digest": digest, "reference": reference}
        with writing(self._engine) as connection:
            insert_unless_there(connection, idempotency, {**values, "created_at": self._clock()})
            row = connection.execute(select(idempotency).where(mine)).one()
        if row.digest != digest:
            raise Conflict("this idempotency key was used for another request: use a new one")
        return str(row.reference)

    def forget_before(self, time: datetime) -> int:
        """Forget requests older than this and return how many there were."""
        with writing(self._engine) as connection:
            return connection.execute(delete(idempotency).where(idempotency.c.created_at < time)).rowcount


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _to_key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.id, row.label, frozenset(row.scopes.split()), row.created_at, row.revoked_at)
