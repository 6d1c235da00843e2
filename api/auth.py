"""Who asks: the API key behind `Authorization: Bearer …`, and what its scopes allow. Knows nothing about content.

    requester  ask for videos, checks and scans; see one's own
    reviewer   see and decide holds
    auditor    read the record
    admin      all of these, everybody's videos and scans, and who may show whose likeness

Keys are made with `framegate keys create`; only the hash of a secret is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.errors import ForbiddenError, UnauthorizedError
from api.wiring import House


@dataclass(frozen=True)
class Caller:
    """An authenticated key."""

    id: str
    scopes: frozenset[str]

    def may(self, *scopes: str) -> bool:
        """Say whether the key has one of these scopes."""
        return "admin" in self.scopes or not self.scopes.isdisjoint(scopes)

    def may_see(self, requester: str, *scopes: str) -> bool:
        """Say whether what this requester asked for may be shown: to itself, and to those scopes."""
        return self.id == requester or self.may(*scopes)


async def house_of(request: Request) -> House:
    """The house that this app was opened with. Async: what waits for nothing shall not wait for a thread."""
    house: House = request.app.state.house
    return house


HouseOf = Annotated[House, Depends(house_of)]


def authenticate(request: Request, house: HouseOf) -> Caller:
    """Return the caller.

    Raises:
        UnauthorizedError: no key, or one that is unknown or revoked.
    """
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise UnauthorizedError("this route needs an API key: send it as `Authorization: Bearer KEY`")
    key = house.keys.find(secret.strip())
    if key is None:
        raise UnauthorizedError("this API key is unknown or was revoked")
    return Caller(key.id, key.scopes)


def session_of(caller: Caller, person: str | None) -> str:
    """Return whose session a request belongs to: the person's for whom a key asks; empty where it names none."""
    return f"{caller.id}/{person}" if person else ""


def needs(*scopes: str) -> Callable[[Caller], Awaitable[Caller]]:
    """Make a dependency that lets keys with one of these scopes pass."""

    async def check(caller: Annotated[Caller, Depends(authenticate)]) -> Caller:
        if not caller.may(*scopes):
            raise ForbiddenError(f"this API key lacks the scope that this route needs: {' or '.join(scopes)}")
        return caller

    return check


Requester = Annotated[Caller, Depends(needs("requester"))]
Reviewer = Annotated[Caller, Depends(needs("reviewer"))]
Admin = Annotated[Caller, Depends(needs("admin"))]
Auditor = Annotated[Caller, Depends(needs("auditor"))]
AnyCaller = Annotated[Caller, Depends(authenticate)]
