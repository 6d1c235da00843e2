"""`/v1/videos/edits`, `/extensions` and `/{video}/remix`: new videos from videos, of one's own or uploaded.

A video of one's own is named by its id; what is started from is its released file, with its marks. Every one of them,
uploaded or released here, passes the input gate in the worker before a pixel of it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from api.auth import Caller, HouseOf, Requester
from api.errors import InvalidRequestError
from api.routes.owned import job_of
from api.routes.video_asking import Wanted, ask
from api.routes.video_body import Asked, read_asked
from api.schemas import Id, form_of
from api.starting import Start
from api.video_schemas import EditBody, ExtensionBody, RemixBody
from api.wiring import House
from generator.base import Capability
from safety.domain import Job
from safety.errors import Conflict
from safety.withdrawals import released_file

PATH = "/v1/videos"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(
        f"{PATH}/edits", edit_video, methods=["POST"], openapi_extra=form_of(EditBody), summary="Change a video"
    )
    app.add_api_route(
        f"{PATH}/extensions",
        extend_video,
        methods=["POST"],
        openapi_extra=form_of(ExtensionBody),
        summary="Go on with a video, or make what was before it",
    )
    app.add_api_route(
        f"{PATH}/{{video}}/remix",
        remix_video,
        methods=["POST"],
        openapi_extra=form_of(RemixBody),
        summary="Make a video of one's own again, with another prompt",
    )


def edit_video(
    asked: Annotated[Asked, Depends(read_asked)], request: Request, house: HouseOf, caller: Requester
) -> JSONResponse:
    """Change a video towards a prompt."""
    asked.only("video")
    body = asked.read(EditBody)
    source, job = _source(house, caller, asked, body.video)
    seconds = max(1.0, house.shelf.inspect(source, clip=True).duration_s)
    start = Start(Capability.EDIT, [(source, 0.0)], body.strength)
    wanted = Wanted(body, start, seconds, body.size or _size_of(job), body.seed, parent=job.id if job else None)
    return ask(house, caller, request, asked, wanted)


def extend_video(
    asked: Annotated[Asked, Depends(read_asked)], request: Request, house: HouseOf, caller: Requester
) -> JSONResponse:
    """Go on with a video, or make what was before it; what was given is in the result."""
    asked.only("video")
    body = asked.read(ExtensionBody)
    source, job = _source(house, caller, asked, body.video)
    capability = Capability.EXTEND if body.direction == "forward" else Capability.EXTEND_BACKWARD
    start = Start(capability, [(source, 0.0)])
    wanted = Wanted(body, start, body.seconds, body.size or _size_of(job), body.seed, parent=job.id if job else None)
    return ask(house, caller, request, asked, wanted)


def remix_video(
    video: Id,
    asked: Annotated[Asked, Depends(read_asked)],
    request: Request,
    house: HouseOf,
    caller: Requester,
) -> JSONResponse:
    """Change a released video of one's own towards another prompt; length, size and seed stay."""
    asked.only()
    body = asked.read(RemixBody)
    source, job = released_of(house, caller, video)
    start = Start(Capability.EDIT, [(source, 0.0)], body.strength)
    seconds = max(1.0, house.shelf.inspect(source, clip=True).duration_s)
    wanted = Wanted(body, start, seconds, f"{job.width}x{job.height}", job.seed, parent=job.id)
    return ask(house, caller, request, asked, wanted)


def _source(house: House, caller: Caller, asked: Asked, named: object) -> tuple[Path, Job | None]:
    """Return the file to start from, and the job it is of, where it is one's own."""
    files = asked.files.get("video", [])
    if len(files) + (named is not None) != 1:
        raise InvalidRequestError("send one video: a file in the field `video`, or {id: one of your own}", "video")
    if files:
        return files[0], None
    return released_of(house, caller, getattr(named, "id", ""))


def released_of(house: House, caller: Caller, video: str) -> tuple[Path, Job]:
    """Return the released file of a video of one's own, and its job.

    Raises:
        NotFound, Conflict: it is not one's own, or was not released.
    """
    job = job_of(house, caller, video)
    release = house.ledger.release_of_job(job.id)
    if release is None:
        raise Conflict(f"video {job.id} is {job.status}: only what was released can be started from")
    return released_file(house.withdrawals, house.blobs, release), job


def _size_of(job: Job | None) -> str:
    return f"{job.width}x{job.height}" if job else "512x512"
