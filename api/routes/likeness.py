"""`/v1/consents` and `/v1/optouts`: as `framegate consent` and `framegate optout`. For keys with the scope `admin`."""

from __future__ import annotations

from fastapi import FastAPI, Response

from api.auth import Admin, HouseOf
from api.consenting import grant_consent
from api.schemas import ConsentBody, Id, OptOutBody
from api.views import Json, consent_view, opt_out_view

CONSENTS = "/v1/consents"
OPT_OUTS = "/v1/optouts"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    one = "/{registration}"
    app.add_api_route(CONSENTS, grant, methods=["POST"], status_code=201, summary="Grant a consent")
    app.add_api_route(CONSENTS, list_consents, methods=["GET"], summary="List consents")
    app.add_api_route(CONSENTS + one, revoke_consent, methods=["DELETE"], status_code=204, summary="Revoke a consent")
    app.add_api_route(OPT_OUTS, add_opt_out, methods=["POST"], status_code=201, summary="Add an opt-out")
    app.add_api_route(OPT_OUTS, list_opt_outs, methods=["GET"], summary="List opt-outs")
    app.add_api_route(OPT_OUTS + one, remove_opt_out, methods=["DELETE"], status_code=204, summary="Remove an opt-out")


def grant(body: ConsentBody, house: HouseOf, caller: Admin) -> Json:
    """Record that a requester, the id of a key in force or `local`, may show this person."""
    return consent_view(grant_consent(house, body.names, body.requester, until=body.until, actor=caller.id))


def list_consents(house: HouseOf, _caller: Admin) -> Json:
    """List the consents that were not revoked, oldest first."""
    return {"object": "list", "data": [consent_view(each) for each in house.likeness.consents()]}


def revoke_consent(registration: Id, house: HouseOf, caller: Admin) -> Response:
    """End a consent at once and erase its names. Repeating it is safe."""
    house.likeness.revoke(registration, actor=caller.id)
    return Response(status_code=204)


def add_opt_out(body: OptOutBody, house: HouseOf, caller: Admin) -> Json:
    """Refuse this person's name from now on, listed or not."""
    return opt_out_view(house.likeness.opt_out(body.names, actor=caller.id))


def list_opt_outs(house: HouseOf, _caller: Admin) -> Json:
    """List the opt-outs in force, oldest first."""
    return {"object": "list", "data": [opt_out_view(each) for each in house.likeness.opt_outs()]}


def remove_opt_out(registration: Id, house: HouseOf, caller: Admin) -> Response:
    """End an opt-out and erase its names. Repeating it is safe."""
    house.likeness.remove_opt_out(registration, actor=caller.id)
    return Response(status_code=204)
