"""`/v1/subjects` and `/v1/legal-holds`: as `framegate subject`.

A requester erases itself and the persons it named, so that a service can pass its users' requests on; everything else
is for keys with the scope `admin`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query

from api.auth import Admin, HouseOf, Requester
from api.erasing import erase, erasure_of
from api.errors import ForbiddenError
from api.schemas import ErasureBody, Id, LegalHoldBody
from api.subject_views import legal_hold_view, subject_view
from api.views import Json

HOLDS = "/v1/legal-holds"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route("/v1/subjects/erasures", erase_subject, methods=["POST"], summary="Erase a person's data")
    app.add_api_route("/v1/subjects/{subject}", get_subject, methods=["GET"], summary="Look at a subject")
    app.add_api_route(HOLDS, place_legal_hold, methods=["POST"], status_code=201, summary="Place a legal hold")
    app.add_api_route(HOLDS, list_legal_holds, methods=["GET"], summary="List legal holds")
    app.add_api_route(f"{HOLDS}/{{legal_hold}}", lift_legal_hold, methods=["DELETE"], summary="Lift a legal hold")


def erase_subject(body: ErasureBody, house: HouseOf, caller: Requester) -> Json:
    """Erase what is kept of a person, and return the receipt: it verifies with the ledger's public key alone."""
    requester = body.requester or caller.id
    if requester != caller.id and not caller.may("admin"):
        raise ForbiddenError("another requester's persons are erased by admins: leave `requester` out for your own")
    who = f"{requester}/{body.person}" if body.person else requester
    return erase(house, house.subjects.find(who), actor=caller.id, reason=body.reason).to_json()


def get_subject(subject: Id, house: HouseOf, _caller: Admin) -> Json:
    """Say since when data is kept, and where it was erased, show the receipt."""
    found = house.subjects.find(subject)
    receipt = erasure_of(house).receipt(found.id).to_json() if found.erased_at else None
    return {**subject_view(found), "receipt": receipt}


def place_legal_hold(body: LegalHoldBody, house: HouseOf, caller: Admin) -> Json:
    """Keep everything of a subject, a video or a scan until lifted, whatever retention or its requester says."""
    return legal_hold_view(house.legal_holds.place(body.target, reason=body.reason, actor=caller.id))


def list_legal_holds(house: HouseOf, _caller: Admin) -> Json:
    """List the legal holds in force, oldest first."""
    return {"object": "list", "data": [legal_hold_view(each) for each in house.legal_holds.list()]}


def lift_legal_hold(
    legal_hold: Id, house: HouseOf, caller: Admin, reason: Annotated[str, Query(min_length=1, max_length=500)]
) -> Json:
    """End a legal hold."""
    return legal_hold_view(house.legal_holds.lift(legal_hold, reason=reason, actor=caller.id))
