"""Asks of recorded decisions what another policy would have said: from their scores, judging no content again.

    entry ─▶ Measurement ─▶ judge(new policy) ─▶ compared with the Verdict on record
                                              └▶ and with what a reviewer decided later

Reads the ledger once, in pages; writes nothing. Only what policies decided is replayed; what people decided is the
truth that precision and recall are estimated from. People see what the old policy held, so recall is of that alone:
what both policies let pass is in neither number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from safety.domain import Action, Decision
from safety.figures import Share
from safety.judge import judge
from safety.lookup import LedgerReader
from safety.policy import Policy
from safety.projections import DECISION
from safety.records import decision_from_record, decode

MAX_EXAMPLES = 20
"""Decisions named for each kind of change."""


@dataclass(frozen=True)
class Estimate:
    """How well the new policy does in one category, by what reviewers decided."""

    category: str
    precision: Share
    """Of what it would find there and a person looked at, the share that the person refused."""

    recall: Share
    """Of what a person refused there, the share that it would still find."""


@dataclass
class Replay:
    """What another policy would have done to a period."""

    policy: str
    decisions: int = 0
    """Decisions that policies made in the period."""

    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(action on record, action of the new policy) -> decisions, equal ones included."""

    categories: dict[str, list[int]] = field(default_factory=dict)
    """Category -> decisions with a finding in it [on record, under the new policy]."""

    examples: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """The first ids of each kind of change."""

    estimates: list[Estimate] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Decisions with another action."""
        return sum(count for (before, after), count in self.changes.items() if before != after)


@dataclass
class _Held:
    """A decision that people may have looked at: what was found in it, then and now, and what they said last."""

    before: frozenset[str]
    after: frozenset[str]
    ruling: Action | None = None


def replay(
    reader: LedgerReader,
    policy: Policy,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Replay:
    """Judge the recorded scores of `since <= at < until` by a policy and compare.

    A person's ruling counts whenever it was made. Signals that the new policy asks for and the old classifiers did not
    report are unmeasured, as they would be today without those classifiers.

    Raises:
        DatabaseError, LedgerError: the record cannot be read.
    """
    result, size, position = Replay(policy.digest), reader.size(), 0
    held: dict[str, _Held] = {}
    root: dict[str, str] = {}  # id of a superseding decision -> id of the first one
    while page := reader.entries(position):
        position = page[-1].position + 1
        for entry in page:
            if entry.kind != DECISION:
                continue
            decision = decision_from_record(decode(entry.body)[1])
            if decision.actor.kind != "policy":
                first = root.get(decision.supersedes or "", decision.supersedes or "")
                root[decision.id] = first
                if first in held:
                    held[first].ruling = decision.verdict.action
            elif (since is None or decision.at >= since) and (until is None or decision.at < until):
                _compare(result, held, decision, policy)
        if progress is not None:
            progress(min(position, size), size)
    result.estimates = _estimates(list(held.values()))
    return result


def _compare(result: Replay, held: dict[str, _Held], decision: Decision, policy: Policy) -> None:
    verdict = judge(policy, decision.checkpoint, decision.measurement)
    kind = (decision.verdict.action.word, verdict.action.word)
    result.decisions += 1
    result.changes[kind] += 1
    if kind[0] != kind[1] and len(named := result.examples.setdefault(kind, [])) < MAX_EXAMPLES:
        named.append(decision.id)
    before = frozenset(each.category for each in decision.verdict.findings)
    after = frozenset(each.category for each in verdict.findings)
    for which, found in enumerate((before, after)):
        for category in found:
            result.categories.setdefault(category, [0, 0])[which] += 1
    if decision.verdict.action is not Action.ALLOW:
        held[decision.id] = _Held(before, after)


def _estimates(held: list[_Held]) -> list[Estimate]:
    judged = [each for each in held if each.ruling in (Action.ALLOW, Action.BLOCK)]
    estimates = []
    for category in sorted({category for each in judged for category in each.before}):
        seen = [each for each in judged if category in each.before]
        found = [each for each in seen if category in each.after]
        bad = [each for each in seen if each.ruling is Action.BLOCK]
        hits = sum(each.ruling is Action.BLOCK for each in found)
        estimates.append(Estimate(category, Share(hits, len(found)), Share(hits, len(bad))))
    return estimates
