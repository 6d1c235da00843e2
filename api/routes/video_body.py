"""Reads the body of a request for a video: JSON or a form, with the files it starts from, after the caller is known.

A file is written to a temporary folder that is gone with the answer; JSON may bring a picture as a `data:` URL. No
other URL is fetched: what an address shows when it is judged and when it is used need not be the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from api.auth import Requester
from api.errors import InvalidRequestError, UnsupportedFeatureError
from api.problems import invalid
from api.schemas import Body
from api.starting import MOST_PICTURES
from api.uploads import copy_upload

LISTS = ("scenes", "keyframe_seconds")
"""Fields of a form that may stand there several times."""

FILES = ("input_reference", "keyframes", "video", "inputs", "parent")
"""Fields that bring files."""

UNSUPPORTED = {"characters": "characters"}
"""Fields of the hosted API that are refused: ignoring them would make something else than was asked for."""

Model = TypeVar("Model", bound=Body)


@dataclass(frozen=True)
class Asked:
    """A body that was read: its fields, and its files on the disk."""

    fields: dict[str, Any]
    files: dict[str, list[Path]] = field(default_factory=dict)

    def read(self, model: type[Model]) -> Model:
        """Return the fields as a body.

        Raises:
            InvalidRequestError: says which field breaks which rule.
        """
        try:
            return model.model_validate(self.fields)
        except ValidationError as error:
            raise invalid(error) from None

    def only(self, *names: str) -> None:
        """Refuse files in other fields than these; raises InvalidRequestError."""
        for name in self.files:
            if name not in names:
                raise InvalidRequestError(f"no file is taken in {name} here", name)

    def digests(self) -> dict[str, list[str]]:
        """Return the SHA-256 of every file: what makes two requests the same."""
        return {name: [_digest(path) for path in paths] for name, paths in self.files.items()}


async def read_asked(request: Request, _caller: Requester) -> AsyncIterator[Asked]:
    """Read the body; the files live until the answer is made."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
        if kind == "application/json":
            asked = await _json(request, Path(folder))
        else:
            async with request.form(max_files=MOST_PICTURES + 1, max_fields=200) as form:
                asked = await _form(form, Path(folder))
        for name, what in UNSUPPORTED.items():
            if name in asked.fields:
                raise UnsupportedFeatureError(f"{what} ({name}) are not supported: nothing was made", name)
        yield asked


async def _json(request: Request, folder: Path) -> Asked:
    try:
        given = await request.json()
    except (ValueError, RecursionError):
        raise InvalidRequestError("the body is not JSON, or nested too deeply") from None
    if not isinstance(given, dict):
        raise InvalidRequestError("the body is not a JSON object")
    fields: dict[str, Any] = dict(given)
    reference = fields.pop("input_reference", None)
    files = {} if reference is None else {"input_reference": [_from_url(reference, folder)]}
    return Asked(fields, files)


async def _form(form: FormData, folder: Path) -> Asked:
    fields: dict[str, Any] = {}
    files: dict[str, list[Path]] = {}
    for sent, value in form.multi_items():
        name = sent.removesuffix("[]")
        if isinstance(value, UploadFile):
            if name not in FILES:
                raise InvalidRequestError(f"no file is taken in {name[:80]}", name[:80])
            path = folder / f"{name}{len(files.get(name, ()))}"
            await run_in_threadpool(copy_upload, value.file, path)
            files.setdefault(name, []).append(path)
        elif name in LISTS:
            fields.setdefault(name, []).append(value)
        elif name in {"video[id]", "parent[id]"}:
            fields[name.removesuffix("[id]")] = {"id": value}
        elif name.startswith("input_reference"):
            raise InvalidRequestError("input_reference is a file, or a data: URL in JSON", "input_reference")
        else:
            fields[name] = value
    return Asked(fields, files)


def _from_url(reference: object, folder: Path) -> Path:
    """Write the picture of `{"image_url": "data:…"}` to a file."""
    url = reference.get("image_url") if isinstance(reference, dict) else None
    head, comma, data = url.partition(",") if isinstance(url, str) else ("", "", "")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        raise UnsupportedFeatureError(
            "input_reference is a file in a form, or {image_url: a data: URL of a picture in base64}: no address is "
            "fetched, and files of other APIs are unknown here",
            "input_reference",
        )
    path = folder / "input_reference0"
    try:
        path.write_bytes(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise InvalidRequestError("the data: URL is not base64", "input_reference") from None
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
