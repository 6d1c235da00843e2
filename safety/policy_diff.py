"""What differs between two policies, rule by rule. Pure; what that does to past decisions is `safety.replay`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from safety.rules import Category, Condition, Modifier, Policy, Rule


@dataclass(frozen=True)
class Change:
    """One thing that one policy says and the other does not, or says otherwise."""

    kind: str
    """`rule`, `modifier`, `category`, `coverage`, `gap` or `origin`."""

    id: str
    before: str | None
    """What the old policy says; None: nothing."""

    after: str | None


def differences(old: Policy, new: Policy) -> list[Change]:
    """Return every difference, in the order of kind and id; none where both say the same in other bytes."""
    return [
        *_changes("rule", {each.id: _rule(each) for each in old.rules}, {each.id: _rule(each) for each in new.rules}),
        *_changes(
            "modifier",
            {each.id: _modifier(each) for each in old.modifiers},
            {each.id: _modifier(each) for each in new.modifiers},
        ),
        *_changes(
            "category",
            {id_: _category(each) for id_, each in old.categories.items()},
            {id_: _category(each) for id_, each in new.categories.items()},
        ),
        *_changes(
            "coverage",
            {checkpoint.value: repr(each) for checkpoint, each in old.coverage.items()},
            {checkpoint.value: repr(each) for checkpoint, each in new.coverage.items()},
        ),
        *_changes(
            "gap",
            {f"{each.checkpoint}/{each.signal}": each.reason for each in old.gaps},
            {f"{each.checkpoint}/{each.signal}": each.reason for each in new.gaps},
        ),
        *_changes(
            "origin",
            _origin(old),
            _origin(new),
        ),
    ]


def _changes(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for id_ in sorted(before.keys() | after.keys()):
        if before.get(id_) != after.get(id_):
            yield Change(kind, id_, before.get(id_), after.get(id_))


def _origin(policy: Policy) -> dict[str, str]:
    stated = {"false_alarms": policy.false_alarms, "likely_synthetic": policy.likely_synthetic}
    return {key: f"{value:g}" for key, value in stated.items() if value is not None}


def _rule(rule: Rule) -> str:
    remedy = f", remedy {rule.remedy!r}" if rule.remedy else ""
    return (
        f"{rule.checkpoint}: {rule.category} {rule.action.word} if {_conditions(rule.conditions)}, "
        f"unmeasured: {rule.if_unmeasured.word}{remedy}"
    )


def _modifier(modifier: Modifier) -> str:
    return (
        f"{modifier.checkpoint}: {modifier.shift:+g} for {', '.join(sorted(modifier.categories))} "
        f"({' '.join(sorted(each.word for each in modifier.moves))}) if {_conditions(modifier.conditions)}"
    )


def _category(category: Category) -> str:
    return f"severity {category.severity}, rewrite {category.rewrite}, {category.clause!r}, {category.advice!r}"


def _conditions(conditions: Iterable[Condition]) -> str:
    return " and ".join(sorted(f"{each.signal} >= {each.threshold:g}" for each in conditions))
