"""`/v1/banks`: as `framegate bank`. For keys with the scope `admin`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from api.auth import Admin, HouseOf
from api.schemas import BankBody, Id
from api.views import Json, bank_view
from safety.errors import InvalidContent
from safety.exchange import read_items, write_items

Reason = Annotated[str, Query(min_length=1, max_length=500, description="Why; recorded for good.")]

BANKS = "/v1/banks"
TYPES = {"csv": "text/csv", "threatexchange": "application/json", "hma": "application/json"}


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    bank, items = BANKS + "/{bank}", BANKS + "/{bank}/items"
    app.add_api_route(BANKS, create_bank, methods=["POST"], status_code=201, summary="Make a bank")
    app.add_api_route(BANKS, list_banks, methods=["GET"], summary="List banks")
    app.add_api_route(bank, remove_bank, methods=["DELETE"], status_code=204, summary="Remove a bank")
    app.add_api_route(items, add_items, methods=["POST"], status_code=201, summary="Bank hashes")
    app.add_api_route(items, export_items, methods=["GET"], summary="Export a bank", response_class=Response)
    app.add_api_route(items + "/{item}", remove_item, methods=["DELETE"], status_code=204, summary="Remove an item")


def create_bank(body: BankBody, house: HouseOf, caller: Admin) -> Json:
    """Make an empty bank of known content."""
    return bank_view(
        house.banks.create(
            body.id, category=body.category, owner=body.owner, reason=body.reason, until=body.until, actor=caller.id
        )
    )


def list_banks(house: HouseOf, _caller: Admin) -> Json:
    """List the banks that were not removed, oldest first."""
    return {"object": "list", "data": [bank_view(each) for each in house.banks.banks()]}


def remove_bank(bank: Id, reason: Reason, house: HouseOf, caller: Admin) -> Response:
    """Look for nothing of this bank any more and erase its hashes. Repeating it is safe."""
    house.banks.remove(bank, reason=reason, actor=caller.id)
    return Response(status_code=204)


async def add_items(bank: Id, request: Request, house: HouseOf, caller: Admin) -> Json:
    """Bank the hashes of a body in CSV, ThreatExchange JSON or HMA JSON: all of them or none."""
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError as error:
        raise InvalidContent("the body is not UTF-8 text") from error
    reading = await run_in_threadpool(read_items, text)
    ids = await run_in_threadpool(house.banks.add, bank, reading.items, actor=caller.id)
    return {
        "object": "bank_import",
        "bank": bank,
        "items": ids,
        "there_already": len(reading.items) - len(ids),
        "other_types": reading.other_types,
        "harmless": reading.harmless,
    }


def export_items(
    bank: Id,
    house: HouseOf,
    _caller: Admin,
    format_: Annotated[Literal["csv", "threatexchange", "hma"], Query(alias="format")] = "threatexchange",
) -> Response:
    """Return a bank's hashes in a form of hash-sharing programmes."""
    house.banks.bank(bank)
    lines: Iterator[str] = write_items(house.banks.items(bank), format_)
    return StreamingResponse(lines, media_type=TYPES[format_])


def remove_item(bank: Id, item: Id, reason: Reason, house: HouseOf, caller: Admin) -> Response:
    """Look for an item no more and erase its hashes. Repeating it is safe."""
    house.banks.remove_item(bank, item, reason=reason, actor=caller.id)
    return Response(status_code=204)
