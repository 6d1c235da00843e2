"""Finds the restriction behind a decision's id, for statements of reasons on the command line and over HTTP."""

from __future__ import annotations

from api.wiring import House
from safety.errors import Conflict, NotFound
from safety.exports.statements import Restriction, restriction_of


def restriction_behind(house: House, decision_id: str) -> Restriction:
    """Return what a decision restricts.

    Raises:
        NotFound: there is no such decision.
        Conflict: it restricts nothing: it allows without conditions, or still waits for a person.
    """
    decision = house.ledger.decision(decision_id)
    if decision is None:
        raise NotFound(f"no decision has the id {decision_id}")
    restriction = restriction_of(decision, house.ledger.superseding(decision_id))
    if restriction is None:
        raise Conflict(
            f"decision {decision_id} is {decision.verdict.action.word}: it restricts nothing to give reasons for"
        )
    return restriction
