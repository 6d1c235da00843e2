"""What a person or program is shown of the domain: the one place where domain values become JSON.

Pure. The command line prints these objects with `--json`; the HTTP API returns them. A prompt is never in them, except
a rewritten one that its requester asked for.
"""

from __future__ import annotations

from typing import Any

from api.finding_views import finding_rows, span_view
from safety.advice import Advice, would_pass
from safety.banks import Bank
from safety.consent import Consent, OptOut
from safety.domain import (
    Action,
    Coverage,
    Decision,
    Job,
    ModifierInForce,
    OriginReport,
    Unmeasured,
    Verdict,
)
from safety.lookup.counts import Count
from safety.offer import Offer
from safety.people import Person
from safety.severity import tier_of

Json = dict[str, Any]


def decision_view(decision: Decision) -> Json:
    """A Decision in full: action, findings, scores, what went unmeasured."""
    scores: dict[str, float] = {}
    for score in decision.measurement.scores:
        scores[score.signal] = max(scores.get(score.signal, 0.0), round(score.value, 4))
    view: Json = {
        "action": decision.verdict.action.word,
        "conditions": list(decision.verdict.conditions),
        "findings": finding_rows(decision.verdict, decision.measurement.stills),
        **grade_view(decision.verdict),
        "scores": dict(sorted(scores.items())),
        "unmeasured": unmeasured_rows(decision.verdict.unmeasured),
        "policy": decision.verdict.policy,
        "decision": decision.id,
        "took_ms": round(sum(ms for _, ms in decision.measurement.took_ms), 1),
        "checkpoint": decision.checkpoint.value,
        "subject": decision.subject,
        "job": decision.job,
        "at": decision.at.isoformat(),
        "actor": {"kind": decision.actor.kind, "id": decision.actor.id},
        "supersedes": decision.supersedes,
        "reason": decision.reason,
        "code": decision.code or None,
        "requester": decision.requester or None,
        "parent": decision.parent,
        "classifiers": [{"name": name, "version": version} for name, version in decision.measurement.classifiers],
        "stages_ms": dict(decision.measurement.took_ms),
    }
    if decision.measurement.coverage is not None:
        view["coverage"] = coverage_view(decision.measurement.coverage)
    return view


def grade_view(verdict: Verdict) -> Json:
    """How grave a verdict is, what moved its thresholds, and what would pass."""
    return {
        "severity": verdict.severity,
        "tier": tier_of(verdict.severity).value,
        "modifiers": [modifier_view(each) for each in verdict.modifiers],
        "would_pass": [advice_view(each) for each in would_pass(verdict)],
    }


def modifier_view(modifier: ModifierInForce) -> Json:
    """A modifier that held, and where; `measured` is false where it counts because nobody could tell."""
    return {
        "id": modifier.id,
        "shift": modifier.shift,
        "categories": list(modifier.categories),
        "measured": all(each.score is not None for each in modifier.evidence),
        "spans": [span_view(each.span) for each in modifier.evidence if each.span is not None],
    }


def advice_view(advice: Advice) -> Json:
    """What would pass in one category: places, never words of the prompt."""
    return {
        "category": advice.category,
        "advice": advice.text or None,
        "change": [{"what": each.what, **span_view(each.span)} for each in advice.changes],
        "without": list(advice.without),
    }


def offer_view(offer: Offer | None) -> Json | None:
    """A rewrite that passes, for the requester who asked for it: the only view that holds words of a prompt."""
    if offer is None:
        return None
    edits = [{"start": each.start, "end": each.end, "replacement": each.replacement} for each in offer.rewrite.edits]
    return {
        "text": offer.rewrite.text,
        "edits": edits,
        "decision": offer.decision.id,
        "action": offer.decision.verdict.action.word,
    }


def coverage_view(coverage: Coverage) -> Json:
    """How much of a video was looked at."""
    return {
        "frames": {"seen": coverage.frames_seen, "total": coverage.frames_total},
        "seconds": {"seen": coverage.seconds_seen, "total": coverage.seconds_total},
        "duration_s": round(coverage.duration_s, 3),
        "longest_gap_s": round(coverage.longest_gap_s, 3),
        "stopped_s": None if coverage.stopped_s is None else round(coverage.stopped_s, 3),
    }


def unmeasured_rows(unmeasured: tuple[Unmeasured, ...]) -> list[Json]:
    """Signals that nobody could measure, each with its reason."""
    return [{"signal": each.signal, "reason": each.reason} for each in unmeasured]


def origin_view(report: OriginReport, decision: Decision, took_ms: float) -> Json:
    """An origin report."""
    coverage = report.coverage
    return {
        "origin": report.origin.value,
        "score": None if report.score is None else round(report.score, 4),
        "summary": report.summary,
        "evidence": [
            {
                "kind": each.kind,
                "points_to": each.points_to.value,
                "strength": each.strength.value,
                "summary": each.summary,
                "detail": each.detail,
            }
            for each in report.evidence
        ],
        "unmeasured": unmeasured_rows(report.unmeasured),
        "frames": {
            "seen": coverage.frames_seen if coverage else 0,
            "total": coverage.frames_total if coverage else 0,
        },
        "duration_s": round(coverage.duration_s, 3) if coverage else None,
        "timeline": [
            {**span_view(each.span), "score": round(each.value, 4)} for each in report.timeline if each.span is not None
        ],
        "action": decision.verdict.action.word,
        "decision": decision.id,
        "took_ms": round(took_ms, 1),
    }


def job_view(job: Job) -> Json:
    """A job without its prompt."""
    return {
        "job": job.id,
        "status": job.status.value,
        "created_at": job.created_at.isoformat(),
        "seconds": job.seconds,
        "size": f"{job.width}x{job.height}",
        "seed": job.seed,
        "error": job.error or None,
        **drawn_view(job),
    }


def drawn_view(job: Job) -> Json:
    """What was made of a job's prompt and drawn, and words of the prompt without influence on it."""
    revision = job.revision
    return {
        "revised_prompt": revision.prompt if revision else None,
        "ignored_words": list(revision.ignored) if revision else [],
    }


def bank_view(bank: Bank) -> Json:
    """A bank of known content, without its hashes."""
    return {
        "id": bank.id,
        "object": "bank",
        "category": bank.category,
        "owner": bank.owner,
        "reason": bank.reason,
        "until": bank.until.isoformat() if bank.until else None,
        "created_at": bank.created_at.isoformat(),
        "removed_at": bank.removed_at.isoformat() if bank.removed_at else None,
        "items": bank.items,
    }


def consent_view(consent: Consent) -> Json:
    """A consent with its names, for those who keep the registry."""
    return {
        "id": consent.id,
        "object": "consent",
        "names": list(consent.names),
        "requester": consent.requester,
        "until": consent.until.isoformat() if consent.until else None,
        "created_at": consent.created_at.isoformat(),
        "revoked_at": consent.revoked_at.isoformat() if consent.revoked_at else None,
    }


def person_view(person: Person) -> Json:
    """A known person with the names, for those who keep the gallery; never the face."""
    return {
        "id": person.id,
        "object": "person",
        "names": list(person.names),
        "photos": person.photos,
        "created_at": person.created_at.isoformat(),
        "removed_at": person.removed_at.isoformat() if person.removed_at else None,
    }


def opt_out_view(opt_out: OptOut) -> Json:
    """An opt-out with its names, for those who keep the registry."""
    return {
        "id": opt_out.id,
        "object": "opt_out",
        "names": list(opt_out.names),
        "created_at": opt_out.created_at.isoformat(),
        "removed_at": opt_out.removed_at.isoformat() if opt_out.removed_at else None,
    }


def count_view(found: Count) -> Json:
    """How many decisions there were in one step, and the share of each action."""
    return {
        "at": found.at.isoformat() if found.at else None,
        "value": found.value,
        "total": found.total,
        "actions": {action.word: found.actions.get(action.word, 0) for action in Action},
        "rates": {action.word: round(found.rate(action), 6) for action in Action},
    }
