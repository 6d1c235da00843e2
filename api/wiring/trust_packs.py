"""The trust packs of the house: where the settings keep them, which are in force, and how old they are.

Adding and removing are entries of the ledger: what was believed when is part of the record.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from api.settings import Settings
from api.views import Json
from provenance.base import TrustPackError
from provenance.trust_folder import TrustFolder
from provenance.trust_pack import TrustPack, Use, fingerprint, make_pack, parse_pins
from safety.ledger import Ledger

__all__ = [
    "PacksInForce",
    "TrustPack",
    "Use",
    "aging",
    "make_pack",
    "note_pack",
    "pack_view",
    "read_anchors",
    "trust_folder",
]

TRUST_PACK = "trust_pack"
"""Kind of the entries."""


def trust_folder(settings: Settings) -> TrustFolder:
    """Return the folder of trust packs with the pins of the settings.

    Raises:
        TrustPackError: a pin that cannot be meant.
    """
    return TrustFolder(settings.trust_packs or settings.home / "trust", parse_pins(settings.trust_pins))


class PacksInForce:
    """The packs as they are in their folder now, and as they were while one of them is being changed."""

    def __init__(self, settings: Settings) -> None:
        """Read them for the first time; raises TrustPackError."""
        self._folder = trust_folder(settings)
        self._last = self._folder.packs()

    def __call__(self) -> tuple[TrustPack, ...]:
        """Return them."""
        with suppress(TrustPackError):
            self._last = self._folder.packs()
        return self._last

    def state(self) -> str:
        """Return what changes when another pack is in force."""
        return " ".join(each.digest for each in self())


def aging(packs: Iterable[TrustPack], settings: Settings, now: datetime) -> list[str]:
    """Return what is wrong with the age of packs, a sentence each: too old, or with anchors that expired."""
    found = []
    for each in packs:
        if (age := each.age_days(now)) > settings.trust_pack_days:
            found.append(f"the trust pack {each.name} is {age} days old: get its newest edition, `framegate trust add`")
        if expired := each.expired(now):
            found.append(
                f"{len(expired)} of {len(each.certificates)} anchors of the trust pack {each.name} have expired"
            )
    return found


def pack_view(pack: TrustPack, *, in_force: bool, pinned: bool, anchors: bool = False) -> Json:
    """A pack, with its anchors where they are asked for."""
    now = datetime.now(UTC)
    view: Json = {
        "object": "trust_pack",
        "name": pack.name,
        "dated": pack.dated.isoformat(),
        "age_days": pack.age_days(now),
        "use": pack.use.value,
        "source": pack.source or None,
        "digest": pack.digest,
        "added_at": pack.added_at.isoformat() if pack.added_at else None,
        "in_force": in_force,
        "pinned": pinned,
        "certificates": len(pack.certificates),
        "expired": len(pack.expired(now)),
    }
    if anchors:
        view["anchors"] = [
            {
                "subject": each.subject.rfc4514_string(),
                "not_after": each.not_valid_after_utc.isoformat(),
                "sha256": fingerprint(each),
            }
            for each in pack.certificates
        ]
    return view


def note_pack(ledger: Ledger, event: str, pack: TrustPack | None, name: str, by: str) -> None:
    """Record that a pack was `added`, `replaced` or `removed`; a damaged one that is removed has no digest any more.

    Raises:
        LedgerError: it could not be recorded.
    """
    body = {
        "event": event,
        "name": name,
        "dated": pack.dated.isoformat() if pack else "",
        "use": pack.use.value if pack else "",
        "digest": pack.digest if pack else "",
        "by": by,
    }
    ledger.append_event(TRUST_PACK, f"trust_{uuid.uuid4().hex}", body)


def read_anchors(path: Path) -> bytes:
    """Return a file of anchors; raises TrustPackError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrustPackError(f"the anchors {path} cannot be read: {error.strerror}") from error
