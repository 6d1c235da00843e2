"""Which modifiers hold for a piece of content, and where the thresholds of a rule stand then. Pure.

- A stricter modifier counts as present when it is unmeasured; a more lenient one counts only when it was measured.
- Modifiers do not add up: of several that move a rule, the one that moves furthest counts. Where a stricter one holds,
  no lenient one does.
- A threshold moves at most half the way to 0 or to 1, so strong evidence always stands and weak evidence never does.

Why: docs/adr/0009. What rules then do is `safety.judge`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from safety.domain import Checkpoint, Evidence, ModifierInForce, Score
from safety.rules import Modifier, Policy, Rule


def holding(
    policy: Policy, checkpoint: Checkpoint, scores: Sequence[Score], absent: frozenset[str]
) -> tuple[tuple[Modifier, ModifierInForce], ...]:
    """Return the checkpoint's modifiers that hold, in the policy's order, each with what it rests on."""
    held = []
    for modifier in policy.modifiers_at(checkpoint):
        evidence = _evidence(modifier, scores, absent)
        if evidence is not None:
            in_force = ModifierInForce(modifier.id, modifier.shift, modifier.categories, evidence)
            held.append((modifier, in_force))
    return tuple(held)


def moving(rule: Rule, modifiers: Iterable[Modifier]) -> tuple[Modifier, ...]:
    """Return those of the holding modifiers that set this rule's thresholds: the furthest strict ones, else lenient."""
    concerned = [modifier for modifier in modifiers if modifier.concerns(rule)]
    deciding = [modifier for modifier in concerned if modifier.strict] or concerned
    furthest = max((abs(modifier.shift) for modifier in deciding), default=0.0)
    return tuple(modifier for modifier in deciding if abs(modifier.shift) == furthest)


def in_force(threshold: float, modifiers: Sequence[Modifier]) -> float:
    """Return where a threshold in (0, 1] stands under what `moving` returned; it stays in (0, 1]."""
    shift = modifiers[0].shift if modifiers else 0.0
    if shift < 0:
        return max(threshold + shift, threshold / 2)
    return max(threshold, min(threshold + shift, (1 + threshold) / 2))


def lowest_in_force(policy: Policy, checkpoint: Checkpoint) -> dict[str, float]:
    """Return, for each signal of the checkpoint, the lowest score at which any rule or modifier may take notice."""
    lowest: dict[str, float] = {}
    strict = [modifier for modifier in policy.modifiers_at(checkpoint) if modifier.strict]
    for rule in policy.rules_at(checkpoint):
        moved = [in_force_by for modifier in strict if (in_force_by := moving(rule, [modifier]))]
        for condition in rule.conditions:
            levels = [in_force(condition.threshold, each) for each in moved]
            lowest[condition.signal] = min([condition.threshold, lowest.get(condition.signal, 1.0), *levels])
    for modifier in policy.modifiers_at(checkpoint):
        for condition in modifier.conditions:
            lowest[condition.signal] = min(condition.threshold, lowest.get(condition.signal, 1.0))
    return lowest


def watched(policies: Iterable[Policy], checkpoint: Checkpoint) -> dict[str, float]:
    """Return, for each signal, the lowest score at which any of these policies may take notice there."""
    lowest: dict[str, float] = {}
    for policy in policies:
        for signal, level in lowest_in_force(policy, checkpoint).items():
            lowest[signal] = min(level, lowest.get(signal, level))
    return lowest


def _evidence(modifier: Modifier, scores: Sequence[Score], absent: frozenset[str]) -> tuple[Evidence, ...] | None:
    evidence = []
    for condition in modifier.conditions:
        unknown = condition.signal in absent
        hits = [each for each in scores if each.signal == condition.signal and each.value >= condition.threshold]
        if hits and (modifier.strict or not unknown):
            best = min(hits, key=_strongest_first)
            evidence.append(Evidence(condition.signal, condition.threshold, best.value, best.span, best.detail))
        elif unknown and modifier.strict:
            evidence.append(Evidence(condition.signal, condition.threshold, score=None))
        else:
            return None
    return tuple(evidence)


def _strongest_first(score: Score) -> tuple[float, str, str]:
    return (-score.value, repr(score.span), score.detail)
