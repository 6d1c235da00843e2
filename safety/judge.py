"""Judges a Measurement by a Policy. Pure: the same scores and policy always give the same Verdict.

Laws (tests/safety/test_judge.py): raising the score of a rule's signal never lowers the action; the order of scores
does not matter; a signal that a rule asks for and nobody measured is at least REVIEW; a strict modifier never softens,
a lenient one never tightens, and none touches a category that it does not name. No IO, no clock, no logging.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from safety.domain import Action, Checkpoint, Evidence, Finding, Measurement, Score, TextSpan, Unmeasured, Verdict
from safety.modifiers import holding, in_force, moving
from safety.policy import Modifier, Policy, Rule
from safety.severity import gravest, severity_of

MAX_EVIDENCE = 8
"""Strongest places shown for one condition; the ledger keeps every score."""


def judge(policy: Policy, checkpoint: Checkpoint, measurement: Measurement) -> Verdict:
    """Return what the policy says about these scores at this checkpoint."""
    unmeasured = list(measurement.unmeasured)
    measured = {score.signal for score in measurement.scores}
    noted = {gap.signal for gap in unmeasured}
    for signal in sorted(policy.signals_at(checkpoint) - measured - noted):
        unmeasured.append(Unmeasured(signal, "no classifier reported it"))

    absent = frozenset(gap.signal for gap in unmeasured)
    held = holding(policy, checkpoint, measurement.scores, absent)
    modifiers = [modifier for modifier, _ in held]
    findings = [
        finding
        for rule in policy.rules_at(checkpoint)
        if (finding := _apply(rule, moving(rule, modifiers), policy, measurement.scores, absent)) is not None
    ]
    action = max((finding.action for finding in findings), default=Action.ALLOW)

    if gaps := unseen(policy, checkpoint, measurement):
        unmeasured += gaps
        action = max(action, policy.coverage[checkpoint].if_unmet)
    closed = measured - absent  # by a classifier that settings add
    unmeasured += [
        Unmeasured(gap.signal, gap.reason)
        for gap in policy.gaps
        if gap.checkpoint is checkpoint and gap.signal not in closed
    ]

    return Verdict(
        action=action,
        findings=tuple(sorted(findings, key=lambda finding: -finding.action)),
        unmeasured=tuple(sorted(set(unmeasured), key=lambda gap: (gap.signal, gap.reason))),
        policy=policy.digest,
        modifiers=tuple(each for _, each in held),
        severity=gravest(action, findings),
    )


def _apply(
    rule: Rule, modifiers: Sequence[Modifier], policy: Policy, scores: Iterable[Score], absent: frozenset[str]
) -> Finding | None:
    """Three-valued AND: every condition is reached, not reached, or unknown because its signal is unmeasured."""
    evidence: list[Evidence] = []
    known = unknown = 0
    for condition in rule.conditions:
        threshold = in_force(condition.threshold, modifiers)
        written = condition.threshold if threshold != condition.threshold else None
        reached = _reached(condition.signal, threshold, written, scores)
        if reached:
            known += 1
            evidence += reached
        elif condition.signal in absent:
            unknown += 1
            evidence.append(Evidence(condition.signal, threshold, score=None, written=written))
        else:
            return None
    category = policy.categories[rule.category]
    severity = severity_of(category.severity, evidence)
    return Finding(
        rule=rule.id,
        category=rule.category,
        action=rule.action if not unknown else _absence(rule, known),
        clause=category.clause,
        evidence=tuple(evidence),
        severity=severity,
        moved_by=tuple(modifier.id for modifier in modifiers),
        advice=category.advice,
        rewrite=category.rewrite,
        remedy=None if unknown else rule.remedy,
        base=category.severity if severity is None else None,
    )


def _absence(rule: Rule, known: int) -> Action:
    """What a rule with unmeasured conditions does: `if_unmeasured`, but a conjunction of which nothing at all is known
    accuses nobody and asks for REVIEW (docs/adr/0008)."""
    return Action.REVIEW if len(rule.conditions) > 1 and not known else rule.if_unmeasured


def _reached(signal: str, threshold: float, written: float | None, scores: Iterable[Score]) -> list[Evidence]:
    hits = [s for s in scores if s.signal == signal and s.value >= threshold]
    hits.sort(key=_strongest_first)
    return [Evidence(s.signal, threshold, s.value, s.span, s.detail, written) for s in hits[:MAX_EVIDENCE]]


def _strongest_first(score: Score) -> tuple[float, int, float, float, str]:
    if score.span is None:
        return (-score.value, 0, -1.0, -1.0, score.detail)
    if isinstance(score.span, TextSpan):
        return (-score.value, score.span.scene or 0, float(score.span.start), float(score.span.end), score.detail)
    return (-score.value, 0, score.span.start_s, score.span.end_s, score.detail)


def unseen(policy: Policy, checkpoint: Checkpoint, measurement: Measurement) -> list[Unmeasured]:
    """Return what the policy demands to be looked at and was not: its verdict is at least `if_unmet` of that demand."""
    demand, coverage = policy.coverage.get(checkpoint), measurement.coverage
    gaps: list[Unmeasured] = []
    if demand is None:
        return gaps
    if coverage is None:
        if demand.longest_gap_s is not None or demand.frames_share is not None:
            why = "the policy demands how much of a video is looked at; coverage is unknown"
            gaps.append(Unmeasured("coverage", why))
        return gaps
    if coverage.stopped_s is not None:
        gaps.append(Unmeasured("coverage", f"looking ended at {coverage.stopped_s:.2f} s: the policy had seen enough"))
    if demand.longest_gap_s is not None and coverage.longest_gap_s > demand.longest_gap_s:
        unseen = f"{coverage.longest_gap_s:.2f} s in a row were not looked at"
        gaps.append(Unmeasured("coverage", f"{unseen}; the policy allows {demand.longest_gap_s:g} s"))
    if demand.frames_share is not None and coverage.frames_share < demand.frames_share:
        seen = f"{coverage.frames_seen} of {coverage.frames_total} frames were looked at"
        gaps.append(Unmeasured("coverage", f"{seen}; the policy demands a share of {demand.frames_share:g}"))
    return gaps


def is_final(policy: Policy, checkpoint: Checkpoint, verdict: Verdict) -> bool:
    """Say whether a verdict blocks whatever else is found: on measured evidence, and no modifier could soften it.

    Scores only ever rise while a video is looked at, and a higher score never lowers the action.
    """
    lenient = [modifier for modifier in policy.modifiers_at(checkpoint) if not modifier.strict]
    blocking = {
        finding.rule
        for finding in verdict.findings
        if finding.action is Action.BLOCK and all(each.score is not None for each in finding.evidence)
    }
    rules = [rule for rule in policy.rules_at(checkpoint) if rule.id in blocking]
    return any(not any(modifier.concerns(rule) for modifier in lenient) for rule in rules)
