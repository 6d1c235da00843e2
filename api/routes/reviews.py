"""`/v1/reviews`: what waits for a person, and what the person decides. The same as `framegate review`."""

from __future__ import annotations

from fastapi import FastAPI

from api.auth import HouseOf, Reviewer
from api.schemas import Id, ReviewBody
from api.views import Json, decision_view
from api.wiring import House
from safety.domain import Checkpoint, Decision, Job, JobStatus
from safety.errors import NotFound

PATH = "/v1/reviews"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(PATH, list_reviews, methods=["GET"], summary="List what waits for a person")
    app.add_api_route(f"{PATH}/{{decision}}", decide_review, methods=["POST"], summary="Decide a hold")


def list_reviews(house: HouseOf, _caller: Reviewer) -> Json:
    """List the decisions that hold something, oldest first."""
    return {"object": "list", "data": [decision_view(decision) for decision in house.review.holds()]}


def decide_review(decision: Id, body: ReviewBody, house: HouseOf, caller: Reviewer) -> Json:
    """Record the decision that supersedes a hold; an allowed job goes on where it stopped. Repeating it is safe."""
    decided = house.review.decide(decision, allow=body.allow, reviewer=caller.id, reason=body.reason)
    if decided.job is not None and decided.checkpoint is Checkpoint.UPLOAD:
        house.scan_runner.discard_upload(house.scans.get(decided.job))
    elif (job := _held_job(house, decided)) is not None:
        if body.allow:
            house.jobs.set_status(job.id, JobStatus.QUEUED)
            house.resume(job.id)
        else:
            house.jobs.set_status(job.id, JobStatus.REFUSED)
    return decision_view(decided)


def _held_job(house: House, decided: Decision) -> Job | None:
    """The job that waits for this; None where it went on already, or where the library released for its caller."""
    try:
        job = house.jobs.get(decided.job or "")
    except NotFound:
        return None
    return job if job.status in (JobStatus.HELD, JobStatus.QUEUED) else None
