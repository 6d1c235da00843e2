"""`/v1/persons`: as `framegate person`. For keys with the scope `admin`. Photos are read in isolation and not kept."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api import erasing
from api.auth import Admin, HouseOf
from api.errors import InvalidRequestError
from api.schemas import PERSON, Id
from api.uploads import copy_upload
from api.views import Json, person_view
from safety.lookup.people import MAX_PHOTOS

PERSONS = "/v1/persons"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(
        PERSONS, enrol_person, methods=["POST"], status_code=201, openapi_extra=PERSON, summary="Enrol a person"
    )
    app.add_api_route(PERSONS, list_persons, methods=["GET"], summary="List known persons")
    app.add_api_route(
        PERSONS + "/{person}", remove_person, methods=["DELETE"], status_code=204, summary="Remove a person"
    )


@dataclass(frozen=True)
class Asked:
    """Names and photos of a form."""

    names: list[str]
    photos: list[Path]


async def read_asked(request: Request, _caller: Admin) -> AsyncIterator[Asked]:
    """Read the form after the caller is known; the photos live until the answer is made."""
    with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
        asked = Asked([], [])
        async with request.form(max_files=MAX_PHOTOS, max_fields=100) as form:
            for sent, value in form.multi_items():
                field = sent.removesuffix("[]")
                if field == "photos" and isinstance(value, UploadFile):
                    path = Path(folder) / f"photo{len(asked.photos) + 1}"
                    await run_in_threadpool(copy_upload, value.file, path)
                    asked.photos.append(path)
                elif field == "names" and isinstance(value, str):
                    asked.names.append(value)
                else:
                    raise InvalidRequestError(
                        "send multipart/form-data with the person's `names` and the files `photos`", field[:80]
                    )
        yield asked


def enrol_person(asked: Annotated[Asked, Depends(read_asked)], house: HouseOf, caller: Admin) -> Json:
    """Recognise this person from now on. Without a consent in force, whatever shows them is refused."""
    return person_view(house.enrol(asked.names, asked.photos, actor=caller.id))


def list_persons(house: HouseOf, _caller: Admin) -> Json:
    """List who is enrolled, oldest first."""
    return {"object": "list", "data": [person_view(each) for each in house.gallery.people()]}


def remove_person(person: Id, house: HouseOf, caller: Admin) -> Response:
    """Recognise a person no more, and erase the name and the face. Repeating it is safe."""
    erasing.remove_person(house, person, actor=caller.id)
    return Response(status_code=204)
