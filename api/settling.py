"""What follows a decision: a held job goes on or ends, a held upload is discarded. And the same again after a crash.

    a reviewer decides ─▶ recorded ─▶ settle ─▶ queue, or REFUSED, or the upload is gone
                              └─ the process dies ─▶ take_up, at the next start

Both ask the record which decision is in force, so that repeating them changes nothing. Nothing here decides.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from api.terminal import LOCAL
from api.wiring import House
from safety.domain import Action, Checkpoint, Decision, Job, JobStatus
from safety.errors import Conflict, NotFound
from safety.in_force import in_force
from safety.lookup.scans import Scan

log = logging.getLogger(__name__)

MAX_TAKEN_UP = 1000
"""Jobs of each status, and scans, that are looked at when the service starts."""


def settle(house: House, decided: Decision) -> Job | None:
    """Do what follows a reviewer's decision; return the job that it was about, as it is now.

    None: it was about a scan, or about what the library released for its caller, who asks again.

    Raises:
        Conflict: the job was cancelled meanwhile.
    """
    if decided.checkpoint is Checkpoint.UPLOAD:
        with suppress(NotFound):  # scanned on the command line: its owner has the file, nothing was kept
            _discard_unneeded(house, house.scans.get(decided.job or ""))
        return None
    job = job_behind(house, decided)
    return None if job is None else _settle_job(house, job)


def reopen(house: House, decided: Decision) -> None:
    """Do what follows when a refusal was taken back or overturned: its job is held again, and goes on if it may."""
    job = job_behind(house, decided)
    if job is not None and job.status is JobStatus.REFUSED:
        house.jobs.set_status(job.id, JobStatus.HELD)
        _settle_job(house, house.jobs.get(job.id))


def job_behind(house: House, decision: Decision) -> Job | None:
    """The job that a decision is about; None where the library released for its caller, or for a scan."""
    try:
        return house.jobs.get(decision.job or "")
    except NotFound:
        return None


def take_up(house: House) -> None:
    """Hand waiting work to the queue again, and settle what was decided: a process may have died in between.

    The queue takes the same attempt once, so nothing runs twice.
    """
    waiting = house.jobs.list(status=JobStatus.QUEUED, limit=MAX_TAKEN_UP, oldest_first=True)
    running = house.jobs.list(status=JobStatus.RUNNING, limit=MAX_TAKEN_UP, oldest_first=True)
    # What the command line runs is in no queue: a worker would be a second one at the same job.
    jobs = waiting + [job for job in running if job.requester != LOCAL]
    for job in jobs:
        house.resume(job.id)
    for job in house.jobs.list(status=JobStatus.HELD, limit=MAX_TAKEN_UP, oldest_first=True):
        with suppress(Conflict):  # cancelled this very moment
            _settle_job(house, job)
    scans = house.scans.unfinished(limit=MAX_TAKEN_UP)
    for scan in scans:
        house.queue.submit_scan(scan.id)
    for scan in house.scans.list(limit=MAX_TAKEN_UP):
        if scan.report is not None and house.uploads.contains(scan.sha256):
            _discard_unneeded(house, scan)
    if jobs or scans:
        log.info("%d jobs and %d scans wait for a worker", len(jobs), len(scans))


def _settle_job(house: House, job: Job) -> Job:
    """Move a job on as the decision in force says; one that is not held, or whose newest gate still holds it, stays."""
    decision = in_force(house.ledger, job.id)
    if decision is None or decision.verdict.action is Action.REVIEW:
        return job
    if job.status is JobStatus.HELD:
        refused = decision.verdict.action is Action.BLOCK
        job = house.jobs.set_status(job.id, JobStatus.REFUSED if refused else JobStatus.QUEUED)
        if refused:
            house.shelf.discard(job.id)
    if job.status is JobStatus.QUEUED:
        house.resume(job.id)
    return job


def _discard_unneeded(house: House, scan: Scan) -> None:
    """Delete an upload that no scan and no reviewer needs any more. Its digest stays recorded."""
    if house.scans.unfinished(sha256=scan.sha256, limit=1):
        return
    held = house.ledger.decisions(
        subject=f"sha256:{scan.sha256}", checkpoint=Checkpoint.UPLOAD, action=Action.REVIEW, limit=1000
    )
    if all(each.job is None or house.ledger.superseding(each.id) is not None for each in held):
        house.uploads.discard(scan.sha256)
