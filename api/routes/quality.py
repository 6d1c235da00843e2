"""`/v1/quality`: second looks. The same as `framegate quality`."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Response
from fastapi.responses import FileResponse
from pydantic import AwareDatetime

from api.auth import Admin, Auditor, HouseOf, Reviewer
from api.desk_views import item_view, quality_view, standing_view
from api.revealing import item_of, look_at_file, look_at_prompt
from api.routes.reviews import UNKEPT
from api.schemas import Body, Id, ReviewBody
from api.views import Json

PATH = "/v1/quality"


class PeriodQuery(Body):
    """A period."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route("/v1/reviewers/me", get_standing, methods=["GET"], summary="How much one looked at")
    app.add_api_route(f"{PATH}/next", get_next, methods=["GET"], summary="An item to look at a second time")
    app.add_api_route(f"{PATH}/report", get_report, methods=["GET"], summary="How good decisions are")
    app.add_api_route(f"{PATH}/{{decision}}", get_item, methods=["GET"], summary="Look at an item and its prompt")
    app.add_api_route(
        f"{PATH}/{{decision}}/content",
        get_content,
        methods=["GET"],
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {}}}},
        summary="Look at an item's video",
    )
    app.add_api_route(f"{PATH}/{{decision}}", opine, methods=["POST"], summary="Say what one would decide")
    app.add_api_route(
        f"{PATH}/{{decision}}/golden", mark_golden, methods=["POST"], status_code=201, summary="Set the right answer"
    )


def get_standing(house: HouseOf, caller: Reviewer) -> Json:
    """Say how much the caller looked at in 24 hours, and whether a break is due."""
    return standing_view(house.exposure.of(caller.id))


def get_next(house: HouseOf, caller: Reviewer) -> Json:
    """Name an item; neither why it was drawn nor what was decided."""
    return item_view(house.quality.next(caller.id))


def get_item(decision: Id, response: Response, house: HouseOf, caller: Reviewer) -> Json:
    """Show an item with its prompt; the look is recorded."""
    item = item_of(house, decision, caller.id)
    response.headers["cache-control"] = UNKEPT["cache-control"]
    prompt = look_at_prompt(house, item, caller.id)
    return {**item_view(item.decision), "prompt": prompt, "content": item.has_file}


def get_content(decision: Id, house: HouseOf, caller: Reviewer) -> FileResponse:
    """Send an item's video; the look is recorded."""
    item = item_of(house, decision, caller.id)
    path = look_at_file(house, item, caller.id)
    return FileResponse(path, media_type="application/octet-stream", filename=f"{decision}.bin", headers=UNKEPT)


def opine(decision: Id, body: ReviewBody, house: HouseOf, caller: Reviewer) -> Json:
    """Record what the caller would decide; it changes no decision."""
    opinion = house.quality.opine(decision, allow=body.allow, reviewer=caller.id, reason=body.reason, code=body.code)
    return {"decision": opinion.decision, "allow": opinion.allow}


def mark_golden(decision: Id, body: ReviewBody, house: HouseOf, caller: Admin) -> Json:
    """Set the right answer to a decision: reviewers are measured against it."""
    opinion = house.quality.mark_golden(decision, allow=body.allow, by=caller.id, reason=body.reason, code=body.code)
    return {"decision": opinion.decision, "allow": opinion.allow}


def get_report(house: HouseOf, _caller: Auditor, query: Annotated[PeriodQuery, Query()]) -> Json:
    """Say how far reviewers agree, how much policies miss, and how often reviewers are right."""
    return quality_view(house.quality.report(query.since, query.until))
