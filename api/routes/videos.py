"""`/v1/videos` in the shape of OpenAI's video API: create, list, look, delete. Downloads are `video_content`.

Making them is `video_asking`; from other videos, `video_making`.

A refused output is a job that failed with `moderation_blocked`. A held job stays `queued`; `x_framegate.status` says
`held`. A deleted video is gone for its requester: its prompt is erased and its files are discarded, its decisions stay.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

from api.auth import HouseOf, Requester
from api.erasing import discard_files, stop
from api.errors import InvalidRequestError
from api.routes.owned import job_of
from api.routes.video_asking import POLL_AFTER_MS, Wanted, ask
from api.routes.video_body import Asked, read_asked
from api.routes.video_view import video_view
from api.schemas import Id, PageQuery, form_of
from api.starting import Start
from api.video_schemas import VideoBody
from generator.base import Capability

PATH = "/v1/videos"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(PATH, create_video, methods=["POST"], openapi_extra=form_of(VideoBody), summary="Ask for a video")
    app.add_api_route(PATH, list_videos, methods=["GET"], summary="List one's videos")
    app.add_api_route(f"{PATH}/{{video}}", get_video, methods=["GET"], summary="Look where a video stands")
    app.add_api_route(f"{PATH}/{{video}}", delete_video, methods=["DELETE"], summary="Delete a video")


def create_video(
    asked: Annotated[Asked, Depends(read_asked)], request: Request, house: HouseOf, caller: Requester
) -> JSONResponse:
    """Judge the prompt at once, and queue a job unless it is refused."""
    asked.only("input_reference", "keyframes")
    body = asked.read(VideoBody)
    return ask(house, caller, request, asked, Wanted(body, _start(asked, body), body.seconds, body.size, body.seed))


def _start(asked: Asked, body: VideoBody) -> Start:
    """Read what is asked for beside the prompt; a picture may also begin a loop."""
    pictures = asked.files.get("input_reference", [])
    keyframes = asked.files.get("keyframes", [])
    if len(pictures) > 1:
        raise InvalidRequestError(
            "one picture is the first frame; several have their times: keyframes", "input_reference"
        )
    if len(keyframes) != len(body.keyframe_seconds):
        raise InvalidRequestError("every file in keyframes needs its time in keyframe_seconds", "keyframe_seconds")
    if bool(keyframes) + bool(pictures or body.loop) + body.still > 1:
        raise InvalidRequestError("keyframes, still, and input_reference or loop exclude each other")
    if keyframes:
        return Start(Capability.FILL, list(zip(keyframes, body.keyframe_seconds, strict=True)))
    files = [(path, 0.0) for path in pictures]
    if body.loop:
        return Start(Capability.LOOP, files)
    if body.still:
        return Start(Capability.IMAGE)
    return Start(Capability.ANIMATE if files else Capability.TEXT, files)


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
    house.legal_holds.refuse_if_held([job.id, job.owner])
    job = stop(house, job)
    house.jobs.erase_prompt(job.id)
    discard_files(house, job)
    return {"id": job.id, "object": "video.deleted", "deleted": True}
