"""`/v1/scan-batches`: how a batch of uploads stands, and what each of its scans found or why it could not be read."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path, Query

from api.auth import AnyCaller, HouseOf
from api.routes.scans import BATCH, scan_view
from api.scan_queue import batch_view
from api.schemas import Id
from api.views import Json
from safety.lookup.scans import ScanStatus

MOST = 200


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route("/v1/scan-batches/{batch}", get_batch, methods=["GET"], summary="Look at a batch of scans")


def get_batch(
    batch: Annotated[str, Path(pattern=BATCH)],
    house: HouseOf,
    caller: AnyCaller,
    status: ScanStatus | None = None,
    after: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> Json:
    """Count the scans of the caller's own batch and show a page of them; `status=failed` shows what went wrong."""
    counts = house.scan_batches.counts(caller.id, batch)
    ids = house.scan_batches.page(caller.id, batch, status=status, after=after, limit=limit)
    return batch_view(batch, counts, [scan_view(house.scans.get(id_)) for id_ in ids], limit)
