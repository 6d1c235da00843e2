"""`/v1/policies`: register a policy, try it, make it live, roll back: as `framegate policy`.

Changes are for keys with the scope `admin`, looking is for auditors. A policy is named by its digest, or by 8 digits
of it or more.
"""

from __future__ import annotations

from fastapi import FastAPI

from api.auth import Admin, Auditor, HouseOf
from api.policy_views import event_view, figures_view, standing_view
from api.schemas import Id
from api.schemas_policies import PolicyBody, PromotionBody, WhyBody
from api.views import Json
from safety.errors import InvalidContent, PolicyError
from safety.policy_book import Bar
from safety.policy_states import PolicyState

POLICIES = "/v1/policies"


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    policy = POLICIES + "/{policy}"
    app.add_api_route(POLICIES, register_policy, methods=["POST"], status_code=201, summary="Register a policy")
    app.add_api_route(POLICIES, list_policies, methods=["GET"], summary="List registered policies")
    app.add_api_route(f"{POLICIES}/rollback", roll_back, methods=["POST"], summary="Undo the newest promotion")
    app.add_api_route(policy, get_policy, methods=["GET"], summary="Show a registered policy")
    app.add_api_route(f"{policy}/promotion", promote, methods=["POST"], summary="Move a policy on")
    app.add_api_route(f"{policy}/retirement", retire, methods=["POST"], summary="Try a policy no more")


def register_policy(body: PolicyBody, house: HouseOf, caller: Admin) -> Json:
    """Keep a policy as a draft."""
    try:
        return event_view(house.policy_book.register(body.policy.encode(), by=caller.id, reason=body.reason))
    except PolicyError as error:  # not the house's policy: the caller's
        raise InvalidContent(f"the policy cannot be registered: {error}") from error


def list_policies(house: HouseOf, _caller: Auditor) -> Json:
    """List registered policies in the order in which they were registered, and name the one in force."""
    book = house.policy_book
    newest = {event.policy: event for event in book.history()}
    data = [standing_view(newest[policy], state) for policy, state in book.states().of.items() if policy in newest]
    return {"object": "list", "in_force": book.in_force(), "data": data}


def get_policy(policy: Id, house: HouseOf, _caller: Auditor) -> Json:
    """Show where a policy stands, how it came there, and how it compares with the one in force."""
    book = house.policy_book
    digest = book.find(policy)
    history = book.history(digest)
    return {
        **standing_view(history[-1], book.states().of[digest]),
        "history": [event_view(each) for each in history],
        "trials": figures_view(book.figures(digest, book.in_force())),
        "text": book.body(digest).decode(),
    }


def promote(policy: Id, body: PromotionBody, house: HouseOf, caller: Admin) -> Json:
    """Move a policy on to shadow, canary or live, or give a canary another share."""
    book = house.policy_book
    event = book.promote(
        book.find(policy),
        PolicyState(body.to),
        by=caller.id,
        reason=body.reason,
        share=body.share,
        bar=Bar(body.decisions, body.agreement),
        unproven=body.unproven,
    )
    return event_view(event)


def retire(policy: Id, body: WhyBody, house: HouseOf, caller: Admin) -> Json:
    """Try a policy no more."""
    book = house.policy_book
    return event_view(book.retire(book.find(policy), by=caller.id, reason=body.reason))


def roll_back(body: WhyBody, house: HouseOf, caller: Admin) -> Json:
    """Undo the newest promotion: a canary becomes a shadow again, or what was in force before is so again."""
    return event_view(house.policy_book.rollback(by=caller.id, reason=body.reason))
