"""`/v1/reviews`: what waits for a person, its content, and what the person decides. The same as `framegate review`."""

from __future__ import annotations

from datetime import timedelta

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response

from api.auth import HouseOf, Reviewer
from api.desk_views import claim_view, waiting_view
from api.revealing import hold_of, look_at_file, look_at_prompt, look_at_soft_copy, look_at_still
from api.schemas import ClaimBody, Id, ReviewBody, UndoBody
from api.settling import reopen, settle
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
        f"{PATH}/{{decision}}/soft",
        get_soft_copy,
        methods=["GET"],
        response_class=Response,
        responses={200: {"content": {"video/mp4": {}}}},
        summary="Look at the held video in grey, blurred and silent",
    )
    app.add_api_route(
        f"{PATH}/{{decision}}/stills/{{still}}",
        get_review_still,
        methods=["GET"],
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}}},
        summary="Look at a blurred picture of a finding",
    )
    app.add_api_route(f"{PATH}/claims", claim_review, methods=["POST"], summary="Take a hold to work on")
    app.add_api_route(
        f"{PATH}/{{decision}}/claim", put_back, methods=["DELETE"], status_code=204, summary="Put a hold back"
    )
    app.add_api_route(f"{PATH}/{{decision}}", decide_review, methods=["POST"], summary="Decide a hold")
    app.add_api_route(f"{PATH}/{{decision}}/undo", undo_review, methods=["POST"], summary="Take a decision back")


def list_reviews(house: HouseOf, _caller: Reviewer) -> Json:
    """List the decisions that hold something, the most urgent first, with who works on them."""
    return {"object": "list", "data": [waiting_view(waiting) for waiting in house.review.queue()]}


def claim_review(body: ClaimBody, house: HouseOf, caller: Reviewer) -> Json:
    """Take this hold, or the most urgent that nobody has, for some minutes; again for longer."""
    house.exposure.require(caller.id)
    return claim_view(house.review.claim(caller.id, body.decision, timedelta(minutes=body.minutes)))


def put_back(decision: Id, house: HouseOf, caller: Reviewer) -> None:
    """End one's own claim."""
    house.review.put_back(decision, caller.id)


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


def get_soft_copy(decision: Id, house: HouseOf, caller: Reviewer) -> Response:
    """Send the held video in grey, small, out of focus and silent: often that is enough. The look is recorded."""
    hold = hold_of(house, decision)
    return Response(look_at_soft_copy(house, hold, caller.id), media_type="video/mp4", headers=UNKEPT)


def get_review_still(decision: Id, still: Id, house: HouseOf, caller: Reviewer) -> Response:
    """Send a blurred picture of the frame in which a finding is strongest; the look is recorded."""
    hold = hold_of(house, decision)
    return Response(look_at_still(house, hold, still, caller.id), media_type="image/jpeg", headers=UNKEPT)


def decide_review(decision: Id, body: ReviewBody, house: HouseOf, caller: Reviewer) -> Json:
    """Record the decision that supersedes a hold; an allowed job goes on where it stopped. Repeating it is safe."""
    decided = house.review.decide(decision, allow=body.allow, reviewer=caller.id, reason=body.reason, code=body.code)
    settle(house, decided)
    return decision_view(decided)


def undo_review(decision: Id, body: UndoBody, house: HouseOf, caller: Reviewer) -> Json:
    """Take a reviewer's decision back while nothing went on from it: the hold waits again. Both stay recorded."""
    reopened = house.review.undo(decision, reviewer=caller.id, reason=body.reason, code=body.code)
    reopen(house, reopened)
    return decision_view(reopened)
