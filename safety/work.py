"""Runs one job, or one scan, to its end and writes down how it ended. Serves workers and the command line.

A refusal or a hold is an outcome. An exception of the house means "could not decide or could not do": the job is
FAILED with its reason, nothing is released, and the request can be made again.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from classifiers.base import ClassifierError
from generator.base import GenerationCancelled, GeneratorError, Progress
from media.blobs import BlobStore
from media.errors import MediaError
from provenance.base import ProvenanceError
from safety.domain import Action, Decision, Job, JobStatus, OriginReport
from safety.errors import Conflict, DatabaseError, SafetyError, StepFailed
from safety.in_force import in_force
from safety.lookup.scans import FINAL, Scan, ScanStatus, ScanStore
from safety.pipeline import Outcome, Output, Pipeline, Step, directly, files_left
from safety.scan import Scanner

log = logging.getLogger(__name__)

HouseError = SafetyError | MediaError | ClassifierError | GeneratorError | ProvenanceError
"""Every floor's base error."""

HOUSE_ERRORS = (SafetyError, MediaError, ClassifierError, GeneratorError, ProvenanceError)


class JobRecords(Protocol):
    """Where jobs are kept: `safety.lookup.JobStore`."""

    def get(self, id_: str) -> Job:
        """Return a job; raises NotFound."""

    def set_status(
        self, id_: str, status: JobStatus, *, outputs: dict[str, Output] | None = None, error: str = ""
    ) -> Job:
        """Move a job to a status; repeating the status it has is fine; raises Conflict for impossible moves."""


@dataclass(frozen=True)
class JobRunner:
    """Takes a job by its id, walks it along the pipeline, and keeps its status true."""

    jobs: JobRecords
    pipeline: Pipeline

    def run(self, job_id: str, step: Step | None = None, progress: Progress | None = None) -> Outcome:
        """Run a job and return its Outcome.

        Raises:
            SafetyError, MediaError, ClassifierError, GeneratorError, ProvenanceError: the job is FAILED (or CANCELLED)
                with this reason.
        """
        job = self.jobs.get(job_id)
        if job.status in (JobStatus.RELEASED, JobStatus.REFUSED):
            return self._ended(job)  # its worker died between the last line of the job and its own memory of it
        self.jobs.set_status(job_id, JobStatus.RUNNING)
        left = dict(job.outputs)
        walked = _collecting(_remembering_failures(step) if step else directly, left)
        try:
            outcome = self.pipeline.run(job, walked, progress, lambda: self._refuse_unless_wanted(job_id))
        except GenerationCancelled as error:
            if self.jobs.get(job_id).status is not JobStatus.CANCELLED:
                self.jobs.set_status(job_id, JobStatus.CANCELLED, error=str(error))
            raise
        except HOUSE_ERRORS as error:
            log.error("job %s failed: %s", job_id, error)
            self.jobs.set_status(job_id, JobStatus.FAILED, outputs=left, error=_reason(error))
            raise
        finally:
            self._discard_if_cancelled(job_id, left)
        self.jobs.set_status(job_id, outcome.status, outputs=outcome.outputs)
        if outcome.status in (JobStatus.RELEASED, JobStatus.REFUSED):
            self.pipeline.shelf.discard(job_id)
        return outcome

    def _discard_if_cancelled(self, job_id: str, left: dict[str, Output]) -> None:
        """What was made of a job that was cancelled, deleted or erased meanwhile stays nowhere."""
        if self.jobs.get(job_id).status is JobStatus.CANCELLED:
            for digest in files_left(left):
                self.pipeline.desk.blobs.discard(digest)

    def _refuse_unless_wanted(self, job_id: str) -> None:
        """Nobody may receive what was cancelled or deleted while it was made."""
        status = self.jobs.get(job_id).status
        if status is not JobStatus.RUNNING:
            raise GenerationCancelled(f"job {job_id} is {status}; nothing is released")

    def _ended(self, job: Job) -> Outcome:
        """The Outcome of a job that ended before, as the ledger has it."""
        ledger = self.pipeline.gate.ledger
        decision = in_force(ledger, job.id)
        if decision is None:
            raise Conflict(f"job {job.id} is {job.status} without a recorded decision: run `framegate ledger verify`")
        return Outcome(job.status, decision, ledger.release_of_job(job.id), job.outputs)


def _collecting(step: Step, left: dict[str, Output]) -> Step:
    """Note what steps leave, so that it is known where the job ends badly."""

    def run(name: str, work: Callable[[], Output]) -> Output:
        left[name] = step(name, work)
        return left[name]

    return run


def _remembering_failures(step: Step) -> Step:
    """Let a durable runner remember a failure as an answer: an exception would come back as one of its own kind."""

    def run(name: str, work: Callable[[], Output]) -> Output:
        def answer() -> Output:
            try:
                return {"output": work()}
            except DatabaseError:
                raise  # tried again
            except HOUSE_ERRORS as error:
                return {"failure": _reason(error)}

        answered = step(name, answer)
        if "failure" in answered:
            raise StepFailed(answered["failure"])
        output: Output = answered["output"]
        return output

    return run


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, StepFailed) else f"{type(error).__name__}: {error}"


PROGRESS_EVERY_S = 1.0

Report = Callable[[OriginReport, Decision, float], Output]
"""Writes an origin report as JSON; the number is the milliseconds that the scan took."""


@dataclass(frozen=True)
class ScanRunner:
    """Takes a scan by its id, looks at the upload, and keeps the report."""

    scans: ScanStore
    uploads: BlobStore
    scanner: Scanner
    report: Report

    def run(self, scan_id: str, step: Step) -> ScanStatus:
        """Run a scan and return how it ended; running it again changes nothing. An upload that cannot be read FAILED.

        Raises:
            DatabaseError: the database stayed away; the scan is as it was, and may be run again.
        """
        scan = self.scans.get(scan_id)
        if scan.status not in FINAL:
            self.scans.set_status(scan_id, ScanStatus.RUNNING)
            seen = step("scan", lambda: self._look(scan))
            status = ScanStatus.FAILED if "error" in seen else ScanStatus.DONE
            scan = self.scans.set_status(scan_id, status, report=seen.get("report"), error=seen.get("error", ""))
        if scan.report is None or scan.report["action"] != Action.REVIEW.word:
            self.discard_upload(scan)
        return scan.status

    def discard_upload(self, scan: Scan) -> None:
        """Delete the uploaded file, unless another scan of the same file still needs it. Its digest stays recorded."""
        if not self.scans.unfinished(sha256=scan.sha256, limit=1):
            self.uploads.discard(scan.sha256)

    def _look(self, scan: Scan) -> Output:
        started = time.perf_counter()
        try:
            report, decision = self.scanner.scan(
                self.uploads.path(scan.sha256), job=scan.id, progress=self._progress(scan.id)
            )
        except DatabaseError:
            raise  # tried again
        except HOUSE_ERRORS as error:
            # An answer, not an exception: the durable runner remembers answers word for word.
            log.error("scan %s failed: %s", scan.id, error)
            return {"error": _reason(error)}
        return {"report": self.report(report, decision, (time.perf_counter() - started) * 1000)}

    def _progress(self, scan_id: str) -> Callable[[float], None]:
        """Write down how far a scan has come, at most once a second: whoever waits for it sees it move."""
        told_at = -math.inf

        def tell(share: float) -> None:
            nonlocal told_at
            now = time.monotonic()
            if now - told_at >= PROGRESS_EVERY_S:
                self.scans.set_progress(scan_id, share)
                told_at = now

        return tell
