"""Grants consents, for the command line and for HTTP alike: only to somebody who can ask.

A consent that names nobody's key would excuse no one and look granted. The registry itself is
`safety.lookup.consents`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from api.errors import InvalidRequestError
from api.terminal import LOCAL
from api.wiring import House
from safety.consent import Consent


def grant_consent(house: House, names: Sequence[str], requester: str, *, until: datetime | None, actor: str) -> Consent:
    """Record that a requester may show this person, until then or until it is revoked.

    Raises:
        InvalidRequestError: `requester` is neither the id of an API key in force nor `local`.
        InvalidContent, Conflict, LedgerError: as the registry.
    """
    if requester != LOCAL and all(key.id != requester or key.revoked_at is not None for key in house.keys.list()):
        raise InvalidRequestError(
            f"no API key in force has the id {requester}: see `framegate keys list`, or give `{LOCAL}`", "requester"
        )
    return house.likeness.grant(names, requester, until=until, actor=actor)
