"""`/v1/exports`: decisions as a stream without a cap, statements of reasons. The same as `framegate export`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Literal

from fastapi import FastAPI, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, Field

from api.auth import AnyCaller, Auditor, HouseOf
from api.restrictions import restriction_behind
from api.routes.owned import asked_for
from api.schemas import Body, Id, Word
from api.views import Json
from api.wiring import personal_data_scan
from safety.appeals import ANSWER_WITHIN
from safety.domain import Action, Checkpoint
from safety.errors import Conflict, NotFound
from safety.exports.decision_rows import COLUMNS, cells_of, csv_text, json_line, row_of
from safety.exports.dsa_schema import dsa_schema
from safety.exports.statement_batches import faults_of, restrictions
from safety.exports.statements import Terms, letter, statement_of
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


class StatementQuery(Body):
    """A batch of statements of reasons."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    after: int = Field(-1, ge=-1)
    """`next` of the batch before."""

    terms_url: str = Field("", max_length=500)
    with_reasons: bool = False


class ReportQuery(Body):
    """The period of a transparency report."""

    since: AwareDatetime
    until: AwareDatetime


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
    app.add_api_route(
        "/v1/exports/statements", export_statements, methods=["GET"], summary="A batch of statements of reasons"
    )
    app.add_api_route(
        "/v1/exports/report", transparency_report, methods=["GET"], summary="The figures of a transparency report"
    )
    app.add_api_route(
        "/v1/decisions/{decision}/statement", get_statement, methods=["GET"], summary="Why something was restricted"
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


def get_statement(decision: Id, house: HouseOf, caller: AnyCaller) -> Json:
    """Give the reasons for a restriction: to who asked for the content, to reviewers and auditors."""
    found = house.ledger.decision(decision)
    if found is None or not (
        caller.may("auditor", "reviewer") or found.requester == caller.id or asked_for(house, caller, found.job)
    ):
        raise NotFound(f"no decision has the id {decision}")
    restriction = restriction_behind(house, decision)
    return {
        "decision": decision,
        "text": letter(restriction, appeal_days=ANSWER_WITHIN.days),
        "statement": statement_of(restriction, Terms()),
    }


def export_statements(house: HouseOf, _caller: Auditor, query: Annotated[StatementQuery, Query()]) -> Json:
    """Return the next batch of statements of reasons, ready to be sent on; refused where one has a fault."""
    selection = Selection(since=query.since, until=query.until)
    terms = Terms(url=query.terms_url, with_reasons=query.with_reasons)
    found = list(islice(restrictions(house.ledger, selection, after=query.after), dsa_schema().statements_a_call))
    statements, scan = [statement_of(each, terms) for _, each in found], personal_data_scan()
    faults = {each["puid"]: told for each in statements if (told := faults_of(each, scan))}
    if faults:
        named = "; ".join(f"{decision}: {', '.join(told)}" for decision, told in faults.items())
        raise Conflict(f"this batch does not leave: {named}")
    return {"statements": statements, "next": found[-1][0] if len(found) == dsa_schema().statements_a_call else None}


def transparency_report(house: HouseOf, _caller: Auditor, query: Annotated[ReportQuery, Query()]) -> Json:
    """Count a period: volumes, automation, categories, reviews, appeals, delays, what went unmeasured."""
    from safety.exports.transparency import report_of, tally

    return report_of(tally(house.ledger, query.since, query.until))


def _jsonl(pages: Iterator[list[Selected]]) -> Iterator[bytes]:
    for page in pages:
        yield b"".join(map(json_line, page))


def _csv(pages: Iterator[list[Selected]], *, heading: bool) -> Iterator[bytes]:
    if heading:
        yield csv_text([[name for name, _ in COLUMNS]])
    for page in pages:
        yield csv_text([cells_of(row_of(each)) for each in page])
