"""`/v1/exports`: decisions as a stream without a cap. The same rows as `framegate export decisions`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import FastAPI, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, Field

from api.auth import Auditor, HouseOf
from api.schemas import Body, Word
from safety.domain import Action, Checkpoint
from safety.exports.decision_rows import COLUMNS, cells_of, csv_text, json_line, row_of
from safety.lookup.selection import Selected, Selection, selected

PATH = "/v1/exports/decisions"

KINDS = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


class ExportQuery(Body):
    """The conditions of an export; a decision meets all that are given."""

    format: Literal["jsonl", "csv"] = "jsonl"
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    checkpoint: Checkpoint | None = None
    action: Literal["allow", "review", "block"] | None = None
    category: Word | None = None
    policy: Word | None = None
    after: int = Field(-1, ge=-1)
    """`position` of the last row that arrived, to go on there."""

    end: int | None = Field(None, ge=0)
    """`Framegate-End` of the answer that broke off."""


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(
        PATH,
        export_decisions,
        methods=["GET"],
        response_class=StreamingResponse,
        responses={200: {"content": {"application/x-ndjson": {}, "text/csv": {}}}},
        summary="Export decisions, oldest first, all of them",
    )


def export_decisions(house: HouseOf, _caller: Auditor, query: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    """Stream every decision that meets the conditions. One that broke off goes on with `after` and the same `end`."""
    selection = Selection(
        since=query.since,
        until=query.until,
        checkpoint=query.checkpoint,
        action=None if query.action is None else Action.from_word(query.action),
        category=query.category,
        policy=query.policy,
    )
    size = house.ledger.size()
    end = size if query.end is None else min(query.end, size)
    pages = selected(house.engine, selection, after=query.after, end=end)
    text = _csv(pages, heading=query.after < 0) if query.format == "csv" else _jsonl(pages)
    headers = {
        "framegate-end": str(end),
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="decisions.{query.format}"',
    }
    return StreamingResponse(text, media_type=KINDS[query.format], headers=headers)


def _jsonl(pages: Iterator[list[Selected]]) -> Iterator[bytes]:
    for page in pages:
        yield b"".join(map(json_line, page))


def _csv(pages: Iterator[list[Selected]], *, heading: bool) -> Iterator[bytes]:
    if heading:
        yield csv_text([[name for name, _ in COLUMNS]])
    for page in pages:
        yield csv_text([cells_of(row_of(each)) for each in page])
