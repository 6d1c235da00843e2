"""The outermost frame of a worker: whatever happens to a job or a scan, its status says so.

Errors of the house are handled where they happen (`safety.work`). This is the last net, for what nobody foresaw: a
third party's classifier, a library, memory. The job stops, its status names the kind of fault, and nothing is released.
"""

from __future__ import annotations

import logging

from api.wiring import House
from safety.domain import JobStatus
from safety.jobs import Worker
from safety.lookup import ScanStatus
from safety.pipeline import Step
from safety.work import HOUSE_ERRORS

log = logging.getLogger(__name__)


def make_worker(house: House) -> Worker:
    """Return a worker that runs the jobs and scans of this house."""
    return house.worker(
        run=lambda job, step: run_job(house, job, step), scan=lambda scan, step: run_scan(house, scan, step)
    )


def run_job(house: House, job: str, step: Step) -> str:
    """Run a job and return the word of its final status."""
    try:
        return house.runner.run(job, step).status.value
    except HOUSE_ERRORS:
        return house.jobs.get(job).status.value  # written down where it happened
    except Exception as error:
        log.exception("job %s was stopped by a fault that nobody foresaw", job)
        return house.jobs.set_status(job, JobStatus.FAILED, error=f"unforeseen {type(error).__name__}").status.value


def run_scan(house: House, scan: str, step: Step) -> str:
    """Run a scan and return the word of its final status."""
    try:
        return house.scan_runner.run(scan, step).value
    except Exception as error:
        log.exception("scan %s was stopped by a fault that nobody foresaw", scan)
        return house.scans.set_status(scan, ScanStatus.FAILED, error=f"unforeseen {type(error).__name__}").status.value
