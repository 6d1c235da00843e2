"""`/v1/releases/{release}/withdrawal` and `/v1/withdrawals`: as `framegate release`. For reviewers and admins.

Everybody who asks about a copy is told when a release was withdrawn and by which code; the reason is for the record.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query

from api.auth import AnyCaller, HouseOf, Reviewer
from api.errors import ForbiddenError
from api.release_views import withdrawal_view
from api.routes.video_content import RELEASES
from api.schemas import Id, RestoreBody, WithdrawalBody
from api.views import Json


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(f"{RELEASES}/withdrawal", withdraw, methods=["POST"], summary="Withdraw a release")
    app.add_api_route(f"{RELEASES}/restoration", restore, methods=["POST"], summary="Serve a release again")
    app.add_api_route("/v1/withdrawals", list_withdrawals, methods=["GET"], summary="List what is withdrawn")


def withdraw(release: Id, body: WithdrawalBody, house: HouseOf, caller: Reviewer) -> Json:
    """Recall a release: its content is not served any more. Repeating it keeps the first withdrawal."""
    if body.erase and not caller.may("admin"):
        raise ForbiddenError("erasing the files of a release needs the scope admin; withdrawing it does not")
    event = house.withdrawals.withdraw(release, by=caller.id, reason=body.reason, code=body.code, erase=body.erase)
    return withdrawal_view(event)


def restore(release: Id, body: RestoreBody, house: HouseOf, caller: Reviewer) -> Json:
    """Serve a withdrawn release again."""
    return withdrawal_view(house.withdrawals.restore(release, by=caller.id, reason=body.reason))


def list_withdrawals(house: HouseOf, caller: AnyCaller, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> Json:
    """List the withdrawals in force, newest first: for reviewers and auditors."""
    if not caller.may("reviewer", "auditor"):
        raise ForbiddenError("this API key lacks the scope that this route needs: reviewer or auditor")
    return {"object": "list", "data": [withdrawal_view(each) for each in house.withdrawals.in_force(limit)]}
