"""The record, read: decisions by condition, one decision, the newest signed checkpoint. Nothing here writes."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import PlainTextResponse

from api.auth import AnyCaller, Auditor, HouseOf
from api.errors import InvalidRequestError
from api.policy_views import record_view
from api.routes.owned import asked_for
from api.schemas import CountQuery, DecisionQuery, Id
from api.views import Json, count_view, decision_view
from safety.domain import Action
from safety.errors import NotFound
from safety.lookup import Question
from safety.lookup.counts import count
from safety.lookup.search import CATCH_UP
from safety.proofs import growth_path, prove_entry

PATH = "/v1/decisions"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(PATH, list_decisions, methods=["GET"], summary="List decisions, newest first")
    app.add_api_route(f"{PATH}/counts", count_decisions, methods=["GET"], summary="Count decisions over time")
    app.add_api_route(f"{PATH}/{{decision}}", get_decision, methods=["GET"], summary="Look at a decision")
    app.add_api_route(
        "/v1/ledger/checkpoint",
        get_checkpoint,
        methods=["GET"],
        response_class=PlainTextResponse,
        summary="The newest signed checkpoint",
    )
    app.add_api_route(
        "/v1/ledger/cosignatures",
        add_cosignature,
        methods=["POST"],
        openapi_extra={"requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}}},
        summary="Hand in a witness's cosignature",
    )
    app.add_api_route(
        "/v1/ledger/key",
        get_key,
        methods=["GET"],
        response_class=PlainTextResponse,
        summary="The key that verifies checkpoints",
    )
    app.add_api_route(
        "/v1/ledger/consistency", get_consistency, methods=["GET"], summary="Prove that the log only grew"
    )
    app.add_api_route(
        "/v1/ledger/entries/{entry}/proof", get_proof, methods=["GET"], summary="Prove that an entry is in the log"
    )


def list_decisions(house: HouseOf, _caller: Auditor, query: Annotated[DecisionQuery, Query()]) -> Json:
    """List decisions that meet every condition, newest first, a page at a time."""
    asked = query.model_dump(exclude={"action", "limit", "after", "q", "reviewer"})
    action = None if query.action is None else Action.from_word(query.action)
    question = Question(**asked, action=action, words=query.q, actor=query.reviewer)
    page = house.search.page(question, after=query.after, limit=query.limit)
    return {
        "object": "list",
        "data": [record_view(decision) for decision in page],
        # A full page may have been the last one: the next is then empty.
        "next": page[-1].id if len(page) == query.limit else None,
    }


def count_decisions(house: HouseOf, _caller: Auditor, query: Annotated[CountQuery, Query()]) -> Json:
    """Count decisions over time, with the share of each action."""
    house.search.catch_up(CATCH_UP)
    found = count(house.engine, query.by, query.every, since=query.since, until=query.until)
    return {"object": "list", "data": [count_view(each) for each in found], "behind": house.search.behind()}


def get_decision(decision: Id, house: HouseOf, caller: AnyCaller) -> Json:
    """Show one decision: to auditors and reviewers any, to a requester those about what it asked for."""
    found = house.ledger.decision(decision)
    if found is None or not (caller.may("auditor", "reviewer") or asked_for(house, caller, found.job)):
        raise NotFound(f"no decision has the id {decision}")
    replacement = house.ledger.superseding(decision)
    shown = record_view(found) if caller.may("auditor", "reviewer") else decision_view(found)
    return {**shown, "superseded_by": replacement.id if replacement else None}


def get_checkpoint(house: HouseOf) -> str:
    """Return the newest checkpoint as a signed note (C2SP tlog-checkpoint). Public: keep copies of it elsewhere."""
    note = house.ledger.latest_checkpoint()
    if note is None:
        raise NotFound("no checkpoint was signed yet")
    return note


async def _note(request: Request) -> str:
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError:
        raise InvalidRequestError("the body is a signed note in UTF-8") from None


def add_cosignature(note: Annotated[str, Depends(_note)], house: HouseOf) -> Json:
    """Take a checkpoint of this log with the cosignatures of witnesses that are known here. Public: they prove it."""
    return {"object": "cosignatures", "witnesses": house.cosignatures.accept(note)}


def get_key(house: HouseOf) -> str:
    """Return the log's public key, one line `name+id+key`. Public; compare it with the one published elsewhere."""
    return f"{house.log_key.public.text}\n"


def get_consistency(house: HouseOf, size: Annotated[int, Query(ge=0)]) -> Json:
    """Return the newest checkpoint and the path to it from the log of `size` entries. Public: hashes only."""
    checkpoint, path = growth_path(house.ledger, size, house.log_key.public, *house.former_log_keys)
    return {"checkpoint": checkpoint, "path": [base64.b64encode(step).decode() for step in path]}


def get_proof(entry: Id, house: HouseOf, _caller: Auditor) -> Json:
    """Return the bytes of one entry, its place, its path, and the checkpoint it stands under."""
    return prove_entry(house.ledger, entry, house.log_key.public, *house.former_log_keys).to_json()
