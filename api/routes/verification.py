"""`POST /v1/verify`: is this file one of ours, and is its credential intact? Public: no key, few at a time.

Whoever was sent a video may ask. Nothing is stored and nothing is recorded; the file is gone when the answer is.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from api.auth import HouseOf
from api.client_limits import ClientLimits
from api.errors import BusyError
from api.release_views import credential_view
from api.schemas import UPLOAD_WITH_MANIFEST
from api.uploads import borrow
from api.views import Json
from safety.verify import verify_file

AT_ONCE = 4
"""Files that strangers have looked at at the same time; more are told to come back."""


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.state.verifications = threading.BoundedSemaphore(AT_ONCE)
    app.add_api_route(
        "/v1/verify",
        verify_upload,
        methods=["POST"],
        openapi_extra=UPLOAD_WITH_MANIFEST,
        summary="Check a file's credential",
    )


@contextmanager
def turn(request: Request) -> Iterator[None]:
    """Take one of the turns at looking into a stranger's file, and one of this client's.

    Raises:
        BusyError: all are taken, or all of this client's.
    """
    app = request.app
    limits: ClientLimits | None = getattr(app.state, "client_limits", None)
    if limits is None:
        limits = app.state.client_limits = ClientLimits(app.state.house.settings.verify_per_minute)
    limits.take(request.client.host if request.client else None)
    turns: threading.BoundedSemaphore = app.state.verifications
    if not turns.acquire(blocking=False):
        raise BusyError(f"{AT_ONCE} files are being verified: try again in a moment")
    try:
        yield
    finally:
        turns.release()


async def _uploaded(request: Request) -> AsyncIterator[Path]:
    with turn(request):
        async with borrow(request) as path:
            yield path


def verify_upload(path: Annotated[Path, Depends(_uploaded)], house: HouseOf) -> Json:
    """Check credential, time stamp and watermark of a file, and name the release behind them."""
    seen = verify_file(path, house.credential_reader, house.watermark, house.known, house.limits)
    return credential_view(seen)
