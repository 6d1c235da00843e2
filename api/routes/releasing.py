"""`POST /v1/releases`: the clip of another generator walks the release path like one of ours.

    prompt gate ─▶ clip and what it was made from, on the shelf ─▶ queue ─▶ input gate ─▶ mark ─▶ output gate ─▶ sign

Answered as a video: held, refused, looked at, deleted and downloaded under `/v1/videos/{video}`. Nothing is generated,
and the prompt is not rewritten: it is what the clip was made from, and judged as that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from api.auth import Caller, HouseOf, Requester
from api.errors import InvalidRequestError
from api.routes.video_asking import Wanted, ask
from api.routes.video_body import Asked, read_asked
from api.routes.video_making import released_of
from api.schemas import form_of
from api.starting import Start
from api.video_schemas import ReleaseBody
from api.wiring import House
from safety.domain import Job

PATH = "/v1/releases"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(
        PATH,
        release_video,
        methods=["POST"],
        openapi_extra=form_of(ReleaseBody),
        summary="Release a video of another generator",
    )


def release_video(
    asked: Annotated[Asked, Depends(read_asked)], request: Request, house: HouseOf, caller: Requester
) -> JSONResponse:
    """Judge the prompt that a video was made from, and queue its release unless it is refused."""
    asked.only("video", "inputs", "parent")
    body = asked.read(ReleaseBody)
    videos = asked.files.get("video", [])
    if len(videos) != 1:
        raise InvalidRequestError("send the finished video as one file in the field `video` of a form", "video")
    parent, job = _parent(house, caller, asked, body)
    files = [*asked.files.get("inputs", []), *([] if parent is None else [parent])]
    start = Start(files=[(each, 0.0) for each in files], made=videos[0], from_parent=parent is not None)
    return ask(house, caller, request, asked, Wanted(body, start, 0.0, "1x1", 0, parent=job.id if job else None))


def _parent(house: House, caller: Caller, asked: Asked, body: ReleaseBody) -> tuple[Path | None, Job | None]:
    """Return the video that was changed, and the job it is of, where it is one's own."""
    files = asked.files.get("parent", [])
    if len(files) + (body.parent is not None) > 1:
        raise InvalidRequestError("a video has one parent: a file in `parent`, or `parent[id]`", "parent")
    if body.parent is None:
        return (files[0] if files else None), None
    return released_of(house, caller, body.parent.id)
