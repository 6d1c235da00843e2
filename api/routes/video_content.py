"""Downloads: the released file of a video, a still or a sheet of stills of it. There is no way to any other file."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query
from fastapi.responses import FileResponse, Response

from api.auth import AnyCaller, Caller, HouseOf, Requester
from api.release_views import release_view
from api.routes.owned import job_of, owns
from api.routes.videos import PATH
from api.schemas import Id
from api.views import Json
from api.wiring import House
from safety.domain import Release
from safety.errors import Conflict, NotFound, Withdrawn
from safety.webm_copies import WebmCopy
from safety.withdrawals import released_file

RELEASES = "/v1/releases/{release}"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    file: dict[int | str, dict[str, Any]] = {
        200: {"content": {"video/mp4": {}, "video/webm": {}, "application/c2pa": {}, "image/jpeg": {}}}
    }
    app.add_api_route(
        f"{PATH}/{{video}}/content",
        get_video_content,
        methods=["GET"],
        response_class=Response,
        responses=file,
        summary="Download a released video",
    )
    app.add_api_route(RELEASES, get_release, methods=["GET"], summary="Look at a release")
    app.add_api_route(
        f"{RELEASES}/content",
        get_release_content,
        methods=["GET"],
        response_class=Response,
        responses=file,
        summary="Download a release",
    )


def get_video_content(
    video: Id,
    house: HouseOf,
    caller: Requester,
    variant: Annotated[Literal["video", "webm", "webm-manifest", "thumbnail", "spritesheet"], Query()] = "video",
) -> Response:
    """Send the released file, a webm copy or the manifest that lies beside that, or JPEG stills: each signed."""
    job = job_of(house, caller, video)
    release = house.ledger.release_of_job(job.id)
    if release is None:
        raise Conflict(f"video {video} is {job.status}: there is nothing to download")
    if variant in {"video", "webm", "webm-manifest"}:
        return _file(house, release, variant)
    path = released_file(house.withdrawals, house.blobs, release)
    return Response(house.previews.still(release, path, variant), media_type="image/jpeg")


def get_release(release: Id, house: HouseOf, caller: AnyCaller) -> Json:
    """Show a release: its decisions, digest, watermark and manifest."""
    found = _release_of(house, caller, release)
    return release_view(found, house.withdrawals.of(found.id))


def get_release_content(
    release: Id,
    house: HouseOf,
    caller: AnyCaller,
    variant: Annotated[Literal["video", "webm", "webm-manifest"], Query()] = "video",
) -> Response:
    """Send the released file, a webm copy of it, or the manifest that lies beside that."""
    return _file(house, _release_of(house, caller, release), variant)


def _release_of(house: House, caller: Caller, id_: str) -> Release:
    """A release that this caller may see: auditors and reviewers any, a requester those of its own videos."""
    release = house.ledger.release(id_)
    if release is None or not (caller.may("auditor", "reviewer") or owns(house, caller, release.job)):
        raise NotFound(f"no release has the id {id_}")
    return release


def _file(house: House, release: Release, variant: str) -> Response:
    path = released_file(house.withdrawals, house.blobs, release)
    if variant != "video":
        copy = house.webm_copies.of(release, path)
        try:
            released_file(house.withdrawals, house.blobs, release)
        except (Withdrawn, Conflict):  # it was taken back while the copy was made
            house.webm_copies.forget(release.id)
            raise
        return _webm(copy, release, manifest=variant == "webm-manifest")
    return FileResponse(
        path,
        media_type="video/mp4",
        filename=f"{release.id}.mp4",
        headers={"etag": f'"{release.sha256}"'},
    )


def _webm(copy: WebmCopy, release: Release, *, manifest: bool) -> Response:
    data = copy.manifest if manifest else copy.video
    name = f"{release.id}.webm{'.c2pa' if manifest else ''}"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "etag": f'"{hashlib.sha256(data).hexdigest()}"',
        # C2PA 2.2, section 11.5: where the manifest of an asset lies that carries none.
        "link": f'</v1/releases/{release.id}/content?variant=webm-manifest>; rel="c2pa-manifest"',
    }
    return Response(data, media_type="application/c2pa" if manifest else "video/webm", headers=headers)
