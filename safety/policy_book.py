"""Registers policies, promotes them step by step, rolls back, and says at any moment which of them judge.

Every change is an entry of the ledger with who and why, written before it counts; the writer refuses a step that may
not follow (`safety.policy_states`). Processes notice a change with the next thing they judge. How a policy that is
tried judges is `safety.trials`; without any registered policy the file that the settings name is in force, alone.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from safety.errors import Conflict, InvalidContent, NotFound, PolicyError
from safety.intervals import wilson
from safety.lookup.policies import PolicyEvent, PolicyReader, TrialFigures
from safety.policy import Policy, parse_policy
from safety.policy_states import PolicyState, Step, Way
from safety.projections import POLICY_STATE
from safety.trials import Lineup

LOG = logging.getLogger(__name__)

MAX_WORDS = 500
"""Characters of a reason."""

MAX_BYTES = 1_000_000
"""Largest policy that is registered; the shipped one is a tenth of that."""

Append = Callable[[str, str, Mapping[str, Any]], object]
"""`Ledger.append_event`: kind, id and body of an event."""


@dataclass(frozen=True)
class Bar:
    """What trials must have shown before a policy may act."""

    decisions: int = 0
    """Decisions that it judged beside the policy in force."""

    agreement: float = 0.0
    """What the lower end of the 95 % Wilson interval of the share in which both said the same must reach."""

    def shortfall(self, figures: TrialFigures) -> str:
        """Return what is missing, in words; empty where nothing is."""
        if figures.decisions < self.decisions:
            return f"{figures.decisions} of {self.decisions} decisions were judged beside {figures.against}"
        low = wilson(figures.agreed, figures.decisions)[0]
        if low < self.agreement:
            return (
                f"both said the same in {figures.agreed} of {figures.decisions} decisions, which is at least "
                f"{low:.4f} with 95 % confidence; {self.agreement:g} is demanded"
            )
        return ""

    def or_more(self, other: Bar) -> Bar:
        """Return what both demand."""
        return Bar(max(self.decisions, other.decisions), max(self.agreement, other.agreement))


NO_BAR = Bar()


class PolicyBook(PolicyReader):
    """Where policies are registered and change their state; safe to use from several threads and processes."""

    def __init__(
        self,
        engine: Engine,
        append: Append,
        configured: Callable[[], Policy],
        check: Callable[[Policy], None],
        key: Callable[[], bytes],
        bar: Bar = NO_BAR,
        prove: Callable[[Policy], None] | None = None,
    ) -> None:
        """Keep policies in this database.

        Args:
            engine: a migrated database.
            append: records each change.
            configured: the policy in force while no registered one is live.
            check: raises PolicyError where a policy asks for a signal that nobody here reports.
            key: secret that draws what meets a canary.
            bar: what is demanded before a policy may act.
            prove: asked instead of `check` of a policy that is registered or is to act, as it may take longer: raises
                PolicyError where something here could not work by it. None: `check` alone.
        """
        super().__init__(engine)
        self._append = append
        self._configured = configured
        self._check = check
        self._key = key
        self._bar = bar
        self._prove = prove or check
        self._known: tuple[int, Lineup] | None = None

    def lineup(self) -> Lineup:
        """Return the policies that judge now.

        Raises:
            DatabaseError: the record cannot be read.
            PolicyError: the live policy cannot be used here; nothing may be judged by another one instead.
        """
        newest, known = self.newest(), self._known
        if known is None or known[0] != newest:
            known = self._known = (newest, self._line_up())
        return known[1]

    def _line_up(self) -> Lineup:
        states = self.states()
        if states.live is None:
            live = self._configured()
        else:
            live = self._body_in_force(states.live)
            self._check(live)
        shadows = [policy for each in states.shadows if (policy := self._tried(each)) is not None]
        canary = None if states.canary is None else self._tried(states.canary)
        key = self._key() if canary is not None else b""
        return Lineup(live, canary, states.share if canary is not None else 0.0, tuple(shadows), key)

    def _body_in_force(self, digest: str) -> Policy:
        try:
            return parse_policy(self.body(digest))
        except (PolicyError, NotFound) as error:
            lost = "its bytes are gone" if isinstance(error, NotFound) else str(error)
            raise PolicyError(
                f"policy {digest} is in force and cannot be read, so nothing is judged: {lost}. Restore the database, "
                "or take the policy back: `framegate policy rollback`"
            ) from error

    def in_force(self) -> str:
        """Return the digest of the policy in force, whether or not it can be read.

        Raises:
            DatabaseError: the record cannot be read.
        """
        return self.states().live or self._configured().digest

    def _tried(self, digest: str) -> Policy | None:
        """A policy that is tried must not stop the one in force; that it cannot be tried here is said aloud."""
        try:
            return parse_policy(self.body(digest))
        except (PolicyError, NotFound) as error:
            LOG.error("policy %s cannot be tried: %s", digest, error)
            return None

    def register(self, body: bytes, *, by: str, reason: str) -> PolicyEvent:
        """Keep a policy as a draft and record that.

        Raises:
            PolicyError: it cannot be read, contradicts itself or asks for what nobody offers.
            InvalidContent: it is too large, or no reason is given.
            Conflict: it is registered already.
            LedgerError: it could not be recorded.
        """
        if len(body) > MAX_BYTES:
            raise InvalidContent(f"a policy has at most {MAX_BYTES} bytes; this one has {len(body)}")
        policy = parse_policy(body)
        self._prove(policy)
        why = _reason(reason)
        return self._record(Step(-1, self.keep(body), PolicyState.DRAFT, Way.REGISTER), policy.name, by, why)

    def promote(
        self,
        policy: str,
        to: PolicyState,
        *,
        by: str,
        reason: str,
        share: float | None = None,
        bar: Bar = NO_BAR,
        unproven: bool = False,
    ) -> PolicyEvent:
        """Move a policy on: to shadow, to canary with a share, to live; or give a canary another share.

        `bar`: what trials must have shown, beside what the settings demand; asked of canary and live. `unproven`: skip
        states and figures; that is recorded.

        Raises:
            Conflict: the step may not follow, or trials did not show what is demanded.
            InvalidContent: a share that is none, or no reason.
            PolicyError: it asks for a signal that nobody here reports, or for what the origin detector cannot tell.
            LedgerError: it could not be recorded, and does not count.
        """
        if (to is PolicyState.CANARY) != (share is not None and 0 < share < 1):
            raise InvalidContent("a canary needs a share above 0 and below 1, and no other state takes one")
        why, loaded, states = _reason(reason), parse_policy(self.body(policy)), self.states()
        figures = beside = None
        if to in (PolicyState.CANARY, PolicyState.LIVE):
            self._prove(loaded)
            beside = states.live or ""
            figures = self.figures(policy, beside or self._configured().digest)
            missing = self._bar.or_more(bar).shortfall(figures)
            if missing and not unproven:
                raise Conflict(f"policy {policy} may not act yet: {missing}. Going on has to be said: unproven")
        step = Step(-1, policy, to, Way.PROMOTE, share, unproven, beside)
        if (refusal := states.refusal(step)) is not None:
            raise refusal
        return self._record(step, loaded.name, by, why, figures)

    def retire(self, policy: str, *, by: str, reason: str) -> PolicyEvent:
        """Try a policy no more.

        Raises:
            Conflict: it is live or retired already.
            NotFound: no such policy is registered.
            InvalidContent: no reason.
            LedgerError: it could not be recorded, and does not count.
        """
        step = Step(-1, policy, PolicyState.RETIRED, Way.RETIRE)
        return self._record(step, self._name(policy), by, _reason(reason))

    def rollback(self, *, by: str, reason: str) -> PolicyEvent:
        """Undo the newest promotion: a canary becomes a shadow again, or what was in force before is so again.

        Raises:
            Conflict: no registered policy acts, or somebody changed one at the same time.
            InvalidContent: no reason.
            LedgerError: it could not be recorded, and does not count.
        """
        why, step = _reason(reason), self.states().rollback()
        return self._record(step, self._name(step.policy), by, why)

    def _name(self, policy: str) -> str:
        """A registered policy whose bytes were lost or altered must still be taken back."""
        try:
            return parse_policy(self.body(policy)).name
        except (PolicyError, NotFound):
            if policy not in self.states().of:
                raise
            return ""

    def _record(self, step: Step, name: str, by: str, reason: str, figures: TrialFigures | None = None) -> PolicyEvent:
        id_ = f"pol_{uuid.uuid4().hex}"
        told = None
        if figures is not None:
            told = {"against": figures.against, "decisions": figures.decisions, "agreed": figures.agreed}
            told |= {"weaker": figures.weaker, "stricter": figures.stricter, "registered": bool(step.beside)}
        body = {
            "policy": step.policy,
            "name": name,
            "state": str(step.state),
            "way": str(step.way),
            "share": step.share,
            "unproven": step.unproven,
            "figures": told,
            "actor": by,
            "reason": reason,
        }
        self._append(POLICY_STATE, id_, body)
        return next(each for each in reversed(self.history(step.policy)) if each.id == id_)


def _reason(reason: str) -> str:
    if not reason.strip() or len(reason) > MAX_WORDS or not reason.isprintable():
        raise InvalidContent(f"say why in 1 to {MAX_WORDS} printable characters: it is kept for good")
    return reason.strip()
