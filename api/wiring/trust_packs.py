"""The trust packs of the house: where the settings keep them, which are in force, and how old they are.

Adding and removing are entries of the ledger: what was believed when is part of the record.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from api.settings import Settings
from api.views import Json
from provenance.base import TrustPackError
from provenance.trust_folder import TrustFolder
from provenance.trust_pack import TrustPack, Use, fingerprint, make_pack, parse_pins
from safety.ledger import Ledger
from safety.records import decode

log = logging.getLogger(__name__)

__all__ = [
    "PacksInForce",
    "TrustPack",
    "Use",
    "add_pack",
    "aging",
    "make_pack",
    "note_pack",
    "pack_view",
    "read_anchors",
    "remove_pack",
    "trust_folder",
    "unrecorded",
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


def add_pack(ledger: Ledger, folder: TrustFolder, pack: TrustPack, *, replace: bool, by: str) -> str:
    """Record that a pack is believed, then believe it; return `added` or `replaced`.

    The record comes first: nothing is believed of which it knows nothing. Where the folder refuses, another entry says
    that it is as it was.

    Raises:
        LedgerError: it could not be recorded; nothing changed.
        TrustPackError: it cannot be kept.
    """
    folder.may_add(pack, replace=replace)
    event = "replaced" if pack.name in folder.names() else "added"
    before = _readable(folder, pack.name)
    note_pack(ledger, event, pack, pack.name, by)
    try:
        folder.add(pack, replace=replace)
    except TrustPackError:
        back = (event, before) if event == "replaced" else ("removed", pack)
        note_pack(ledger, *back, pack.name, by)
        raise
    return event


def remove_pack(ledger: Ledger, folder: TrustFolder, name: str, *, by: str) -> None:
    """Record that a pack is believed no longer, then remove it; as `add_pack`. Of one that somebody took out of the
    folder by other means, the record is put right."""
    if name not in folder.names() and _believed(ledger).get(name) is not None:
        note_pack(ledger, "removed", None, name, by)
        return
    folder.may_remove(name)
    pack = _readable(folder, name)
    note_pack(ledger, "removed", pack, name, by)
    try:
        folder.remove(name)
    except TrustPackError:
        note_pack(ledger, "added", pack, name, by)
        raise


def _readable(folder: TrustFolder, name: str) -> TrustPack | None:
    with suppress(TrustPackError):
        return folder.get(name)
    return None


def unrecorded(ledger: Ledger, folder: TrustFolder) -> list[str]:
    """Return how the folder differs from what the ledger says is believed, a sentence each.

    Raises:
        TrustPackError: a pack cannot be read.
        LedgerError: the ledger cannot be read.
    """
    said = _believed(ledger)
    there = {name: folder.get(name).digest for name in folder.names()}
    return [
        f"the trust pack {name} is {there.get(name, 'not there')}, but the ledger says "
        f"{said.get(name) or 'not believed'}: add or remove it with `framegate trust`"
        for name in sorted({*said, *there})
        if there.get(name) != said.get(name)
    ]


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


def _believed(ledger: Ledger) -> dict[str, str | None]:
    """Return the digest of each pack that the ledger ever named; None where it is believed no longer."""
    said: dict[str, str | None] = {}
    for body in ledger.bodies(TRUST_PACK):
        record = decode(body)[1]
        said[record["name"]] = None if record["event"] == "removed" else record["digest"]
    return said


def read_anchors(path: Path) -> bytes:
    """Return a file of anchors; raises TrustPackError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrustPackError(f"the anchors {path} cannot be read: {error.strerror}") from error
