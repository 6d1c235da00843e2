"""Says which hold is looked at first: severity × confidence × reach × age. Pure; the queue is `safety.review`."""

from __future__ import annotations

import math
from datetime import datetime

from safety.domain import Action, Decision

GRAVEST = 7
"""Severity of the gravest harm (`safety.severity`); what nobody could grade counts as that."""

AGE_DOUBLES_H = 24.0
"""Hours of waiting after which a hold counts twice: nothing waits for ever behind graver ones."""


def priority(decision: Decision, now: datetime, seen: int) -> float:
    """Return how urgent a hold is: greater is more urgent, 0.06 at least.

    `seen`: decisions that there are about the same content, this one included: how far it has spread here.

    severity: (1 + 0 … 7) / 8. confidence: the strongest score behind a finding; half where nothing was measured.
    reach: 1 + log2(seen). age: 1 at first, 2 after a day, 3 after two.
    """
    verdict = decision.verdict
    severity = GRAVEST if verdict.severity is None else verdict.severity
    found = [each for each in verdict.findings if each.action is not Action.ALLOW]
    scores = [evidence.score for each in found for evidence in each.evidence if evidence.score is not None]
    confidence = max(scores, default=0.5)
    waited_h = max(0.0, (now - decision.at).total_seconds() / 3600)
    return (1 + severity) / 8 * max(confidence, 0.5) * (1 + math.log2(max(1, seen))) * (1 + waited_h / AGE_DOUBLES_H)
