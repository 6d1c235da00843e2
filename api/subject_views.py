"""Subjects and legal holds as JSON, for the command line and the HTTP API."""

from __future__ import annotations

from api.views import Json
from safety.lookup import LegalHold, Subject


def subject_view(subject: Subject) -> Json:
    """A Subject: never who it is."""
    return {
        "id": subject.id,
        "object": "subject",
        "requester": subject.requester,
        "created_at": subject.created_at.isoformat(),
        "used_at": subject.used_at.isoformat(),
        "erased_at": subject.erased_at.isoformat() if subject.erased_at else None,
    }


def legal_hold_view(hold: LegalHold) -> Json:
    """A legal hold."""
    return {
        "id": hold.id,
        "object": "legal_hold",
        "target": hold.target,
        "reason": hold.reason,
        "actor": hold.actor,
        "placed_at": hold.placed_at.isoformat(),
        "lifted_at": hold.lifted_at.isoformat() if hold.lifted_at else None,
    }
