"""Keeps blurred pictures of findings, each sealed with the key of whose content it shows.

    "framegate still 1", owner, job ─▶ a line each, then what `safety.sealing` makes of the JPEG

The record names a picture by the digest of its sealed file, so that the file verifies without a key and nothing of the
picture is in its name. When the key is destroyed nobody can see it any more, in backups either.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from media.blobs import BlobStore
from media.errors import StorageError
from safety.errors import NotFound
from safety.lookup.subjects import SubjectKeys
from safety.sealing import seal, unseal

log = logging.getLogger(__name__)

MAGIC = b"framegate still 1"


@dataclass(frozen=True)
class KeptStill:
    """A picture that is kept, unopened."""

    digest: str
    owner: str
    job: str
    at: datetime
    """When it was stored."""


class StillStore:
    """Keeps, opens, lists and discards pictures."""

    def __init__(self, blobs: BlobStore, subjects: SubjectKeys, owner_of: Callable[[str], str]) -> None:
        """Take a store of its own, the keys, and what returns the id of the Subject of a job (empty: not known)."""
        self._blobs = blobs
        self._subjects = subjects
        self._owner_of = owner_of

    def keep(self, jpeg: bytes, job: str | None) -> str:
        """Store a picture about a job, sealed with its owner's key, and return its digest.

        What belongs to no job is the house's own (`local`).

        Raises:
            NotFound: the owner was erased meanwhile.
            StorageError: it cannot be stored.
        """
        owner = (self._owner_of(job) if job else "") or self._subjects.of("local").id
        sealed = seal(self._subjects.key_of(owner), jpeg, _place(owner, job or ""))
        return self._blobs.put_bytes(b"\n".join((MAGIC, owner.encode(), (job or "").encode(), sealed)))

    def contains(self, digest: str) -> bool:
        """Say whether a picture is kept."""
        return self._blobs.contains(digest)

    def read(self, digest: str) -> bytes:
        """Return a picture as JPEG.

        Raises:
            StorageError: it is not kept, or was altered on the disk.
            NotFound: whose it is, was erased.
            SealBroken: it does not open although its key is there.
        """
        self._blobs.verify(digest)
        owner, job, sealed = self._parts(digest)
        return unseal(self._subjects.key_of(owner), sealed, _place(owner, job))

    def discard(self, digest: str) -> None:
        """Delete a picture, if it is there; raises StorageError where that fails."""
        self._blobs.discard(digest)

    def stored_before(self, limit: datetime) -> Iterator[KeptStill]:
        """Yield every picture that was stored before, in no order.

        One that cannot be read is told to the log and left: whose it is, and so whether it must be kept, stands in it.
        """
        for digest, modified_s in self._blobs.stored():
            at = datetime.fromtimestamp(modified_s, UTC)
            if at < limit:
                try:
                    owner, job, _ = self._parts(digest)
                except StorageError as error:
                    log.error("a kept picture is left where it is, look at it or delete it by hand: %s", error)
                    continue
                yield KeptStill(digest, owner, job, at)

    def _parts(self, digest: str) -> tuple[str, str, bytes]:
        try:
            data = self._blobs.path(digest).read_bytes()
        except OSError as error:
            raise StorageError(f"still {digest} cannot be read: {error.strerror}") from error
        magic, owner, job, sealed = (*data.split(b"\n", 3), b"", b"", b"")[:4]
        if magic != MAGIC:
            raise StorageError(f"{digest} is no sealed still: it was altered or is from another version")
        try:
            return owner.decode(), job.decode(), sealed
        except UnicodeDecodeError:
            raise StorageError(f"{digest} is no sealed still: it was altered") from None


def _place(owner: str, job: str) -> str:
    return f"a still of {owner} and job {job}"


def owner_in(*stores: Callable[[str], str]) -> Callable[[str], str]:
    """Return what asks one store after the other for the owner of a job; empty where none knows it."""

    def owner_of(id_: str) -> str:
        for ask in stores:
            try:
                return ask(id_)
            except NotFound:
                continue
        return ""

    return owner_of
