"""`/v1/reviews`: what waits for a person, its content, and what the person decides. The same as `framegate review`."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response

from api.auth import HouseOf, Reviewer
from api.revealing import hold_of, look_at_file, look_at_prompt, look_at_still
from api.schemas import Id, ReviewBody
from api.settling import settle
from api.views import Json, decision_view
from safety.domain import Checkpoint

PATH = "/v1/reviews"

UNKEPT = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Headers of held content: nobody on the way keeps it or guesses what it is."""


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(PATH, list_reviews, methods=["GET"], summary="List what waits for a person")
    app.add_api_route(f"{PATH}/{{decision}}", get_review, methods=["GET"], summary="Look at a hold and its prompt")
    app.add_api_route(
        f"{PATH}/{{decision}}/content",
        get_review_content,
        methods=["GET"],
        response_class=Response,
        responses={200: {"content": {"video/mp4": {}, "application/octet-stream": {}}}},
        summary="Look at the held video",
    )
    app.add_api_route(
        f"{PATH}/{{decision}}/stills/{{still}}",
        get_review_still,
        methods=["GET"],
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}}},
        summary="Look at a blurred picture of a finding",
    )
    app.add_api_route(f"{PATH}/{{decision}}", decide_review, methods=["POST"], summary="Decide a hold")


def list_reviews(house: HouseOf, _caller: Reviewer) -> Json:
    """List the decisions that hold something, oldest first."""
    return {"object": "list", "data": [decision_view(decision) for decision in house.review.holds()]}


def get_review(decision: Id, response: Response, house: HouseOf, caller: Reviewer) -> Json:
    """Show what is held, with the prompt; the look is recorded. `content` says whether there is a file to look at."""
    hold = hold_of(house, decision)
    response.headers["cache-control"] = UNKEPT["cache-control"]
    prompt = look_at_prompt(house, hold, caller.id)
    return {**decision_view(hold.decision), "prompt": prompt, "content": hold.has_file}


def get_review_content(decision: Id, house: HouseOf, caller: Reviewer) -> FileResponse:
    """Send the held video, not signed and not released; the look is recorded."""
    hold = hold_of(house, decision)
    # A stranger's upload may be anything: no browser is told that it is a video.
    uploaded = hold.decision.checkpoint is Checkpoint.UPLOAD
    return FileResponse(
        look_at_file(house, hold, caller.id),
        media_type="application/octet-stream" if uploaded else "video/mp4",
        filename=f"{decision}.bin" if uploaded else f"{decision}.mp4",
        headers=UNKEPT,
    )


def get_review_still(decision: Id, still: Id, house: HouseOf, caller: Reviewer) -> FileResponse:
    """Send a blurred picture of the frame in which a finding is strongest; the look is recorded."""
    hold = hold_of(house, decision)
    return FileResponse(look_at_still(house, hold, still, caller.id), media_type="image/jpeg", headers=UNKEPT)


def decide_review(decision: Id, body: ReviewBody, house: HouseOf, caller: Reviewer) -> Json:
    """Record the decision that supersedes a hold; an allowed job goes on where it stopped. Repeating it is safe."""
    decided = house.review.decide(decision, allow=body.allow, reviewer=caller.id, reason=body.reason)
    settle(house, decided)
    return decision_view(decided)
