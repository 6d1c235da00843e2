"""How a Verdict stands in a record: findings, evidence, spans, modifiers. The bytes are made by `safety.records`.

A field that the first ledgers did not have is written only where it says something, so an old entry reads back and is
encoded again to its own bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifiers.base import Span, TextSpan, TimeSpan
from safety.domain import Action, Evidence, Finding, ModifierInForce, Remedy, Trial, Unmeasured, Verdict
from safety.numbers import number

Record = dict[str, Any]


def verdict_to_record(verdict: Verdict) -> Record:
    """Write a Verdict as JSON values."""
    record: Record = {
        "action": verdict.action.word,
        "policy": verdict.policy,
        "findings": [_finding_to_record(each) for each in verdict.findings],
        "unmeasured": [unmeasured_to_record(each) for each in verdict.unmeasured],
    }
    if verdict.severity is not None:
        record["severity"] = int(verdict.severity)
    if verdict.modifiers:
        record["modifiers"] = [_modifier_to_record(each) for each in verdict.modifiers]
    return record


def verdict_from_record(record: Mapping[str, Any]) -> Verdict:
    """Read what `verdict_to_record` wrote, now or in an older version.

    Raises:
        KeyError, TypeError, ValueError: a field is missing or has a value that a Verdict cannot have.
    """
    return Verdict(
        action=Action.from_word(record["action"]),
        findings=tuple(_finding_from_record(each) for each in record["findings"]),
        unmeasured=tuple(Unmeasured(**each) for each in record["unmeasured"]),
        policy=record["policy"],
        modifiers=tuple(_modifier_from_record(each) for each in record.get("modifiers", ())),
        severity=record.get("severity"),
    )


def _finding_to_record(finding: Finding) -> Record:
    record: Record = {
        "rule": finding.rule,
        "category": finding.category,
        "action": finding.action.word,
        "clause": finding.clause,
        "evidence": [_evidence_to_record(each) for each in finding.evidence],
    }
    if finding.severity is not None:
        record["severity"] = int(finding.severity)
    if finding.moved_by:
        record["moved_by"] = list(finding.moved_by)
    if finding.advice:
        record["advice"] = finding.advice
    if finding.rewrite:
        record["rewrite"] = True
    if finding.remedy is not None:
        record["remedy"] = finding.remedy.value
    if finding.base is not None:
        record["base"] = int(finding.base)
    return record


def _finding_from_record(record: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=record["rule"],
        category=record["category"],
        action=Action.from_word(record["action"]),
        clause=record["clause"],
        evidence=tuple(_evidence_from_record(each) for each in record["evidence"]),
        severity=record.get("severity"),
        moved_by=tuple(record.get("moved_by", ())),
        advice=record.get("advice", ""),
        rewrite=record.get("rewrite", False),
        remedy=Remedy(record["remedy"]) if "remedy" in record else None,
        base=record.get("base"),
    )


def _modifier_to_record(modifier: ModifierInForce) -> Record:
    return {
        "id": modifier.id,
        "shift": number(modifier.shift),
        "categories": list(modifier.categories),
        "evidence": [_evidence_to_record(each) for each in modifier.evidence],
    }


def _modifier_from_record(record: Mapping[str, Any]) -> ModifierInForce:
    evidence = tuple(_evidence_from_record(each) for each in record["evidence"])
    return ModifierInForce(record["id"], record["shift"], tuple(record["categories"]), evidence)


def _evidence_to_record(evidence: Evidence) -> Record:
    record: Record = {
        "signal": evidence.signal,
        "threshold": number(evidence.threshold),
        "score": None if evidence.score is None else number(evidence.score),
        "span": span_to_record(evidence.span),
        "detail": evidence.detail,
    }
    if evidence.written is not None:
        record["written"] = number(evidence.written)
    return record


def _evidence_from_record(record: Mapping[str, Any]) -> Evidence:
    return Evidence(**{**record, "span": span_from_record(record["span"])})


def span_to_record(span: Span | None) -> Record | None:
    """Write a place."""
    if span is None:
        return None
    if isinstance(span, TextSpan):
        scene = {} if span.scene is None else {"scene": int(span.scene)}
        return {"start": int(span.start), "end": int(span.end), **scene}
    box = None if span.box is None else [number(side) for side in span.box]
    peak = {} if span.peak_s is None else {"peak_s": number(span.peak_s)}
    return {"start_s": number(span.start_s), "end_s": number(span.end_s), "box": box, **peak}


def span_from_record(record: Mapping[str, Any] | None) -> Span | None:
    """Read a place."""
    if record is None:
        return None
    if "start" in record:
        return TextSpan(record["start"], record["end"], record.get("scene"))
    left_top_right_bottom = None if record["box"] is None else tuple(record["box"])
    return TimeSpan(record["start_s"], record["end_s"], left_top_right_bottom, record.get("peak_s"))


def unmeasured_to_record(gap: Unmeasured) -> Record:
    """Write what nobody could measure."""
    return {"signal": gap.signal, "reason": gap.reason}


def trial_to_record(trial: Trial) -> Record:
    """Write what a policy that is tried said."""
    return {
        "policy": trial.policy,
        "part": trial.part,
        "action": trial.action.word,
        "rules": list(trial.rules),
        "against": trial.against,
        "in_force": trial.in_force.word,
    }


def trial_from_record(record: Mapping[str, Any]) -> Trial:
    """Read what `trial_to_record` wrote.

    Raises:
        KeyError, TypeError, ValueError: a field is missing or has a value that a Trial cannot have.
    """
    return Trial(
        record["policy"],
        record["part"],
        Action.from_word(record["action"]),
        tuple(record["rules"]),
        record["against"],
        Action.from_word(record["in_force"]),
    )
