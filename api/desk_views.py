"""What the desks of reviewers and of policy makers show: queue, appeals and replays as JSON. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.views import Json, decision_view
from safety.lookup import Claim
from safety.lookup.appeals import Appeal
from safety.review import Waiting

if TYPE_CHECKING:
    from safety.agreement import Agreement
    from safety.domain import Decision
    from safety.exposure import Standing
    from safety.figures import Share
    from safety.quality import QualityReport
    from safety.replay import Replay


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


def item_view(item: Decision) -> Json:
    """An item of a second look: neither what was decided nor why it was drawn."""
    return {"decision": item.id, "checkpoint": item.checkpoint.value}


def standing_view(told: Standing) -> Json:
    """How much a reviewer looked at."""
    times = {"working_since": told.working_since, "wait_until": told.wait_until}
    return {"looks": told.looks, **{name: at and at.isoformat() for name, at in times.items()}, "why": told.why or None}


def quality_view(told: QualityReport) -> Json:
    """What second looks say."""
    return {
        "kappa": {category: _agreement(each) for category, each in told.kappa.items()},
        "all_pairs": _agreement(told.all_pairs),
        "missed": _share(told.missed),
        "golden": {reviewer: _share(share) for reviewer, share in told.golden.items()},
    }


def _agreement(told: Agreement) -> Json:
    interval = None if told.interval is None else list(told.interval)
    return {"pairs": told.pairs, "observed": told.observed, "kappa": told.kappa, "interval": interval}


def replay_view(replay: Replay) -> Json:
    """What another policy would have done."""
    return {
        "policy": replay.policy,
        "decisions": replay.decisions,
        "changed": replay.changed,
        "changes": [
            {"before": before, "after": after, "count": count, "examples": replay.examples.get((before, after), [])}
            for (before, after), count in sorted(replay.changes.items())
        ],
        "categories": {
            category: {"before": before, "after": after}
            for category, (before, after) in sorted(replay.categories.items())
        },
        "estimates": [
            {"category": each.category, "precision": _share(each.precision), "recall": _share(each.recall)}
            for each in replay.estimates
        ],
    }


def _share(share: Share) -> Json:
    return {"k": share.k, "n": share.n, "value": share.value, "interval": list(share.interval)}
