"""Erases what is kept of a person and proves it: the key is destroyed, the record says so, and still verifies.

    refuse under a legal hold ─▶ stop their jobs ─▶ destroy the key, blank what it sealed ─▶ delete files
        ─▶ `subject_erased` in the ledger ─▶ signed checkpoint ─▶ Receipt

Repeating it changes nothing, so what a crash interrupted (`unfinished`) is finished by asking again. What the ledger
holds of a person (keyed digests, digests of content) stays; without the key nobody can tell any more whose it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select, update

from safety.checkpoints import LogPublicKey
from safety.database import reading, writing
from safety.domain import Job
from safety.errors import Conflict
from safety.ledger import Ledger
from safety.lookup.jobs import JobStore
from safety.lookup.legal_holds import refuse_if_held, take_turn
from safety.lookup.subjects import Subject, SubjectKeys
from safety.proofs import InclusionProof, prove_entry
from safety.registers import scan_batches
from safety.tables import jobs, scans

ERASED = "subject_erased"
"""Kind of the ledger's entry about an erasure."""

UNFINISHED = {"actor": "framegate", "reason": "an erasure that was interrupted"}


@dataclass(frozen=True)
class Receipt:
    """Proves to the person, and to an auditor, that the key was destroyed: who has it needs nothing of ours."""

    subject: str
    proof: InclusionProof

    def to_json(self) -> dict[str, object]:
        """Return it as JSON values: `verify_export.py` verifies it as any other proof."""
        return {**self.proof.to_json(), "subject": self.subject}


@dataclass(frozen=True)
class Erasure:
    """Erases Subjects."""

    engine: Engine
    ledger: Ledger
    subjects: SubjectKeys
    jobs: JobStore
    stop: Callable[[Job], object]
    """Stops a job that has not ended."""

    discard: Callable[[Job], int]
    """Deletes the files of a job and returns how many there were."""

    discard_upload: Callable[[str], int]
    """Deletes an uploaded video by its digest and returns whether there was one."""

    publics: Sequence[LogPublicKey]

    def erase(self, subject: Subject, *, actor: str, reason: str) -> Receipt:
        """Erase everything that is kept of a Subject.

        Raises:
            Conflict: it, or a job or scan of it, is under a legal hold, or there is no reason; nothing was erased.
            LedgerError: erased, but not recorded yet: ask again with the Subject's id.
            StorageError: the key is gone, but a file could not be deleted: ask again.
        """
        if not reason.strip():
            raise Conflict("an erasure needs a reason: it is recorded, so let it name no person")
        theirs = self.jobs.owned_by(subject.id)
        if subject.erased_at is None:
            with reading(self.engine) as connection:
                _refuse_if_held(connection, subject.id)
            for job in theirs:
                self.stop(job)
            self._destroy(subject.id)
        files = sum(self.discard(job) for job in theirs)
        files += sum(self.discard_upload(digest) for digest in self._uploads(subject.id))
        body = {"subject": subject.id, "requester": subject.requester, "actor": actor, "reason": reason.strip()}
        self.ledger.append_event(ERASED, _entry_of(subject.id), {**body, "jobs": len(theirs), "files": files})
        return self.receipt(subject.id)

    def receipt(self, id_: str) -> Receipt:
        """Return the receipt of an erasure, under a checkpoint of now.

        Raises:
            NotFound: nothing is recorded about one.
        """
        self.ledger.checkpoint()
        return Receipt(id_, prove_entry(self.ledger, _entry_of(id_), *self.publics))

    def unfinished(self, before: datetime) -> Sequence[Subject]:
        """Return Subjects whose key was destroyed before a time and whose erasure is not recorded."""
        gone = [each for each in self.subjects.erased() if each.erased_at is not None and each.erased_at < before]
        return [each for each in gone if self.ledger.entry(_entry_of(each.id)) is None]

    def _uploads(self, id_: str) -> Sequence[str]:
        """Digests of what only this Subject handed in to be scanned."""
        mine, other = scans.alias(), scans.alias()
        others = select(other.c.id).where(other.c.sha256 == mine.c.sha256, other.c.owner.is_distinct_from(id_))
        query = select(mine.c.sha256).where(mine.c.owner == id_, ~others.exists()).distinct()
        with reading(self.engine) as connection:
            return connection.execute(query).scalars().all()

    def _destroy(self, id_: str) -> None:
        with writing(self.engine) as connection:
            take_turn(connection)
            _refuse_if_held(connection, id_)
            self.subjects.destroy(connection, id_)
            connection.execute(update(jobs).where(jobs.c.owner == id_).values(prompt="", revision=None))
            theirs = select(scans.c.id).where(scans.c.owner == id_)
            connection.execute(delete(scan_batches).where(scan_batches.c.scan.in_(theirs)))
            connection.execute(update(scans).where(scans.c.owner == id_).values(name=""))


def _refuse_if_held(connection: Connection, id_: str) -> None:
    theirs = [id_]
    for table in (jobs, scans):
        theirs += connection.execute(select(table.c.id).where(table.c.owner == id_)).scalars()
    refuse_if_held(connection, theirs)


def _entry_of(id_: str) -> str:
    return f"erasure_{id_}"
