"""Second looks, so that a team knows how good its decisions are: golden items, blind double review, samples of ALLOW.

    golden    an item whose right answer somebody set         ─▶ how often each reviewer is right
    double    a hold that somebody decided, judged again unseen ─▶ Cohen's kappa per category
    sample    what a policy allowed                           ─▶ how much it misses

An opinion is an entry of the ledger and changes no decision. A reviewer is not told which kind an item is, nor what
was decided; nobody judges his own decision again. What is drawn depends on the decision's id alone, so that neither
reviewers nor requesters choose it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from safety.agreement import Agreement, agreement
from safety.database import utc_now
from safety.domain import Action, Decision
from safety.errors import Conflict, NotFound
from safety.figures import Share
from safety.ledger import Ledger
from safety.lookup.desk import ANSWER, DOUBLE, GOLDEN, SAMPLE, DeskReader, Opinion
from safety.projections import OPINION
from safety.review import REASON_CODES

WINDOW = timedelta(days=30)
"""Decisions older than this are not drawn any more."""


@dataclass(frozen=True)
class Shares:
    """How much is looked at again, in [0, 1]."""

    allowed: float = 0.01
    decided: float = 0.1


@dataclass
class QualityReport:
    """What second looks of a period say."""

    kappa: dict[str, Agreement] = field(default_factory=dict)
    """Category -> agreement of first and second reviewers."""

    all_pairs: Agreement = field(default_factory=lambda: agreement(()))
    missed: Share = field(default_factory=lambda: Share(0, 0))
    """Of sampled content that a policy allowed, what a person would have refused."""

    golden: dict[str, Share] = field(default_factory=dict)
    """Reviewer -> answers to golden items that were right."""


class Quality:
    """Draws items for second looks and records what people think."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime] = utc_now, shares: Shares | None = None) -> None:
        self._ledger = ledger
        self._clock = clock
        self._shares = shares or Shares()
        self._desk = DeskReader(ledger.engine)

    def next(self, reviewer: str) -> Decision:
        """Return an item for this reviewer, in an order that does not tell its kind.

        Raises:
            NotFound: there is none.
        """
        if not (ids := sorted(self._items(reviewer), key=lambda id_: _digest(reviewer, id_))):
            raise NotFound("there is nothing to look at a second time")
        return self._decision(ids[0])

    def item(self, decision_id: str, reviewer: str) -> Decision:
        """Return an item that this reviewer may look at.

        Raises:
            NotFound: there is no such decision.
            Conflict: it is no item for this reviewer: not drawn, his own, or answered already.
        """
        decision = self._decision(decision_id)
        if decision_id not in self._items(reviewer):
            raise Conflict(f"decision {decision_id} was not drawn for a second look by {reviewer}")
        return decision

    def opine(self, decision_id: str, *, allow: bool, reviewer: str, reason: str, code: str = "other") -> Opinion:
        """Record what a reviewer thinks of an item. It changes no decision; nobody answers an item twice.

        Raises:
            NotFound, Conflict: as `item`, or the code is unknown, or a word is missing.
        """
        reviewer = _named(reviewer, reason, code)
        decision = self.item(decision_id, reviewer)
        return self._record(decision.id, reviewer, self._items(reviewer)[decision.id], reason, code, allow=allow)

    def mark_golden(self, decision_id: str, *, allow: bool, by: str, reason: str, code: str = "other") -> Opinion:
        """Record the right answer to a decision, so that reviewers can be measured against it.

        Raises:
            NotFound: there is no such decision.
            Conflict: it has an answer already, the code is unknown, or a word is missing.
        """
        by = _named(by, reason, code)
        self._decision(decision_id)
        if self._desk.opinions(GOLDEN, decision=decision_id):
            raise Conflict(f"decision {decision_id} is a golden item already")
        return self._record(decision_id, by, GOLDEN, reason, code, allow=allow)

    def report(self, since: datetime | None = None, until: datetime | None = None) -> QualityReport:
        """Say what the second looks of `since <= at < until` tell."""
        pairs: dict[str, list[tuple[bool, bool]]] = {}
        every: list[tuple[bool, bool]] = []
        for opinion in self._desk.opinions(DOUBLE, since=since, until=until):
            first = self._ledger.superseding(opinion.decision)
            if first is None or first.actor.kind != "reviewer":
                continue
            pair = (first.verdict.action is Action.ALLOW, opinion.allow)
            every.append(pair)
            for category in {each.category for each in first.verdict.findings}:
                pairs.setdefault(category, []).append(pair)
        samples = self._desk.opinions(SAMPLE, since=since, until=until)
        return QualityReport(
            kappa={category: agreement(pairs[category]) for category in sorted(pairs)},
            all_pairs=agreement(every),
            missed=Share(sum(not each.allow for each in samples), len(samples)),
            golden=self._golden(since, until),
        )

    def _golden(self, since: datetime | None, until: datetime | None) -> dict[str, Share]:
        right = {each.decision: each.allow for each in self._desk.opinions(GOLDEN)}
        told: dict[str, list[bool]] = {}
        for each in self._desk.opinions(ANSWER, since=since, until=until):
            told.setdefault(each.reviewer, []).append(each.allow == right[each.decision])
        return {reviewer: Share(sum(answers), len(answers)) for reviewer, answers in sorted(told.items())}

    def _items(self, reviewer: str) -> dict[str, str]:
        """Decision -> purpose of an opinion about it; a golden item is never anything else."""
        since = self._clock() - WINDOW
        found = dict.fromkeys(_drawn(self._desk.allowed(since), self._shares.allowed), SAMPLE)
        found |= dict.fromkeys(_drawn(self._desk.decided_holds(reviewer, since), self._shares.decided), DOUBLE)
        for each in self._desk.opinions(GOLDEN):
            found.pop(each.decision, None)
        return found | dict.fromkeys(self._desk.golden_for(reviewer), ANSWER)

    def _decision(self, id_: str) -> Decision:
        decision = self._ledger.decision(id_)
        if decision is None:
            raise NotFound(f"no decision has the id {id_}")
        return decision

    def _record(self, decision: str, reviewer: str, purpose: str, reason: str, code: str, *, allow: bool) -> Opinion:
        body = {
            "decision": decision, "reviewer": reviewer, "purpose": purpose, "allow": allow,
            "code": code, "reason": reason.strip(),
        }  # fmt: skip
        # Of two who answer a double or a sample at once both are kept; a reviewer's second answer is the first.
        record = self._ledger.append_event(OPINION, f"opi_{_digest(decision, reviewer, purpose)[:32]}", body)
        return Opinion(decision, reviewer, purpose, bool(record["allow"]), self._clock())


def _drawn(ids: Iterable[str], share: float) -> list[str]:
    """Those whose digest, as a number in [0, 1), lies below the share."""
    return [id_ for id_ in ids if int(_digest("drawn", id_)[:12], 16) < share * 16**12]


def _named(reviewer: str, reason: str, code: str) -> str:
    if code not in REASON_CODES:
        raise Conflict(f"{code!r} is no reason code: take one of {', '.join(REASON_CODES)}")
    if not reviewer.strip() or not reason.strip():
        raise Conflict("an opinion needs the name of the reviewer and a reason: they are recorded for good")
    return reviewer.strip()


def _digest(*parts: str) -> str:
    return hashlib.sha256(chr(0).join(parts).encode()).hexdigest()
