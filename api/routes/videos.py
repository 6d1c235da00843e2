"""`/v1/videos` in the shape of OpenAI's video API: create, list, look, delete. Downloads are `video_content`.

    prompt gate ──BLOCK──▶ HTTP 400 `moderation_blocked`, nothing is queued
         └─ALLOW, REVIEW──▶ job ─▶ queue ─▶ worker (safety.pipeline)

A refused output is a job that failed with `moderation_blocked`. A held job stays `queued`; `x_framegate.status` says
`held`. A deleted video is gone for its requester: its prompt is erased and its files are discarded, its decisions stay.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from api.auth import HouseOf, Requester, session_of
from api.errors import InvalidRequestError, UnsupportedFeatureError
from api.idempotent import choose_id
from api.problems import invalid
from api.routes.owned import job_of
from api.routes.video_view import refusal, video_view
from api.schemas import Id, PageQuery, VideoBody, form_of
from api.wiring import House
from generator.base import GenerationRequest
from safety.domain import Action, Job, JobStatus
from safety.errors import Conflict

PATH = "/v1/videos"

POLL_AFTER_MS = "500"
"""Milliseconds after which a client should ask again."""

NOT_YET = {
    "input_reference": "a reference picture or video",
    "video": "a video to start from",
    "characters": "characters",
}
"""Fields of the hosted API that are refused: ignoring them would make something else than was asked for."""


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(PATH, create_video, methods=["POST"], openapi_extra=form_of(VideoBody), summary="Ask for a video")
    app.add_api_route(PATH, list_videos, methods=["GET"], summary="List one's videos")
    app.add_api_route(f"{PATH}/{{video}}", get_video, methods=["GET"], summary="Look where a video stands")
    app.add_api_route(f"{PATH}/{{video}}", delete_video, methods=["DELETE"], summary="Delete a video")
    app.add_api_route(f"{PATH}/{{video}}/remix", remix_video, methods=["POST"], summary="Not supported")


async def read_video_body(request: Request, _caller: Requester) -> VideoBody:
    """Read the body, JSON or form, after the caller is known."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    fields: dict[str, Any]
    if kind == "application/json":
        try:
            given = await request.json()
        except (ValueError, RecursionError):
            raise InvalidRequestError("the body is not JSON, or nested too deeply") from None
        if not isinstance(given, dict):
            raise InvalidRequestError("the body is not a JSON object")
        fields = given
    else:
        async with request.form() as form:
            fields = dict(form)
            if scenes := [*form.getlist("scenes"), *form.getlist("scenes[]")]:
                fields = {**fields, "scenes": scenes}
                fields.pop("scenes[]", None)
    for name, what in NOT_YET.items():
        if any(field == name or field.startswith(f"{name}[") for field in fields):
            raise UnsupportedFeatureError(f"{what} ({name}) is not supported yet: nothing was made", name)
    try:
        return VideoBody.model_validate(fields)
    except ValidationError as error:
        raise invalid(error) from None


def create_video(
    body: Annotated[VideoBody, Depends(read_video_body)],
    request: Request,
    house: HouseOf,
    caller: Requester,
) -> JSONResponse:
    """Judge the prompt at once, and queue a job unless it is refused; of a refused prompt no text is kept."""
    prompt = house.prompt_gate.readable(body.prompt, body.scenes)
    house.generator.check(GenerationRequest(prompt, body.seconds, body.width, body.height, body.seed))
    id_ = choose_id(request, house, caller.id, "video", body.model_dump())
    decision = house.prompt_gate.check_prompt(
        body.prompt,
        scenes=body.scenes,
        requester=caller.id,
        session=session_of(caller, body.safety_identifier) or caller.id,
        job=id_,
    )
    job = Job(id_, prompt, body.seconds, body.width, body.height, body.seed, caller.id, datetime.now(UTC))
    if decision.verdict.action is Action.BLOCK:
        # Without its prompt: it only says whose decision this is, so that its requester may read and appeal it.
        house.jobs.create(replace(job, prompt="", status=JobStatus.REFUSED))
        return JSONResponse({"error": refusal(decision)}, 400)
    job = house.jobs.create(job)
    if job.status is JobStatus.QUEUED:
        house.queue.submit(job.id)
    return JSONResponse(video_view(house, job), headers={"openai-poll-after-ms": POLL_AFTER_MS})


def list_videos(house: HouseOf, caller: Requester, page: Annotated[PageQuery, Query()]) -> dict[str, Any]:
    """List videos, newest first by default; an admin sees everybody's."""
    if page.after is not None:
        job_of(house, caller, page.after)
    found = house.jobs.list(
        requester=None if caller.may("admin") else caller.id,
        after=page.after,
        limit=page.limit + 1,
        oldest_first=page.order == "asc",
        erased=False,
    )
    shown = found[: page.limit]
    return {
        "object": "list",
        "data": [video_view(house, job) for job in shown],
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
        "has_more": len(found) > page.limit,
    }


def get_video(video: Id, response: Response, house: HouseOf, caller: Requester) -> dict[str, Any]:
    """Say where a video stands."""
    job = job_of(house, caller, video)
    response.headers["openai-poll-after-ms"] = POLL_AFTER_MS
    return video_view(house, job)


def delete_video(video: Id, house: HouseOf, caller: Requester) -> dict[str, Any]:
    """Stop a job, erase its prompt and discard its files. What was decided about it stays in the record."""
    job = job_of(house, caller, video)
    if job.status not in (JobStatus.RELEASED, JobStatus.REFUSED, JobStatus.CANCELLED):
        job = _cancelled(house, job)
    house.jobs.erase_prompt(job.id)
    release = house.ledger.release_of_job(job.id)
    marked = job.outputs.get("mark", {}).get("sha256")
    for digest in (release.sha256 if release else None, marked):
        if isinstance(digest, str):
            house.blobs.discard(digest)
    return {"id": job.id, "object": "video.deleted", "deleted": True}


def remix_video(video: Id, house: HouseOf, caller: Requester) -> None:
    """Refuse: a remix starts from a video, and this version starts from text only."""
    job_of(house, caller, video)
    raise UnsupportedFeatureError("remixing is not supported: ask for a new video with a new prompt")


def _cancelled(house: House, job: Job) -> Job:
    try:
        house.cancel(job.id)
        return house.jobs.set_status(job.id, JobStatus.CANCELLED)
    except Conflict:
        return house.jobs.get(job.id)  # a worker was faster: it ended meanwhile
