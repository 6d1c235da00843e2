"""Takes a video out of a multipart body: streamed to the disk, never whole in memory, after the caller is known.

Its size was limited before (`api.edge`); what is in it is nobody's business here. The name a client gives a file is
shown and never used as a path.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.errors import InvalidRequestError
from media.blobs import BlobStore
from media.errors import StorageError
from media.kinds import HEAD_BYTES, MAX_SIDECAR_BYTES, sidecar_of, sidecar_type_of

FIELD = "file"
MANIFEST = "manifest"
"""Field of a manifest that lies beside its video, as webm's does."""

MAX_NAME = 200
"""Characters of a client's file name that are kept."""


@dataclass(frozen=True)
class Upload:
    """A stored upload."""

    sha256: str
    name: str


async def keep(request: Request, uploads: BlobStore) -> Upload:
    """Store the uploaded video under its digest.

    Raises:
        InvalidRequestError: the body is no form with exactly one file in it, in the field `file`.
        StorageError: it could not be stored.
    """
    async with _files_of(request) as (upload, _):
        digest = await run_in_threadpool(uploads.put_stream, upload.file)
        return Upload(digest, (upload.filename or "video")[:MAX_NAME])


@asynccontextmanager
async def borrow(request: Request) -> AsyncIterator[Path]:
    """Lend the uploaded video with the manifest that was sent for it, in the field `manifest`, lying beside it.

    Raises:
        InvalidRequestError: as `keep`; or the manifest is too large, or the video is of a kind that carries its own.
        StorageError: one of them could not be stored.
    """
    async with _files_of(request, MANIFEST) as (upload, manifest), _lent(upload) as path:
        if manifest is not None:
            _refuse_manifest(manifest, path)
            await run_in_threadpool(copy_upload, manifest.file, sidecar_of(path))
        yield path


@asynccontextmanager
async def _lent(upload: UploadFile) -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
        path = Path(folder) / "upload"
        await run_in_threadpool(copy_upload, upload.file, path)
        yield path


def _refuse_manifest(manifest: UploadFile, video: Path) -> None:
    if (manifest.size or 0) > MAX_SIDECAR_BYTES:
        raise InvalidRequestError(f"the manifest is larger than the {MAX_SIDECAR_BYTES} bytes of one", MANIFEST)
    with video.open("rb") as file:
        if sidecar_type_of(file.read(HEAD_BYTES)) is None:
            raise InvalidRequestError(
                "a manifest is sent for webm and Matroska only: other videos carry their own inside", MANIFEST
            )


@asynccontextmanager
async def _files_of(request: Request, *optional: str) -> AsyncIterator[tuple[UploadFile, UploadFile | None]]:
    """Yield the video of a form, and the file of the one `optional` field where there is one."""
    async with request.form(max_files=4, max_fields=8) as form:
        upload = form.get(FIELD)
        if not isinstance(upload, UploadFile):
            raise InvalidRequestError("send the video as multipart/form-data in the field `file`", FIELD)
        taken = (FIELD, *optional)
        if unknown := sorted(set(form) - set(taken)):
            words = " and ".join(f"`{each}`" for each in taken)
            only = f"only {words} {'is' if len(taken) == 1 else 'are'} taken"
            raise InvalidRequestError(f"unknown field {unknown[0][:80]!r}: {only}", unknown[0][:80])
        for name in taken:
            sent = form.getlist(name)
            if len(sent) > 1 or any(not isinstance(each, UploadFile) for each in sent):
                raise InvalidRequestError(f"send one file in the field `{name}`", name)
        beside = form.get(optional[0]) if optional else None
        yield upload, beside if isinstance(beside, UploadFile) else None


def copy_upload(source: BinaryIO, path: Path) -> None:
    """Write what is left of an upload to a file; raises StorageError."""
    try:
        with path.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except OSError as error:
        raise StorageError(f"an upload cannot be written to {path.parent}: {error.strerror}") from error
