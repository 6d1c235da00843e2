"""Where registered policies stand, and which step may follow: draft, shadow, canary, live, retired. Pure.

    register ─▶ draft ─▶ shadow ─▶ canary ─▶ live ─▶ retired, when another goes live or it is rolled back
                  └────────┴─────────┴─▶ retired
    roll back: a canary becomes a shadow again; after the live policy, the one before it is live again

Each step is an entry of the ledger; folding them in their order gives the states. The writer asks here before it
appends one, so two people who change the same thing at once cannot both be right. Where no registered policy is live,
the file that the settings name is in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from safety.errors import Conflict


class PolicyState(StrEnum):
    """Where a registered policy stands."""

    DRAFT = "draft"
    """Kept, and asked nothing."""

    SHADOW = "shadow"
    """Judges everything beside the policy in force; its verdicts are recorded and never act."""

    CANARY = "canary"
    """Acts on a share of what is judged."""

    LIVE = "live"
    """In force."""

    RETIRED = "retired"


class Way(StrEnum):
    """How a policy came to its state."""

    REGISTER = "register"
    PROMOTE = "promote"
    RETIRE = "retire"
    ROLLBACK = "rollback"


class Step(NamedTuple):
    """One change of state: what the derived row holds."""

    entry: int
    policy: str
    state: str
    way: str
    share: float | None = None
    """Share of what is judged on which a canary acts, above 0 and below 1; None for every other state."""

    unproven: bool = False
    """It skipped a state or what is demanded of trials, and whoever did it said so."""

    beside: str | None = None
    """Digest of the live policy that its trials were compared with; empty: the file that the settings name. None: no
    trials were asked."""


NEXT = {
    PolicyState.DRAFT: PolicyState.SHADOW,
    PolicyState.SHADOW: PolicyState.CANARY,
    PolicyState.CANARY: PolicyState.LIVE,
}
"""The state that a promotion leads to without skipping any."""

ORDER = tuple(PolicyState)


@dataclass(frozen=True)
class States:
    """Where every registered policy stands."""

    of: Mapping[str, PolicyState] = field(default_factory=dict)
    """Digest -> state."""

    line: tuple[str, ...] = ()
    """The policies that went live, the one in force last; rolling back takes the last away."""

    share: float = 0.0
    """Share of the canary."""

    acting: tuple[str, ...] = ()
    """Policies in the order in which they began to act: the last is what rolling back undoes."""

    @property
    def live(self) -> str | None:
        """Digest of the registered policy in force; None: the file that the settings name."""
        return self.line[-1] if self.line else None

    @property
    def canary(self) -> str | None:
        """Digest of the canary."""
        return next((each for each, state in self.of.items() if state is PolicyState.CANARY), None)

    @property
    def shadows(self) -> tuple[str, ...]:
        """Digests of the shadows, in the order in which they were registered."""
        return tuple(each for each, state in self.of.items() if state is PolicyState.SHADOW)

    @classmethod
    def fold(cls, steps: Iterable[Step]) -> States:
        """Return where everything stands after these steps, in their order."""
        states = cls()
        for step in steps:
            states = states.after(step)
        return states

    def after(self, step: Step) -> States:
        """Return where everything stands after one more step."""
        of, line, acting = dict(self.of), self.line, self.acting
        state = PolicyState(step.state)
        if state is PolicyState.LIVE and step.way == Way.ROLLBACK:
            of[line[-1]] = PolicyState.RETIRED
            line, acting = line[:-1], tuple(each for each in acting if each != self.live)
        elif state is PolicyState.LIVE:
            if self.live is not None:
                of[self.live] = PolicyState.RETIRED
            line = (*line, step.policy)
        elif state is PolicyState.RETIRED and step.policy == self.live:
            line = line[:-1]
        of[step.policy] = state
        if step.way != Way.ROLLBACK or state is not PolicyState.LIVE:
            acting = tuple(each for each in acting if each != step.policy)
            if state in (PolicyState.CANARY, PolicyState.LIVE):
                acting = (*acting, step.policy)
        share = (step.share or 0.0) if state is PolicyState.CANARY else self.share
        return replace(self, of=of, line=line, acting=acting, share=share)

    def rollback(self) -> Step:
        """Return the step that undoes the newest promotion to canary or live.

        Raises:
            Conflict: no registered policy acts.
        """
        if not self.acting:
            raise Conflict("no registered policy acts: there is nothing to roll back")
        newest = self.acting[-1]
        if newest != self.live:
            return Step(-1, newest, PolicyState.SHADOW, Way.ROLLBACK)
        if len(self.line) > 1:
            return Step(-1, self.line[-2], PolicyState.LIVE, Way.ROLLBACK)
        return Step(-1, newest, PolicyState.RETIRED, Way.ROLLBACK)

    def refusal(self, step: Step) -> Conflict | None:
        """Return why this step may not follow, or None."""
        at = self.of.get(step.policy)
        if step.way == Way.REGISTER:
            if at is None or (at is PolicyState.RETIRED and step.policy not in self.line):
                return None
            return Conflict(f"policy {step.policy} is registered already: it is {at}")
        if at is None:
            return Conflict(f"no policy {step.policy} is registered: register it first")
        if step.way == Way.ROLLBACK:
            return self._rollback_refusal(step)
        if step.way == Way.RETIRE:
            return _retirement_refusal(step.policy, at)
        return self._promotion_refusal(step, at, PolicyState(step.state)) or self._stale(step)

    def _stale(self, step: Step) -> Conflict | None:
        if step.unproven or step.beside in (None, self.live or ""):
            return None
        return Conflict(
            "another policy went live or was taken back meanwhile, and the trials of policy "
            f"{step.policy} were compared with the one before it. Look at them again, and promote again"
        )

    def _rollback_refusal(self, step: Step) -> Conflict | None:
        try:
            wanted = self.rollback()
        except Conflict as error:
            return error
        if (step.policy, step.state) == (wanted.policy, wanted.state):
            return None
        return Conflict("somebody changed a policy at the same time: look, and roll back again")

    def _promotion_refusal(self, step: Step, at: PolicyState, to: PolicyState) -> Conflict | None:
        policy = step.policy
        if at is PolicyState.RETIRED:
            return Conflict(f"policy {policy} is retired: register it again, or roll back where it was live")
        if to is PolicyState.CANARY and self.canary not in (None, policy):
            return Conflict(f"policy {self.canary} is the canary: there can be one only")
        if at is to is PolicyState.CANARY:
            return None  # another share
        if ORDER.index(to) <= ORDER.index(at) or to is PolicyState.RETIRED:
            return Conflict(f"policy {policy} is {at}: promoting it to {to} leads nowhere")
        if NEXT[at] is not to and not step.unproven:
            return Conflict(f"policy {policy} is {at}: {NEXT[at]} comes next. Skipping it has to be said: unproven")
        return None


def _retirement_refusal(policy: str, at: PolicyState) -> Conflict | None:
    if at is PolicyState.LIVE:
        return Conflict(f"policy {policy} is live: roll back, or make another one live")
    return Conflict(f"policy {policy} is retired already") if at is PolicyState.RETIRED else None


def step_of(entry: int, record: Mapping[str, Any]) -> Step:
    """Return the step that an entry of this kind records.

    Raises:
        KeyError, TypeError, ValueError: a field is missing or has another value.
    """
    state, way, share = PolicyState(record["state"]), Way(record["way"]), record["share"]
    if (state is PolicyState.CANARY) != (share is not None and 0 < share < 1):
        raise ValueError("a canary has a share above 0 and below 1, and nothing else has one")
    figures = record.get("figures") or {}
    beside = (figures["against"] if figures["registered"] else "") if "registered" in figures else None
    return Step(entry, record["policy"], state.value, way.value, share, bool(record["unproven"]), beside)
