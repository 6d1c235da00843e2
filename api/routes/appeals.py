"""`/v1/appeals`: have a decision looked at again, and answer. The same as `framegate appeal`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import FastAPI, Query

from api.auth import AnyCaller, HouseOf, Reviewer
from api.desk_views import appeal_view
from api.routes.owned import asked_for
from api.schemas import AnswerBody, AppealBody, Id
from api.settling import reopen
from api.views import Json
from safety.errors import NotFound

PATH = "/v1/appeals"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(
        "/v1/decisions/{decision}/appeals", file_appeal, methods=["POST"], status_code=201, summary="Appeal a decision"
    )
    app.add_api_route(PATH, list_appeals, methods=["GET"], summary="List appeals")
    app.add_api_route(f"{PATH}/{{appeal}}", get_appeal, methods=["GET"], summary="Where an appeal stands")
    app.add_api_route(f"{PATH}/{{appeal}}", answer_appeal, methods=["POST"], summary="Answer an appeal")
    app.add_api_route(f"{PATH}/{{appeal}}", withdraw_appeal, methods=["DELETE"], summary="Withdraw an appeal")


def file_appeal(decision: Id, body: AppealBody, house: HouseOf, caller: AnyCaller) -> Json:
    """Appeal a decision about what one asked for; a reviewer may file one for somebody."""
    found = house.ledger.decision(decision)
    if found is None or not (
        caller.may("reviewer") or found.requester == caller.id or asked_for(house, caller, found.job)
    ):
        raise NotFound(f"no decision has the id {decision}")
    return appeal_view(house.appeals.file(decision, by=caller.id, reason=body.reason))


def list_appeals(
    house: HouseOf,
    _caller: Reviewer,
    state: Annotated[Literal["open", "upheld", "overturned", "withdrawn"], Query()] = "open",
) -> Json:
    """List appeals in a state, oldest first."""
    return {"object": "list", "data": [appeal_view(appeal) for appeal in house.appeals.list(state)]}


def get_appeal(appeal: Id, house: HouseOf, caller: AnyCaller) -> Json:
    """Show an appeal: to who filed it, to reviewers and auditors."""
    found = house.appeals.get(appeal)
    if found.by != caller.id and not caller.may("reviewer", "auditor"):
        raise NotFound(f"no appeal has the id {appeal}")
    return appeal_view(found)


def answer_appeal(appeal: Id, body: AnswerBody, house: HouseOf, caller: Reviewer) -> Json:
    """Answer an appeal against somebody else's decision. Overturned: a new decision supersedes, and its job goes on."""
    answered = house.appeals.answer(
        appeal, overturn=body.overturn, reviewer=caller.id, reason=body.reason, code=body.code
    )
    if answered.replacement is not None and (decided := house.ledger.decision(answered.replacement)) is not None:
        reopen(house, decided)
    return appeal_view(answered)


def withdraw_appeal(appeal: Id, house: HouseOf, caller: AnyCaller) -> Json:
    """Withdraw one's own appeal."""
    found = house.appeals.get(appeal)
    if found.by != caller.id:
        raise NotFound(f"no appeal has the id {appeal}")
    return appeal_view(house.appeals.withdraw(appeal, by=caller.id, reason="withdrawn"))
