"""`/v1/scans`: where does an uploaded video come from? Accepted at once, looked at by a worker.

    upload ─▶ stored under its digest ─▶ scan row ─▶ queue ─▶ worker (safety.scan) ─▶ report

Killing the worker loses nothing: another one adopts the scan. The upload is deleted when its scan is done, unless its
decision waits for a reviewer.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from api.auth import AnyCaller, HouseOf, Requester
from api.errors import PROBLEMS
from api.idempotent import choose_id
from api.routes.owned import scan_of
from api.scan_queue import hand_in
from api.schemas import UPLOAD, Id
from api.uploads import Upload, keep
from api.views import Json
from safety.lookup.scans import FINAL, Scan, ScanStatus, ScanStore

PATH = "/v1/scans"

BATCH = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""What a requester may call a batch."""


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(
        PATH, create_scan, methods=["POST"], status_code=202, openapi_extra=UPLOAD, summary="Upload a video to scan"
    )
    app.add_api_route(f"{PATH}/{{scan}}", get_scan, methods=["GET"], summary="Look at a scan")
    app.add_api_route(
        f"{PATH}/{{scan}}/events",
        watch_scan,
        methods=["GET"],
        response_class=EventStream,
        summary="Watch a scan until it ends, as server-sent events",
    )


async def _upload(request: Request, house: HouseOf, _caller: Requester) -> Upload:
    return await keep(request, house.uploads)


def create_scan(
    upload: Annotated[Upload, Depends(_upload)],
    request: Request,
    house: HouseOf,
    caller: Requester,
    batch: Annotated[str | None, Query(pattern=BATCH)] = None,
) -> Json:
    """Queue a scan of the uploaded video. In a `batch`, the same file under the same name is the same scan again."""
    id_ = choose_id(request, house, caller.id, "scan", {"sha256": upload.sha256, "name": upload.name})
    if batch is not None:
        id_ = house.scan_batches.join(caller.id, batch, upload.sha256, upload.name, id_)
    return scan_view(hand_in(house, Scan(id_, caller.id, datetime.now(UTC), upload.sha256, upload.name)))


def get_scan(scan: Id, house: HouseOf, caller: AnyCaller) -> Json:
    """Show where a scan stands, and its report when it is done."""
    return scan_view(scan_of(house, caller, scan))


class EventStream(StreamingResponse):
    """Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

    media_type = "text/event-stream"


def watch_scan(scan: Id, house: HouseOf, caller: AnyCaller) -> EventStream:
    """Tell where a scan stands whenever that changes, and end with it. A client that is cut off asks again."""
    known = scan_of(house, caller, scan)
    return EventStream(events(house.scans, known), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


LOOK_EVERY_S = 0.5
BEAT_EVERY_S = 15.0
"""A comment goes out at least this often, so that proxies do not take the silence for death."""

LONGEST_WATCH_S = 900.0
"""Then the stream ends and the client comes back (after `retry`): a stalled scan holds no connection for ever."""


async def events(scans: ScanStore, scan: Scan) -> AsyncIterator[str]:
    """Yield an event for each change of a scan until it has ended."""
    began = beaten = time.monotonic()
    told = ""
    yield "retry: 2000\n\n"
    while time.monotonic() - began < LONGEST_WATCH_S:
        words = json.dumps(scan_view(scan), separators=(",", ":"), ensure_ascii=False)
        if words != told:
            told, beaten = words, time.monotonic()
            yield f"event: scan\ndata: {words}\n\n"
        elif time.monotonic() - beaten >= BEAT_EVERY_S:
            beaten = time.monotonic()
            yield ": waiting\n\n"
        if scan.status in FINAL:
            return
        await asyncio.sleep(LOOK_EVERY_S)
        scan = await run_in_threadpool(scans.get, scan.id)


def scan_view(scan: Scan) -> Json:
    """A scan as JSON; the report is what `framegate scan --json` prints."""
    return {
        "id": scan.id,
        "object": "scan",
        "status": scan.status.value,
        "created_at": scan.created_at.isoformat(),
        "name": scan.name,
        "sha256": scan.sha256,
        "report": scan.report,
        "error": _error_words(scan.error),
        "progress": 1.0 if scan.status is ScanStatus.DONE else scan.progress,
    }


def _error_words(error: str) -> str | None:
    """The kind of an error and its slug. Its text may name folders of this machine: the worker's log has it."""
    if not error:
        return None
    kind = error.partition(":")[0]
    slug = next((problem.slug for known, problem in PROBLEMS.items() if known.__name__ == kind), None)
    return "step-failed" if slug is None else f"{kind} ({slug})"
