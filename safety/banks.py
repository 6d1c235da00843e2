"""Banks of known content: what an operator must not let through again, by fingerprint. Values and their digests; pure.

A bank has an owner, a reason, a category of the policy and, where agreed, an end. It holds items: pictures and videos
as PDQ hashes, never as pixels. Where banks are kept is `safety.lookup.banks`; files of them are `safety.exchange`.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from media.known_frames import KnownFrame

KNOWN_CONTENT = "video.known_content"
"""Signal: some bank knows what is shown. A bank's category has a signal of its own: `known_signal`."""

NOT_BANKED = frozenset({"evasion"})
"""Categories about a request's wording: nothing shown can be of them."""

_BANK_ID = re.compile(r"[a-z0-9][a-z0-9_-]{1,62}")
_FRAME = struct.Struct(">32sfB")
"""Hash, seconds (NaN: nobody knows when), quality."""


@dataclass(frozen=True)
class Bank:
    """Somebody's collection of known content, and why it is looked for."""

    id: str
    category: str
    owner: str
    """Who answers for what is in it: an organisation, a hash-sharing programme, a team."""

    reason: str
    until: datetime | None
    """Not looked for from this time on; None: until removed."""

    created_at: datetime
    removed_at: datetime | None = None
    items: int = 0

    def in_force(self, at: datetime) -> bool:
        """Whether it is looked for at this time."""
        return self.removed_at is None and (self.until is None or at < self.until)


@dataclass(frozen=True)
class BankItem:
    """One known picture or video."""

    id: str
    bank: str
    source: str
    """What its owner calls it: an indicator's id, a ticket; empty where nobody said."""

    frames: tuple[KnownFrame, ...]
    """Empty once it is removed: hashes are erased then."""

    created_at: datetime
    removed_at: datetime | None = None

    @property
    def kind(self) -> str:
        """`video` or `picture`."""
        return "video" if len(self.frames) > 1 else "picture"


@dataclass(frozen=True)
class NewItem:
    """An item before it has an id."""

    source: str
    frames: tuple[KnownFrame, ...]


def known_signal(category: str) -> str:
    """Return the signal that says a bank of this category knows what is shown."""
    return f"{KNOWN_CONTENT}.{category}"


def known_signals(categories: Iterable[str]) -> frozenset[str]:
    """Return every signal about known content under a policy with these categories."""
    return frozenset({KNOWN_CONTENT, *(known_signal(each) for each in categories if each not in NOT_BANKED)})


def usable_bank_id(id_: str) -> bool:
    """Say whether a bank may have this id: 2 to 63 lower-case letters, digits, `-` and `_`."""
    return _BANK_ID.fullmatch(id_) is not None


def pack(frames: Sequence[KnownFrame]) -> bytes:
    """Return frames as bytes, 37 each."""
    return b"".join(
        _FRAME.pack(bytes.fromhex(each.hash_hex), math.nan if each.time_s is None else each.time_s, each.quality)
        for each in frames
    )


def unpack(packed: bytes) -> tuple[KnownFrame, ...]:
    """Return what `pack` packed; seconds to within a millionth of their size."""
    return tuple(
        KnownFrame(digest.hex(), None if math.isnan(time_s) else time_s, quality)
        for digest, time_s, quality in _FRAME.iter_unpack(packed)
    )


def digest_of(frames: Sequence[KnownFrame]) -> str:
    """Return the digest by which an item is known twice: SHA-256 over its hashes, a line each."""
    return hashlib.sha256("\n".join(each.hash_hex for each in frames).encode()).hexdigest()


def digest_of_all(digests: Iterable[str]) -> str:
    """Return the digest of several items for the ledger: SHA-256 over their sorted digests, a line each."""
    return f"sha256:{hashlib.sha256(chr(10).join(sorted(digests)).encode()).hexdigest()}"
