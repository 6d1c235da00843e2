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

FIELD = "file"

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
    async with _file_of(request) as upload:
        digest = await run_in_threadpool(uploads.put_stream, upload.file)
        return Upload(digest, (upload.filename or "video")[:MAX_NAME])


@asynccontextmanager
async def borrow(request: Request) -> AsyncIterator[Path]:
    """Lend the uploaded video as a temporary file; raises as `keep`."""
    async with _file_of(request) as upload:
        with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
            path = Path(folder) / "upload"
            await run_in_threadpool(copy_upload, upload.file, path)
            yield path


@asynccontextmanager
async def _file_of(request: Request) -> AsyncIterator[UploadFile]:
    async with request.form(max_files=1, max_fields=8) as form:
        upload = form.get(FIELD)
        if not isinstance(upload, UploadFile):
            raise InvalidRequestError("send the video as multipart/form-data in the field `file`", FIELD)
        if unknown := sorted(set(form) - {FIELD}):
            raise InvalidRequestError(f"unknown field {unknown[0][:80]!r}: only `file` is taken", unknown[0][:80])
        yield upload


def copy_upload(source: BinaryIO, path: Path) -> None:
    """Write what is left of an upload to a file; raises StorageError."""
    try:
        with path.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except OSError as error:
        raise StorageError(f"an upload cannot be written to {path.parent}: {error.strerror}") from error
