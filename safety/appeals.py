"""Appeals: someone asks to have a Decision looked at again; somebody else answers by a deadline. All of it is recorded.

    open ─▶ upheld | overturned (a Decision that supersedes) | withdrawn

The ledger's writer refuses an answer by whoever made the decision, a second open appeal against it, and a second
answer. An overturned Decision is a row for the regression set (`regressions`). What follows for a job is `api`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from safety.admission import OPEN
from safety.database import utc_now
from safety.domain import Action, Checkpoint, Decision
from safety.errors import Conflict, NotFound
from safety.ledger import Ledger
from safety.lookup.appeals import Appeal, AppealReader
from safety.priority import GRAVEST
from safety.projections import APPEAL
from safety.records import time_to_text
from safety.review import REASON_CODES, superseding

ANSWER_WITHIN = timedelta(days=14)
"""Default deadline of an answer."""

PromptOf = Callable[[Decision], str | None]
"""The prompt that a Decision was about, where it is still kept."""


class Appeals(AppealReader):
    """Where appeals are filed and answered."""

    def __init__(
        self, ledger: Ledger, clock: Callable[[], datetime] = utc_now, answer_within: timedelta = ANSWER_WITHIN
    ) -> None:
        super().__init__(ledger.engine)
        self._ledger = ledger
        self._clock = clock
        self._answer_within = answer_within

    def file(self, decision_id: str, *, by: str, reason: str) -> Appeal:
        """Record an appeal and return it. The same person appeals the same decision once: again returns the first.

        Raises:
            NotFound: there is no such decision.
            Conflict: another appeal against it is open, it was superseded, or a word is missing.
            LedgerError: it is not recorded.
        """
        by, reason = by.strip(), reason.strip()
        if not by or not reason:
            raise Conflict("an appeal needs who appeals and why: both are recorded for good")
        if self._ledger.decision(decision_id) is None:
            raise NotFound(f"no decision has the id {decision_id}")
        id_ = f"app_{_digest(decision_id, by)}"
        due = time_to_text(self._clock() + self._answer_within)
        self._record(id_, id_, decision_id, OPEN, by, reason, due=due)
        return self.get(id_)

    def answer(self, appeal_id: str, *, overturn: bool, reviewer: str, reason: str, code: str = "other") -> Appeal:
        """Record the answer: the decision stands, or a new one supersedes it. Repeating the same changes nothing.

        Overturned, what was refused or held is allowed and what was allowed is refused.

        Raises:
            NotFound: there is no such appeal.
            Conflict: it was answered, the reviewer made that decision, it was superseded meanwhile, it rests on a harm
                of the gravest severity, the code is unknown, or a word is missing.
        """
        reviewer, reason = reviewer.strip(), reason.strip()
        if code not in REASON_CODES:
            raise Conflict(f"{code!r} is no reason code: take one of {', '.join(REASON_CODES)}")
        if not reviewer or not reason:
            raise Conflict("an answer needs the name of the reviewer and a reason: both are recorded for good")
        appeal = self.get(appeal_id)
        decision = self._ledger.decision(appeal.decision)
        if decision is None:
            raise NotFound(f"no decision has the id {appeal.decision}")
        said = (reviewer, "overturned" if overturn else "upheld", reason)
        if appeal.state != OPEN and (appeal.answered_by, appeal.state, appeal.answer) == said:
            return appeal
        if appeal.state != OPEN:
            raise Conflict(f"appeal {appeal_id} was answered already: it is {appeal.state}")
        if decision.actor.id == reviewer:
            raise Conflict(f"{reviewer} made decision {decision.id}: somebody else has to answer the appeal against it")
        replacement = None
        if overturn:
            _refuse_gravest(decision)
            action = Action.BLOCK if decision.verdict.action is Action.ALLOW else Action.ALLOW
            id_ = f"dec_{_digest(appeal_id, reviewer, reason)}"
            replacement = self._ledger.append_decision(
                superseding(decision, id_, self._clock(), action, reviewer=reviewer, reason=reason, code=code)
            ).id
        event = f"ans_{_digest(appeal_id, *said)}"
        self._record(event, appeal_id, decision.id, said[1], reviewer, reason, code=code, replacement=replacement)
        return self.get(appeal_id)

    def withdraw(self, appeal_id: str, *, by: str, reason: str) -> Appeal:
        """Record that who appealed does not want an answer any more.

        Raises:
            NotFound: there is no such appeal.
            Conflict: it was answered, or somebody else filed it.
        """
        appeal = self.get(appeal_id)
        if appeal.by != by:
            raise Conflict(f"appeal {appeal_id} was filed by somebody else")
        if appeal.state != "withdrawn":
            event = f"ans_{_digest(appeal_id, 'withdrawn')}"
            self._record(event, appeal_id, appeal.decision, "withdrawn", by, reason.strip() or "withdrawn")
        return self.get(appeal_id)

    def overdue(self) -> list[Appeal]:
        """Return the open appeals whose deadline passed, oldest first."""
        return [each for each in self.list(OPEN) if each.due < self._clock()]

    def regressions(self, prompt_of: PromptOf) -> Iterator[dict[str, Any]]:
        """Yield a labelled row for `framegate evaluate prompts` for each overturned decision about a prompt.

        Only where the prompt is still kept: what was erased cannot be tried again.
        """
        for appeal in self.overturned():
            decision = self._ledger.decision(appeal.decision)
            if decision is None or decision.checkpoint is not Checkpoint.PROMPT:
                continue
            text = prompt_of(decision)
            if text is None:
                continue
            wrongly_allowed = decision.verdict.action is Action.ALLOW
            categories = sorted({finding.category for finding in decision.verdict.findings})
            if wrongly_allowed and not categories:
                continue  # nobody said what it is
            labels = categories if wrongly_allowed else []
            row = {
                "text": text,
                "benign": not wrongly_allowed,
                "labels": labels,
                "id": decision.id,
                "source": "appeals",
            }
            yield row if wrongly_allowed or not categories else {**row, "scope": categories}

    def _record(
        self, id_: str, appeal: str, decision: str, state: str, actor: str, reason: str, **more: str | None
    ) -> None:
        body = {"appeal": appeal, "decision": decision, "state": state, "actor": actor, "reason": reason}
        self._ledger.append_event(APPEAL, id_, {**body, **more})


def _refuse_gravest(decision: Decision) -> None:
    severities = [finding.severity for finding in decision.verdict.findings if finding.action is not Action.ALLOW]
    if any(severity is not None and severity >= GRAVEST for severity in severities):
        raise Conflict(f"decision {decision.id} rests on a harm of the gravest severity: no appeal turns it over")


def _digest(*parts: str) -> str:
    return hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]
