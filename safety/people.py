"""A known person as the gallery keeps one: names and face descriptors, sealed so that the database alone tells neither.

    names, descriptors ─▶ AES-256-GCM (`safety.sealing`), key by HKDF-SHA-256, bound to the person's id ─▶ bytes

Stores nothing and compares nothing: `safety.lookup.people` keeps what is sealed, `safety.known_people` uses it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from safety.errors import GalleryLocked, SealBroken
from safety.sealing import seal, unseal

KEY_BYTES = 32
"""Least length of the secret that keys are derived from."""

_ID_BYTES = 8


@dataclass(frozen=True)
class Person:
    """An enrolled person, without the face."""

    id: str
    names: tuple[str, ...]
    """Empty once removed: they are erased then."""

    photos: int
    created_at: datetime
    removed_at: datetime | None = None


@dataclass(frozen=True, eq=False)
class Enrolled:
    """An enrolled person's names and face."""

    id: str
    names: tuple[str, ...]
    recogniser: str
    """Version of the network that made the descriptors: others cannot be compared with them."""

    descriptors: NDArray[np.float32] = field(repr=False)
    """float32 (photos, dimensions)."""


class GalleryKey:
    """Seals and opens. Its `id` tells keys apart and says nothing about the secret."""

    def __init__(self, secret: bytes) -> None:
        """Derive the key; raises GalleryLocked: the secret is too short to be one."""
        if len(secret) < KEY_BYTES:
            raise GalleryLocked(f"the gallery's key has {len(secret)} bytes; it needs at least {KEY_BYTES}")
        self._key = _derived(secret, b"framegate gallery key 1", 32)
        self.id = _derived(secret, b"framegate gallery key id 1", _ID_BYTES).hex()

    def seal(self, person: Enrolled) -> bytes:
        """Return the person's names and descriptors, sealed: id of the key, then what `safety.sealing` makes."""
        rows = np.ascontiguousarray(person.descriptors, dtype="<f4")
        about = {"names": person.names, "recogniser": person.recogniser, "photos": len(rows)}
        text = json.dumps(about).encode() + b"\n" + rows.tobytes()
        return bytes.fromhex(self.id) + seal(self._key, text, _place(person.id))

    def open(self, id_: str, sealed: bytes) -> Enrolled:
        """Return what was sealed for the person of this id.

        Raises:
            GalleryLocked: it was sealed with another key or for somebody else, or was altered.
        """
        other = sealed[:_ID_BYTES].hex()
        if other != self.id:
            raise GalleryLocked(
                f"{id_} is sealed with the key {other}, FRAMEGATE_GALLERY_KEY is the key {self.id}: set the right one"
            )
        try:
            text = unseal(self._key, sealed[_ID_BYTES:], _place(id_))
        except SealBroken:
            raise GalleryLocked(
                f"what is sealed for {id_} was altered or belongs to another person: remove and enrol again"
            ) from None
        head, _, rows = text.partition(b"\n")
        about = json.loads(head)
        descriptors = np.frombuffer(rows, dtype="<f4").reshape(about["photos"], -1).astype(np.float32)
        return Enrolled(id_, tuple(about["names"]), about["recogniser"], descriptors)


def _place(id_: str) -> str:
    return f"person {id_}"


def _derived(secret: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=purpose).derive(secret)
