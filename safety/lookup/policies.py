"""Reads registered policies: their bytes, their steps, and how far trials agree with what was in force. Writes none."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select

from safety.database import insert_unless_there, reading, utc_now, writing
from safety.domain import Action
from safety.errors import Conflict, NotFound, PolicyError
from safety.lookup.facts import states_in
from safety.policy_states import States
from safety.records import Record, decode, time_from_text
from safety.tables import entries, policies, policy_states, trials

PREFIX = "sha256:"
"""What digests begin with; it may be left out where a policy is named."""

LEAST_DIGITS = 8
"""Digits of a digest that name a policy at least."""


@dataclass(frozen=True)
class PolicyEvent:
    """One step of a policy, as the ledger has it."""

    id: str
    at: datetime
    policy: str
    name: str
    state: str
    way: str
    share: float | None
    by: str
    reason: str
    unproven: bool
    figures: Record | None
    """What trials had shown when it was promoted; None for other steps."""


@dataclass(frozen=True)
class TrialFigures:
    """How a policy that is tried compares with the one in force, decision by decision."""

    policy: str
    against: str
    changes: Counter[tuple[str, str]]
    """(action of the policy in force, action of the one that is tried) -> decisions, equal ones included."""

    @property
    def decisions(self) -> int:
        """Decisions in which both judged."""
        return sum(self.changes.values())

    @property
    def agreed(self) -> int:
        """Those in which both said the same."""
        return sum(count for (before, after), count in self.changes.items() if before == after)

    @property
    def weaker(self) -> int:
        """Those in which the one that is tried is less strict."""
        return self._count(-1)

    @property
    def stricter(self) -> int:
        """Those in which it is stricter."""
        return self._count(1)

    def _count(self, sign: int) -> int:
        return sum(
            count
            for (before, after), count in self.changes.items()
            if sign * (Action.from_word(after) - Action.from_word(before)) > 0
        )


class PolicyReader:
    """Reads registered policies; safe to use from several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def newest(self) -> int:
        """Return the position of the newest step of any policy, -1 without one. Changes when the line-up may."""
        with reading(self.engine) as connection:  # for everything that is judged: as plain as the driver has it
            found = connection.exec_driver_sql("SELECT max(entry) FROM policy_states").scalar()
        return -1 if found is None else int(found)

    def states(self) -> States:
        """Return where every registered policy stands."""
        with reading(self.engine) as connection:
            return states_in(connection)

    def history(self, policy: str | None = None) -> list[PolicyEvent]:
        """Return every step, of one policy or of all, oldest first."""
        query = select(entries.c.body).join(policy_states, policy_states.c.entry == entries.c.position)
        if policy is not None:
            query = query.where(policy_states.c.policy == policy)
        with reading(self.engine) as connection:
            return [
                _event(decode(body)[1]) for body in connection.execute(query.order_by(entries.c.position)).scalars()
            ]

    def body(self, digest: str) -> bytes:
        """Return the bytes of a registered policy.

        Raises:
            NotFound: no policy of this digest is kept.
            PolicyError: what is kept has another digest: it was altered.
        """
        with reading(self.engine) as connection:
            found = connection.execute(select(policies.c.body).where(policies.c.digest == digest)).scalar()
        if found is None:
            raise NotFound(f"no policy {digest} is registered")
        if digest_of(bytes(found)) != digest:
            raise PolicyError(f"the bytes kept of policy {digest} have another digest: the database was altered")
        return bytes(found)

    def find(self, named: str) -> str:
        """Return the digest of a registered policy from its first 8 digits or more, with or without `sha256:`.

        Raises:
            NotFound: no registered policy begins so.
            Conflict: several do.
        """
        digits = named.strip().lower().removeprefix(PREFIX)
        found = [each for each in self.states().of if each.removeprefix(PREFIX).startswith(digits)]
        if len(digits) < LEAST_DIGITS or not found:
            raise NotFound(f"no policy {named} is registered: name it by {LEAST_DIGITS} digits of its digest or more")
        if len(found) > 1:
            raise Conflict(f"{named} may be any of {', '.join(found)}: say more of it")
        return found[0]

    def figures(self, policy: str, against: str) -> TrialFigures:
        """Return how a policy that is or was tried compares with another that was in force meanwhile."""
        t = trials.c
        query = select(t.in_force, t.action, func.count()).where(t.policy == policy, t.against == against)
        with reading(self.engine) as connection:
            rows = connection.execute(query.group_by(t.in_force, t.action)).all()
        return TrialFigures(policy, against, Counter({(before, after): count for before, after, count in rows}))

    def keep(self, body: bytes) -> str:
        """Keep the bytes of a policy and return their digest. Repeating it changes nothing."""
        digest = digest_of(body)
        with writing(self.engine) as connection:
            insert_unless_there(connection, policies, {"digest": digest, "body": body, "at": utc_now()})
        return digest


def digest_of(body: bytes) -> str:
    """Return how a policy of these bytes is named."""
    return PREFIX + hashlib.sha256(body).hexdigest()


def _event(record: Record) -> PolicyEvent:
    return PolicyEvent(
        id=record["id"],
        at=time_from_text(record["at"]),
        policy=record["policy"],
        name=record["name"],
        state=record["state"],
        way=record["way"],
        share=record["share"],
        by=record["actor"],
        reason=record["reason"],
        unproven=record["unproven"],
        figures=record["figures"],
    )
