"""Withdraws a release: it is not served any more, and everybody who asks about it is told so. All of it is recorded.

    released ─▶ withdrawn ─▶ restored ─▶ withdrawn ─▶ erased        each step is an entry of the ledger

The record of the release stays, and so do its marks: a copy that is found somewhere is still recognised, as one that
was withdrawn. `released_file` is the one way from a Release to its file, for every door. Who may withdraw is `api`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from media.blobs import BlobStore
from safety.admission import RESTORED, WITHDRAWN
from safety.domain import Release
from safety.errors import Conflict, LedgerError, NotFound, Withdrawn
from safety.ledger import Ledger
from safety.lookup.legal_holds import refuse_if_job_held
from safety.lookup.withdrawals import Withdrawal, WithdrawalReader
from safety.projections import WITHDRAWAL

CODES = ("policy", "legal", "rights", "person", "safety", "mistake", "other")
"""Why a release is withdrawn: it broke the policy, a law or an order asks for it, somebody's rights, the person who is
shown asks for it, danger, released by mistake. Shown to everybody who holds a copy."""

FilesOf = Callable[[str], Collection[str]]
"""The digests of the copies that a job keeps, marked and redacted ones, by the job's id."""


class Withdrawals(WithdrawalReader):
    """Where releases are withdrawn and served again."""

    def __init__(self, ledger: Ledger, blobs: BlobStore, files_of: FilesOf) -> None:
        super().__init__(ledger.engine)
        self._ledger = ledger
        self._blobs = blobs
        self._files_of = files_of

    def withdraw(
        self, release_id: str, *, by: str, reason: str, code: str = "other", erase: bool = False
    ) -> Withdrawal:
        """Record that a release is withdrawn; from then on its content is not served. Repeating it keeps the first.

        `erase`: delete its files, too. That is recorded first, and made up for where it is asked again.

        Raises:
            NotFound: there is no such release.
            Conflict: the code is unknown, a word is missing, or what should be erased is under a legal hold.
            LedgerError: it is not recorded, and still served.
            StorageError: it is withdrawn, and its file could not be deleted: ask again.
        """
        if code not in CODES:
            raise Conflict(f"{code!r} is no code of a withdrawal: take one of {', '.join(CODES)}")
        release = self._release(release_id)
        before = self.events(release_id)
        standing = _in_force(before)
        if erase and release.job:
            refuse_if_job_held(self._engine, release.job)
        if standing is None or (erase and not standing.erased):
            self._record(before, release_id, WITHDRAWN, by, reason, code, erased=erase)
        if erase:
            for digest in {release.sha256, *(self._files_of(release.job) if release.job else ())}:
                self._blobs.discard(digest)
        found = self.of(release_id)
        if found is None:
            raise LedgerError(f"somebody restored release {release_id} at the same time: look, and withdraw it again")
        return found

    def restore(self, release_id: str, *, by: str, reason: str) -> Withdrawal:
        """Record that a release may be served again, and return that event.

        Raises:
            NotFound: there is no such release.
            Conflict: it is not withdrawn, its file was erased, or a word is missing.
            LedgerError: it is not recorded, and still withdrawn.
        """
        release = self._release(release_id)
        before = self.events(release_id)
        standing = _in_force(before)
        if standing is None:
            raise Conflict(f"release {release_id} is not withdrawn: there is nothing to restore")
        if standing.erased or not self._blobs.contains(release.sha256):
            raise Conflict(f"the file of release {release_id} was erased: it cannot be served again")
        self._record(before, release_id, RESTORED, by, reason, standing.code)
        return self.events(release_id)[-1]

    def _release(self, id_: str) -> Release:
        release = self._ledger.release(id_)
        if release is None:
            raise NotFound(f"no release has the id {id_}")
        return release

    def _record(
        self,
        before: Sequence[Withdrawal],
        release: str,
        state: str,
        by: str,
        reason: str,
        code: str,
        *,
        erased: bool = False,
    ) -> None:
        by, reason = by.strip(), reason.strip()
        if not by or not reason:
            raise Conflict("a withdrawal needs who withdraws and why: both are recorded for good")
        # Named by its place among the events that were looked at: of two who withdraw at once, one is recorded.
        id_ = f"wdr_{hashlib.sha256(f'{release}/{len(before)}'.encode()).hexdigest()[:32]}"
        body = {"release": release, "state": state, "actor": by, "reason": reason, "code": code, "erased": erased}
        self._ledger.append_event(WITHDRAWAL, id_, body)


def _in_force(events: Sequence[Withdrawal]) -> Withdrawal | None:
    return events[-1] if events and events[-1].state == WITHDRAWN else None


def refuse_withdrawn(withdrawals: WithdrawalReader, release: str) -> None:
    """Raise where the content of a release is not served any more.

    Raises:
        Withdrawn: says since when and why, in words for everybody.
    """
    standing = withdrawals.of(release)
    if standing is not None:
        raise Withdrawn(f"release {release} was withdrawn on {standing.at:%Y-%m-%d} ({standing.code}); see its record")


def released_file(withdrawals: WithdrawalReader, blobs: BlobStore, release: Release) -> Path:
    """Return the file of a release, proven to be the one that was recorded: the one way to it for every door.

    Raises:
        Withdrawn: it is not served any more.
        Conflict: it was deleted; its record stays.
        StorageError: it was altered on the disk.
    """
    refuse_withdrawn(withdrawals, release.id)
    if not blobs.contains(release.sha256):
        raise Conflict(f"the file of release {release.id} was deleted; its record stays")
    blobs.verify(release.sha256)  # what was altered on the disk does not leave
    return blobs.path(release.sha256)
