"""`/v1/reviews`: what waits for a person, and what the person decides. The same as `framegate review`."""

from __future__ import annotations

from fastapi import FastAPI

from api.auth import HouseOf, Reviewer
from api.schemas import Id, ReviewBody
from api.settling import settle
from api.views import Json, decision_view

PATH = "/v1/reviews"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(PATH, list_reviews, methods=["GET"], summary="List what waits for a person")
    app.add_api_route(f"{PATH}/{{decision}}", decide_review, methods=["POST"], summary="Decide a hold")


def list_reviews(house: HouseOf, _caller: Reviewer) -> Json:
    """List the decisions that hold something, oldest first."""
    return {"object": "list", "data": [decision_view(decision) for decision in house.review.holds()]}


def decide_review(decision: Id, body: ReviewBody, house: HouseOf, caller: Reviewer) -> Json:
    """Record the decision that supersedes a hold; an allowed job goes on where it stopped. Repeating it is safe."""
    decided = house.review.decide(decision, allow=body.allow, reviewer=caller.id, reason=body.reason)
    settle(house, decided)
    return decision_view(decided)
