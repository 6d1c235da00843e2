"""The trust packs of the house: where the settings keep them, which are in force, and how old they are.

Adding and removing are entries of the ledger: what was believed when is part of the record.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from api.settings import Settings
from api.views import Json
from provenance.base import TrustPackError
from provenance.trust_folder import TrustFolder
from provenance.trust_pack import TrustPack, Use, fingerprint, make_pack, parse_pins
from safety.ledger import Ledger

log = logging.getLogger(__name__)

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

FALLBACK_S = 60.0
"""Longest time that packs count which cannot be looked at: changing a folder by hand takes less."""


def trust_folder(settings: Settings) -> TrustFolder:
    """Return the folder of trust packs with the pins of the settings.

    Raises:
        TrustPackError: a pin that cannot be meant.
    """
    return TrustFolder(settings.trust_packs or settings.home / "trust", parse_pins(settings.trust_pins))


class PacksInForce:
    """The packs as they are in their folder now.

    While one of them cannot be read, those of the last good look count that are not gone or changed since, for
    `FALLBACK_S`; after that none does.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Read them for the first time; raises TrustPackError."""
        self._folder = trust_folder(settings)
        self._clock = clock
        self._last = self._folder.packs()
        self._turn = threading.Lock()
        self._since: float | None = None
        """When they could not be read first."""

        self._said = ""

    def __call__(self) -> tuple[TrustPack, ...]:
        """Return them."""
        with self._turn:
            try:
                found = self._folder.packs()
            except TrustPackError as error:
                return self._meanwhile(error)
            if self._since is not None:
                log.error("the trust packs can be read again: %d are in force", len(found))
            self._last, self._since, self._said = found, None, ""
            return found

    def state(self) -> str:
        """Return what changes when another pack is in force."""
        return " ".join(each.digest for each in self())

    def damaged(self) -> bool:
        """Say whether they cannot be read now."""
        self()
        return self._since is not None

    def _meanwhile(self, error: TrustPackError) -> tuple[TrustPack, ...]:
        """Return what still counts; each change of it, and of what is wrong, is said once."""
        now = self._clock()
        self._since = now if self._since is None else self._since
        left = self._since + FALLBACK_S - now
        self._last = tuple(each for each in self._last if self._stands(each)) if left > 0 else ()
        names = ", ".join(each.name for each in self._last) or "none"
        said = f"{error}; until all can be read these count, for at most {FALLBACK_S:.0f} s: {names}"
        if said != self._said:
            log.error("the trust packs cannot be read: %s", said)
            self._said = said
        return self._last

    def _stands(self, pack: TrustPack) -> bool:
        """Say whether a pack of the last good look is there, and if it can be read, is the same."""
        try:
            if pack.name not in self._folder.names():
                return False
        except TrustPackError:
            return True  # nobody can say, for a short time
        try:
            return self._folder.get(pack.name).digest == pack.digest
        except TrustPackError:
            return True


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
