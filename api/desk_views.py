"""What a reviewer's desk shows: the queue and appeals as JSON. Pure; decisions are `api.views`."""

from __future__ import annotations

from api.views import Json, decision_view
from safety.lookup import Claim
from safety.lookup.appeals import Appeal
from safety.review import Waiting


def waiting_view(waiting: Waiting) -> Json:
    """A hold in the queue: the decision, how urgent it is, who works on it."""
    claim = None if waiting.claim is None else claim_view(waiting.claim)
    return {**decision_view(waiting.decision), "priority": round(waiting.priority, 4), "claim": claim}


def claim_view(claim: Claim) -> Json:
    """Who works on which hold, until when."""
    return {"decision": claim.decision, "reviewer": claim.reviewer, "until": claim.until.isoformat()}


def appeal_view(appeal: Appeal) -> Json:
    """An appeal and where it stands."""
    return {
        "appeal": appeal.id,
        "decision": appeal.decision,
        "state": appeal.state,
        "by": appeal.by,
        "reason": appeal.reason,
        "at": appeal.at.isoformat(),
        "due": appeal.due.isoformat(),
        "answer": None
        if appeal.answered_at is None
        else {
            "by": appeal.answered_by,
            "at": appeal.answered_at.isoformat(),
            "reason": appeal.answer,
            "code": appeal.code or None,
            "replacement": appeal.replacement,
        },
    }
