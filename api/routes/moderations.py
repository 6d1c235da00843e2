"""`POST /v1/moderations`: judge texts at the prompt gate, in the shape of OpenAI's moderation API.

Clients of that API work unchanged. Pictures are refused: nothing here measures them, and silence would read as clean.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.auth import HouseOf, Requester, session_of
from api.errors import InvalidRequestError, UnsupportedFeatureError
from api.finding_views import finding_rows
from api.routes.categories import NAMES, answer
from api.schemas import ImagePart, ModerationBody, TextPart
from api.views import grade_view, offer_view, unmeasured_rows
from safety.domain import Action, Decision
from safety.offer import offer_rewrite

PATH = "/v1/moderations"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(PATH, create_moderation, methods=["POST"], summary="Judge texts at the prompt gate")


def create_moderation(body: ModerationBody, house: HouseOf, caller: Requester) -> dict[str, Any]:
    """Judge every text, or all as one storyboard; each Decision is recorded. A text that is none refuses them all."""
    gate = house.prompt_gate
    # A key that only asks for judgements asks for many people: without their names there is no session.
    asked = {"requester": caller.id, "session": session_of(caller, body.safety_identifier)}
    texts = _texts(body)
    if body.storyboard:
        decisions = [gate.check_prompt("", scenes=_scenes(body, texts), **asked)]
    else:
        for text in texts:
            gate.readable(text)
        decisions = [gate.check_prompt(text, **asked) for text in texts]
    results = [result_view(decision) for decision in decisions]
    if body.rewrite:
        for text, decision, result in zip(texts, decisions, results, strict=True):
            offer = offer_rewrite(gate, text, decision, requester=caller.id)
            result["x_framegate"]["rewrite"] = offer_view(offer)
    return {
        "id": f"modr-{decisions[0].id.removeprefix('dec_')}",
        "model": f"framegate-{house.policy_in_force.name}",
        "results": results,
    }


def result_view(decision: Decision) -> dict[str, Any]:
    """One Decision as a moderation result. Our whole answer stands in `x_framegate`."""
    told = answer(decision)
    return {
        "flagged": decision.verdict.action is not Action.ALLOW,
        "categories": told.categories,
        "category_scores": told.scores,
        "category_applied_input_types": {name: ["text"] for name in NAMES},
        "x_framegate": {
            "decision": decision.id,
            "action": decision.verdict.action.word,
            "policy": decision.verdict.policy,
            "findings": finding_rows(decision.verdict),
            **grade_view(decision.verdict),
            "unmeasured": unmeasured_rows(decision.verdict.unmeasured),
            "categories_unmeasured": told.unmeasured,
        },
    }


def _scenes(body: ModerationBody, texts: list[str]) -> list[str]:
    if isinstance(body.input, str):
        raise InvalidRequestError("a storyboard is a list of scenes: send the texts in `input` as a list", "input")
    if body.rewrite:
        raise InvalidRequestError("a rewrite is offered of one text, not of a storyboard", "rewrite")
    return texts


def _texts(body: ModerationBody) -> list[str]:
    if isinstance(body.input, str):
        return [body.input]
    if any(isinstance(part, ImagePart) for part in body.input):
        raise UnsupportedFeatureError(
            "pictures are not measured by this route: nothing was judged. Send the text alone; "
            "videos are screened when they are generated or released",
            "input",
        )
    parts = [part.text for part in body.input if isinstance(part, TextPart)]
    if parts and not body.storyboard:
        return ["\n".join(parts)]
    return parts or [text for text in body.input if isinstance(text, str)]
