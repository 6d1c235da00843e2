"""Judges a Measurement by a Policy. Pure: the same scores and policy always give the same Verdict.

Laws (tests/safety/test_judge.py): raising a score never lowers the action; the order of scores does not matter;
a signal that a rule asks for and nobody measured is at least REVIEW. No IO, no clock, no logging.
"""

from __future__ import annotations

from collections.abc import Iterable

from safety.domain import Action, Checkpoint, Evidence, Finding, Measurement, Score, TextSpan, Unmeasured, Verdict
from safety.policy import Condition, Policy, Rule

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
    findings = [
        finding
        for rule in policy.rules_at(checkpoint)
        if (finding := _apply(rule, policy, measurement.scores, absent)) is not None
    ]
    action = max((finding.action for finding in findings), default=Action.ALLOW)

    if (gap := _unseen(policy, checkpoint, measurement)) is not None:
        unmeasured.append(gap)
        action = max(action, Action.REVIEW)
    unmeasured += [Unmeasured(gap.signal, gap.reason) for gap in policy.gaps if gap.checkpoint is checkpoint]

    return Verdict(
        action=action,
        findings=tuple(sorted(findings, key=lambda finding: -finding.action)),
        unmeasured=tuple(sorted(set(unmeasured), key=lambda gap: (gap.signal, gap.reason))),
        policy=policy.digest,
    )


def _apply(rule: Rule, policy: Policy, scores: Iterable[Score], absent: frozenset[str]) -> Finding | None:
    """Three-valued AND: every condition is reached, not reached, or unknown because its signal is unmeasured."""
    evidence: list[Evidence] = []
    known = unknown = 0
    for condition in rule.conditions:
        reached = _reached(condition, scores)
        if reached:
            known += 1
            evidence += reached
        elif condition.signal in absent:
            unknown += 1
            evidence.append(Evidence(condition.signal, condition.threshold, score=None))
        else:
            return None
    return Finding(
        rule=rule.id,
        category=rule.category,
        action=rule.action if not unknown else _absence(rule, known),
        clause=policy.categories[rule.category].clause,
        evidence=tuple(evidence),
    )


def _absence(rule: Rule, known: int) -> Action:
    """What a rule with unmeasured conditions does: `if_unmeasured`, but a conjunction of which nothing at all is known
    accuses nobody and asks for REVIEW (docs/adr/0008)."""
    return Action.REVIEW if len(rule.conditions) > 1 and not known else rule.if_unmeasured


def _reached(condition: Condition, scores: Iterable[Score]) -> list[Evidence]:
    hits = [s for s in scores if s.signal == condition.signal and s.value >= condition.threshold]
    hits.sort(key=_strongest_first)
    return [Evidence(s.signal, condition.threshold, s.value, s.span, s.detail) for s in hits[:MAX_EVIDENCE]]


def _strongest_first(score: Score) -> tuple[float, float, float, str]:
    if score.span is None:
        return (-score.value, -1.0, -1.0, score.detail)
    if isinstance(score.span, TextSpan):
        return (-score.value, float(score.span.start), float(score.span.end), score.detail)
    return (-score.value, score.span.start_s, score.span.end_s, score.detail)


def _unseen(policy: Policy, checkpoint: Checkpoint, measurement: Measurement) -> Unmeasured | None:
    demand = policy.longest_gap_s.get(checkpoint)
    if demand is None:
        return None
    if measurement.coverage is None:
        return Unmeasured(
            "coverage", f"the policy asks that no more than {demand:g} s stay unseen; coverage is unknown"
        )
    if measurement.coverage.longest_gap_s > demand:
        gap_s = measurement.coverage.longest_gap_s
        return Unmeasured("coverage", f"{gap_s:.2f} s in a row were not looked at; the policy allows {demand:g} s")
    return None
