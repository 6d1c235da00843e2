"""Runs one job to its end and writes down how it ended. The same function serves workers and the command line.

A refusal or a hold is an outcome. An exception of the house means "could not decide or could not do": the job is
FAILED with its reason, nothing is released, and the request can be made again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from classifiers.base import ClassifierError
from generator.base import GenerationCancelled, GeneratorError, Progress
from media.errors import MediaError
from provenance.base import ProvenanceError
from safety.domain import Job, JobStatus
from safety.errors import SafetyError
from safety.pipeline import Outcome, Output, Pipeline, Step

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
        self.jobs.set_status(job_id, JobStatus.RUNNING)
        try:
            outcome = self.pipeline.run(job, step, progress)
        except GenerationCancelled as error:
            self.jobs.set_status(job_id, JobStatus.CANCELLED, error=str(error))
            raise
        except HOUSE_ERRORS as error:
            log.error("job %s failed: %s", job_id, error)
            self.jobs.set_status(job_id, JobStatus.FAILED, error=f"{type(error).__name__}: {error}")
            raise
        self.jobs.set_status(job_id, outcome.status, outputs=outcome.outputs)
        return outcome
