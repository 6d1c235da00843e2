"""The one way from a request for a video to a queued job: checked, its files looked at, its prompt judged, recorded.

generator can? ─▶ files are what is due ─▶ prompt gate ──BLOCK──▶ HTTP 400 `moderation_blocked`, nothing is queued
                                               └─ALLOW, REVIEW──▶ job, its files on the shelf ─▶ queue ─▶ worker
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fastapi import Request
from fastapi.responses import JSONResponse

from api.auth import Caller, session_of
from api.idempotent import choose_id
from api.routes.video_body import Asked
from api.routes.video_view import refusal, video_view
from api.starting import Start, place
from api.video_schemas import PromptBody, read_size
from api.wiring import House
from safety.domain import Action, Job, JobStatus, Task
from safety.errors import NotFound
from safety.shelf import request_of

ENDED = frozenset({JobStatus.RELEASED, JobStatus.REFUSED, JobStatus.CANCELLED})
POLL_AFTER_MS = "500"
"""Milliseconds after which a client should ask again."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for, whichever route it came by."""

    body: PromptBody
    start: Start
    seconds: float
    size: str
    seed: int
    parent: str | None = None
    """Id of the Job that it is made from."""


def ask(house: House, caller: Caller, request: Request, asked: Asked, wanted: Wanted) -> JSONResponse:
    """Judge the prompt at once, and queue a job unless it is refused; of a refused prompt no text is kept."""
    body = wanted.body
    prompt = house.prompt_gate.readable(body.prompt, body.scenes)
    width, height = read_size(wanted.size)
    moment = datetime.now(UTC)
    owner = house.subjects.of(whose(caller, body)).id
    job = Job("", prompt, wanted.seconds, width, height, wanted.seed, caller.id, moment, parent=wanted.parent)
    job = replace(job, owner=owner)
    if wanted.start.made is None:
        task = Task(wanted.start.capability, (), wanted.start.strength)
        house.generator.check(request_of(replace(job, task=task)))
    same = {**body.model_dump(), "files": asked.digests(), "path": request.url.path}
    job = replace(job, id=choose_id(request, house, caller.id, "video", same))
    with _leaving_nothing(house, job):
        return _queue(house, caller, wanted, place(house, job, wanted.start))


def whose(caller: Caller, body: PromptBody) -> str:
    """Return who asks, and whose data the prompt is: the person that the key named, or the key itself."""
    return session_of(caller, body.safety_identifier) or caller.id


@contextmanager
def _leaving_nothing(house: House, job: Job) -> Iterator[None]:
    """Take a request's files off the shelf again unless a job came of it that still needs them."""
    try:
        yield
    finally:
        try:
            needed = house.jobs.get(job.id).status not in ENDED
        except NotFound:
            needed = False
        if not needed:
            house.shelf.discard(job.id)


def _queue(house: House, caller: Caller, wanted: Wanted, job: Job) -> JSONResponse:
    body = wanted.body
    decision = house.prompt_gate.check_prompt(
        body.prompt,
        scenes=body.scenes,
        requester=caller.id,
        session=whose(caller, body),
        job=job.id,
        parent=job.parent,
    )
    if decision.verdict.action is Action.BLOCK:
        # Without its prompt: it only says whose decision this is, so that its requester may read and appeal it.
        house.jobs.create(replace(job, prompt="", task=Task(), status=JobStatus.REFUSED))
        return JSONResponse({"error": refusal(decision)}, 400)
    job = house.jobs.create(job)
    if job.status is JobStatus.QUEUED:
        house.queue.submit(job.id)
    return JSONResponse(video_view(house, job), headers={"openai-poll-after-ms": POLL_AFTER_MS})
