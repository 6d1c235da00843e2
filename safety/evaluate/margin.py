"""How near a prompt is to a rule: one number by which rows can be ranked as the gate ranks them.

The margin is the distance of a score from the written threshold in log-odds: 0 where the rule just fires, above 0 where
it fires. A conjunction is as near as its farthest condition, a category as its nearest rule. Modifiers, which move
thresholds for some content, are left out: the verdict itself is always the judge's. Decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from safety.domain import Checkpoint
from safety.policy import Policy, Rule

NEAR_ONE = 1e-6
"""Probabilities are kept this far from 0 and 1, so that certainty has finite log-odds (13.8)."""

FARTHEST = 2 * math.log((1 - NEAR_ONE) / NEAR_ONE)
"""No margin is farther from 0 than this."""


def log_odds(probability: float) -> float:
    """Return log(p / (1 - p)) of a probability, finite also for 0 and 1."""
    p = min(max(probability, NEAR_ONE), 1 - NEAR_ONE)
    return math.log(p / (1 - p))


def margin(rules: Iterable[Rule], scores: Mapping[str, float]) -> float:
    """Return the margin of the nearest of these rules; an unmeasured signal counts as lying on its threshold."""
    nearest = -FARTHEST
    for rule in rules:
        here = min(
            log_odds(scores[condition.signal]) - log_odds(condition.threshold) if condition.signal in scores else 0.0
            for condition in rule.conditions
        )
        nearest = max(nearest, here)
    return nearest


def rules_of(policy: Policy, categories: Iterable[str]) -> tuple[Rule, ...]:
    """Return the rules that guard the prompt against these categories."""
    wanted = frozenset(categories)
    return tuple(rule for rule in policy.rules_at(Checkpoint.PROMPT) if rule.category in wanted)


def signals_of(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return the signals that fire one of these rules alone, in the policy's order."""
    return tuple(dict.fromkeys(rule.conditions[0].signal for rule in rules if len(rule.conditions) == 1))
