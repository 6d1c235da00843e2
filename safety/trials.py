"""Tries a policy beside the one in force: a shadow never acts, a canary acts on a stated share of what is judged.

    measurement ─▶ judge(policy in force) ─────────────▶ Verdict that acts, unless the canary's does
              ├──▶ judge(canary)  drawn by a keyed hash, and nowhere weaker than the floor ─▶ acts
              └──▶ judge(shadow)  ─▶ recorded in the Decision, and nothing else

The floor: where the policy in force found something in a category that nothing may soften (`safety.rules.ABSOLUTE`), or
where less was looked at than it demands, a canary that says less does not act. Pure; which policies are tried, and
since when, is `safety.policy_states`.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from safety.domain import Action, Checkpoint, Measurement, Trial, Verdict
from safety.judge import judge, unseen
from safety.rules import ABSOLUTE, Policy

WATCHED, ACTED, OVERRULED = "watched", "acted", "overruled"
"""Parts of a policy that is tried (`Trial.part`)."""

NOTHING_OWN: Mapping[str, Measurement] = MappingProxyType({})
"""All policies judge by the same measurement."""

_DRAWS = 1 << 64


class Judgement(NamedTuple):
    """What acts, and what policies that are tried said beside it."""

    verdict: Verdict
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Lineup:
    """The policy in force, and those that are tried beside it."""

    live: Policy
    canary: Policy | None = None
    share: float = 0.0
    """Share of what is judged on which the canary acts, in [0, 1]."""

    shadows: tuple[Policy, ...] = ()
    key: bytes = b""
    """Secret that draws, so that nobody outside can tell which content meets the canary."""

    @property
    def state(self) -> str:
        """A text that changes whenever another policy may act, or on another share."""
        return self.live.digest if self.canary is None else f"{self.live.digest} {self.canary.digest} {self.share!r}"

    def acting(self, digest: str) -> Policy:
        """Return the policy of this digest that acted; the one in force where it is none of these."""
        return next((each for each in self.tried if each.digest == digest), self.live)

    @property
    def tried(self) -> tuple[Policy, ...]:
        """Every policy that is tried."""
        return self.shadows if self.canary is None else (self.canary, *self.shadows)

    def draws(self, subject: str) -> bool:
        """Say whether the canary is to act on this subject: always the same for one subject, canary and key.

        A larger share draws whatever a smaller one drew. `subject`: digest of what is judged (`Decision.subject`).
        """
        if self.canary is None:
            return False
        drawn = hmac.digest(self.key, f"{self.canary.digest}\n{subject}".encode(), "sha256")
        return int.from_bytes(drawn[:8], "big") < self.share * _DRAWS

    def looking(self, subject: str) -> tuple[Policy, ...]:
        """Return the policies by which this subject is looked at: a shadow's demands change nothing.

        The policy in force is always among them, so that a canary is judged on no less than it would see.
        """
        if self.canary is not None and self.draws(subject):
            return (self.live, self.canary)
        return (self.live,)

    def judge(
        self,
        checkpoint: Checkpoint,
        measurement: Measurement,
        subject: str,
        own: Mapping[str, Measurement] = NOTHING_OWN,
    ) -> Judgement:
        """Judge by every policy, and say whose Verdict acts.

        `own`: by digest, what a policy is to judge by instead of `measurement`, where what is measured depends on it.
        """

        def said_by(policy: Policy) -> Verdict:
            return judge(policy, checkpoint, own.get(policy.digest, measurement))

        in_force = acting = said_by(self.live)
        trials = []
        if self.canary is not None:
            said, part = said_by(self.canary), WATCHED
            if self.draws(subject):
                seen = own.get(self.live.digest, measurement)
                least = max(floor(in_force), unmet(self.live, checkpoint, seen))
                part = OVERRULED if said.action < least else ACTED
            if part == ACTED:
                acting = said
            trials.append(_trial(said, part, in_force))
        trials += [_trial(said_by(each), WATCHED, in_force) for each in self.shadows]
        return Judgement(acting, tuple(trials))


def floor(verdict: Verdict) -> Action:
    """Return the least that must happen for what was found, whatever a canary says."""
    return max((each.action for each in verdict.findings if each.category in ABSOLUTE), default=Action.ALLOW)


def unmet(policy: Policy, checkpoint: Checkpoint, measurement: Measurement) -> Action:
    """Return the least that must happen for what was not looked at: a canary that demands less sees no more of it."""
    return policy.coverage[checkpoint].if_unmet if unseen(policy, checkpoint, measurement) else Action.ALLOW


def _trial(said: Verdict, part: str, in_force: Verdict) -> Trial:
    rules = tuple(sorted({each.rule for each in said.findings}))
    return Trial(said.policy, part, said.action, rules, in_force.policy, in_force.action)
