"""How grave a finding is: 0 to 7, from the policy's severity of its category and from how far over the threshold it is.

    margin   = (score - threshold) / (1 - threshold), of the weakest condition of the rule; 1 where the threshold is 1
    severity = the category's, one less below a margin of 1/3, one more from 2/3 on; 1 to 7
    a category of severity 7 has 7 whatever the score is; what rests on something unmeasured has none

Pure, and monotone: a higher score or a lower threshold never lowers it (tests/safety/test_severity.py). It decides
nothing: an Action comes from rules alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from safety.judgement import Action, Evidence, Finding, Tier

HIGHEST = 7
LITTLE, MUCH = 1 / 3, 2 / 3
"""Margins below the first are weak evidence, from the second on strong: thirds, so that neither end is rare."""

_TIERS = (Tier.NONE, Tier.LOW, Tier.LOW, Tier.MEDIUM, Tier.MEDIUM, Tier.HIGH, Tier.HIGH, Tier.CRITICAL)


def severity_of(base: int, evidence: Iterable[Evidence]) -> int | None:
    """Return 1 to 7 for a finding of a category of severity `base`; None where a condition of it was not measured."""
    strongest: dict[tuple[str, float], float] = {}
    for each in evidence:
        if each.score is None:
            return None
        condition = (each.signal, each.threshold)
        strongest[condition] = max(strongest.get(condition, 0.0), _margin(each.score, each.threshold))
    if base == HIGHEST:
        return HIGHEST
    margin = min(strongest.values())
    return max(1, min(HIGHEST, base + (margin >= MUCH) - (margin < LITTLE)))


def gravest(action: Action, findings: Sequence[Finding]) -> int | None:
    """Return a verdict's severity: the gravest finding's, 0 where all is allowed, None where nobody can say."""
    known = [finding.severity for finding in findings if finding.severity is not None]
    if known:
        return max(known)
    return 0 if action is Action.ALLOW else None


def tier_of(severity: int | None) -> Tier:
    """Return the tier: 0 none, 1-2 low, 3-4 medium, 5-6 high, 7 critical; unknown where there is no severity."""
    return Tier.UNKNOWN if severity is None else _TIERS[severity]


def _margin(score: float, threshold: float) -> float:
    """How far over its threshold a score is, in [0, 1]."""
    return 1.0 if threshold >= 1 else (score - threshold) / (1 - threshold)
