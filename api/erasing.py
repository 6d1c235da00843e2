"""Erases what the house keeps: of one job, or of a person with a receipt. What may be erased is `safety.erasure`.

Receipts are also kept in `$FRAMEGATE_HOME/erasures`, beside the database and not in it: a database that was put back to
an older state has the keys again, and `reapply` destroys them again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from api.wiring import House, now
from media.durable import publish
from media.errors import StorageError
from safety.domain import Checkpoint, Job, JobStatus
from safety.erasure import UNFINISHED, Erasure, Receipt
from safety.errors import Conflict, LedgerError, NotFound
from safety.lookup import Subject
from safety.lookup.record import MAX_PAGE
from safety.pipeline import files_left

UNDER_WAY = timedelta(minutes=10)
"""An erasure that began less long ago may still be deleting files: it is left to whoever asked for it."""

ENDED = frozenset({JobStatus.RELEASED, JobStatus.REFUSED, JobStatus.CANCELLED})


def stop(house: House, job: Job) -> Job:
    """Cancel a job that has not ended, and return it as it is now."""
    if job.status in ENDED:
        return job
    try:
        house.cancel(job.id)
        return house.jobs.set_status(job.id, JobStatus.CANCELLED)
    except Conflict:
        return house.jobs.get(job.id)  # a worker was faster: it ended meanwhile


def discard_files(house: House, job: Job) -> int:
    """Delete a job's videos, blurred pictures and references; return how many files of the first two there were.

    Raises:
        StorageError: one could not be deleted.
    """
    release = house.ledger.release_of_job(job.id)
    digests = set(files_left(house.jobs.get(job.id).outputs)) | ({release.sha256} if release else set())
    for decision in house.ledger.decisions(job=job.id, limit=MAX_PAGE):
        digests |= {still.sha256 for still in decision.measurement.stills}
        if decision.checkpoint is Checkpoint.OUTPUT:
            digests.add(decision.subject.removeprefix("sha256:"))
    count = 0
    for digest in digests:
        for store in (house.blobs, house.stills):
            count += store.contains(digest)
            store.discard(digest)
    house.shelf.discard(job.id)
    return count


def erasure_of(house: House) -> Erasure:
    """Return what erases persons of this house."""
    return Erasure(
        house.engine,
        house.ledger,
        house.subjects,
        house.jobs,
        lambda job: stop(house, job),
        lambda job: discard_files(house, job),
        lambda digest: _discard_upload(house, digest),
        (house.log_key.public, *house.former_log_keys),
    )


def _discard_upload(house: House, digest: str) -> int:
    count = int(house.uploads.contains(digest))
    house.uploads.discard(digest)
    return count


def erase(house: House, subject: Subject, *, actor: str, reason: str) -> Receipt:
    """Erase everything kept of a Subject, and keep its receipt; raises as `Erasure.erase`."""
    receipt = erasure_of(house).erase(subject, actor=actor, reason=reason)
    _keep(house, subject.id, receipt.to_json())
    return receipt


def remove_person(house: House, id_: str, *, actor: str) -> None:
    """Recognise a person no more, and note it beside the database; raises as `PersonStore.remove`, and StorageError."""
    house.gallery.remove(id_, actor=actor)
    _keep(house, id_, {"person": id_, "actor": actor})


def _keep(house: House, id_: str, receipt: Mapping[str, object]) -> None:
    folder = _folder(house)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f".{id_}.draft"
        draft.write_text(json.dumps(receipt), encoding="utf-8")
        publish(draft, folder / f"{id_}.json")
    except OSError as error:
        raise StorageError(f"erased and recorded, but {folder} cannot be written: {error.strerror}") from error


def put_back(house: House) -> list[tuple[Subject, dict[str, Any]]]:
    """Return Subjects that have a key although a receipt says that it was destroyed, with what was recorded then.

    Raises:
        LedgerError: a receipt is not one.
    """
    found = []
    for path in sorted(_folder(house).glob("sub_*.json")):
        try:
            recorded = json.loads(json.loads(path.read_text(encoding="utf-8"))["entry"])
            subject = house.subjects.find(recorded["subject"])
        except NotFound:
            continue  # the database is older than the person
        except (OSError, ValueError, KeyError, TypeError):
            raise LedgerError(f"{path} is no receipt of an erasure: it was damaged; restore or remove it") from None
        if subject.erased_at is None:
            found.append((subject, recorded))
    return found


def finish(house: House) -> int:
    """Finish erasures that a crash interrupted before they were recorded; return how many that were."""
    started = erasure_of(house).unfinished(now() - UNDER_WAY)
    for each in started:
        erase(house, each, **UNFINISHED)
    return len(started)


def reapply(house: House) -> int:
    """Erase again what a restored backup brought back, and return how many persons that were.

    Raises:
        Conflict: some are under a legal hold that the backup brought back, too; all others were erased.
    """
    back, kept, faces = put_back(house), [], persons_back(house)
    for id_ in faces:
        house.gallery.remove(id_, actor="framegate")
    for subject, recorded in back:
        try:
            erase(house, subject, actor=recorded["actor"], reason=recorded["reason"])
        except Conflict as error:
            kept.append(error)
    if kept:
        raise Conflict(f"{len(kept)} of {len(back)} persons were not erased again: {kept[0]}")
    return len(back) + len(faces)


def persons_back(house: House) -> list[str]:
    """Return ids of enrolled persons although it is noted that they were removed."""
    removed = {path.stem for path in _folder(house).glob("per_*.json")}
    return sorted(removed & house.gallery.living()) if removed else []


def _folder(house: House) -> Path:
    return house.settings.home / "erasures"
