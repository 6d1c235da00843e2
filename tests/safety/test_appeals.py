"""An appeal is recorded step by step, answered once, and never by whoever it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from safety import audit
from safety.appeals import Appeals
from safety.checkpoints import LogKey
from safety.domain import Action, Actor, Decision
from safety.errors import Conflict, NotFound
from safety.evaluate.rows import read_rows
from safety.ledger import Ledger
from safety.records import decode
from tests.safety.making import NOON, a_decision


class Clock:
    now = NOON + timedelta(days=1)

    def __call__(self):
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(engine: Engine, log_key: LogKey, clock: Clock) -> Iterator[Ledger]:
    with Ledger(engine, log_key, clock=clock) as ledger:
        yield ledger


@pytest.fixture
def appeals(ledger: Ledger, clock: Clock) -> Appeals:
    return Appeals(ledger, clock)


@pytest.fixture
def blocked(ledger: Ledger) -> Decision:
    return ledger.append_decision(a_decision(1, action=Action.BLOCK))


def test_an_appeal_is_filed_once_with_a_deadline(
    appeals: Appeals, ledger: Ledger, blocked: Decision, clock: Clock
) -> None:
    filed = appeals.file(blocked.id, by="key_ada", reason=" a toy ")
    clock.now += timedelta(hours=1)

    assert appeals.file(blocked.id, by="key_ada", reason="a toy") == filed == appeals.get(filed.id)
    assert (filed.state, filed.by, filed.reason, filed.answered_at) == ("open", "key_ada", "a toy", None)
    assert filed.due - filed.at == timedelta(days=14)
    assert appeals.list("open") == appeals.list(decision=blocked.id) == [filed]
    assert [entry.kind for entry in ledger.entries()] == ["decision", "appeal"]
    assert appeals.overdue() == []
    clock.now += timedelta(days=14)
    assert appeals.overdue() == [filed]


def test_overturned_a_decision_supersedes_and_the_record_holds(
    appeals: Appeals, ledger: Ledger, blocked: Decision
) -> None:
    filed = appeals.file(blocked.id, by="key_ada", reason="a toy")

    answered = appeals.answer(filed.id, overturn=True, reviewer="bob", reason="it is a toy", code="no_violation")

    assert answered == appeals.answer(
        filed.id, overturn=True, reviewer="bob", reason="it is a toy", code="no_violation"
    )
    replacement = ledger.superseding(blocked.id)
    assert replacement is not None
    assert (answered.state, answered.answered_by, answered.code) == ("overturned", "bob", "no_violation")
    assert answered.replacement == replacement.id
    assert (replacement.verdict.action, replacement.actor) == (Action.ALLOW, Actor("reviewer", "bob"))
    assert appeals.list("open") == []
    assert list(appeals.overturned()) == [answered]
    assert audit.verify(ledger.engine, ledger.public_key).ok


def test_upheld_nothing_is_superseded(appeals: Appeals, ledger: Ledger, blocked: Decision) -> None:
    filed = appeals.file(blocked.id, by="key_ada", reason="a toy")

    answered = appeals.answer(filed.id, overturn=False, reviewer="bob", reason="a weapon", code="violation")

    assert (answered.state, answered.replacement) == ("upheld", None)
    assert ledger.superseding(blocked.id) is None
    with pytest.raises(Conflict, match="answered already: it is upheld"):
        appeals.answer(filed.id, overturn=True, reviewer="cyd", reason="a toy")


def test_nobody_answers_an_appeal_against_himself(appeals: Appeals, ledger: Ledger, blocked: Decision) -> None:
    by_ada = ledger.append_decision(
        replace(blocked, id="by_ada", supersedes=blocked.id, actor=Actor("reviewer", "ada"), reason="no")
    )
    filed = appeals.file(by_ada.id, by="key_1", reason="a toy")

    for overturn in (True, False):
        with pytest.raises(Conflict, match="ada made decision by_ada: somebody else"):
            appeals.answer(filed.id, overturn=overturn, reviewer="ada", reason="still no")
    # Nor does the ledger's writer take it from anybody who asks it directly.
    body = {"appeal": filed.id, "decision": by_ada.id, "state": "upheld", "actor": "ada", "reason": "no"}
    with pytest.raises(Conflict, match="ada made decision"):
        ledger.append_event("appeal", "forged", body)
    assert ledger.superseding(by_ada.id) is None
    assert appeals.answer(filed.id, overturn=False, reviewer="bob", reason="no").state == "upheld"


def test_of_racing_answers_one_is_recorded(appeals: Appeals, ledger: Ledger, blocked: Decision) -> None:
    filed = appeals.file(blocked.id, by="key_ada", reason="a toy")

    def answer(name: str) -> str:
        try:
            return appeals.answer(filed.id, overturn=name < "d", reviewer=name, reason="so").answered_by
        except Conflict:
            return ""

    with ThreadPoolExecutor(6) as pool:
        done = [name for name in pool.map(answer, "abcdef") if name]

    events = [decode(entry.body)[1] for entry in ledger.entries() if entry.kind == "appeal"]
    assert events[0]["state"] == "open"
    assert len(events) == 2
    assert done == [events[1]["actor"]] == [appeals.get(filed.id).answered_by]


def test_what_cannot_be_appealed_is_refused(appeals: Appeals, ledger: Ledger, blocked: Decision) -> None:
    with pytest.raises(NotFound, match="dec_none"):
        appeals.file("dec_none", by="key_ada", reason="a toy")
    with pytest.raises(Conflict, match="who appeals and why"):
        appeals.file(blocked.id, by="key_ada", reason=" ")
    appeals.file(blocked.id, by="key_ada", reason="a toy")
    with pytest.raises(Conflict, match="is open already"):
        appeals.file(blocked.id, by="key_bob", reason="a toy")
    ledger.append_decision(replace(a_decision(2), id="newer", supersedes=blocked.id))
    other = ledger.append_decision(a_decision(3, action=Action.BLOCK))
    ledger.append_decision(replace(a_decision(4), id="newest", supersedes=other.id))
    with pytest.raises(Conflict, match="was superseded"):
        appeals.file(other.id, by="key_bob", reason="a toy")
    with pytest.raises(NotFound, match="app_none"):
        appeals.answer("app_none", overturn=True, reviewer="bob", reason="so")
    body = {"appeal": "app_none", "decision": blocked.id, "state": "upheld", "actor": "bob", "reason": "no"}
    with pytest.raises(Conflict, match="there is no appeal app_none"):
        ledger.append_event("appeal", "forged", body)


def test_the_gravest_harm_is_not_overturned(appeals: Appeals, ledger: Ledger) -> None:
    decision = a_decision(1, action=Action.BLOCK)
    finding = replace(decision.verdict.findings[0], severity=7)
    grave = ledger.append_decision(
        replace(decision, verdict=replace(decision.verdict, findings=(finding,), severity=7))
    )
    filed = appeals.file(grave.id, by="key_ada", reason="no")

    with pytest.raises(Conflict, match="gravest severity"):
        appeals.answer(filed.id, overturn=True, reviewer="bob", reason="so")
    assert ledger.superseding(grave.id) is None


def test_only_who_filed_withdraws(appeals: Appeals, blocked: Decision) -> None:
    filed = appeals.file(blocked.id, by="key_ada", reason="a toy")
    with pytest.raises(Conflict, match="somebody else"):
        appeals.withdraw(filed.id, by="key_bob", reason="")

    assert appeals.withdraw(filed.id, by="key_ada", reason="").state == "withdrawn"
    assert appeals.withdraw(filed.id, by="key_ada", reason="").state == "withdrawn"
    with pytest.raises(Conflict, match="it is withdrawn"):
        appeals.answer(filed.id, overturn=False, reviewer="bob", reason="so")


def test_overturned_decisions_are_rows_that_the_evaluation_reads(
    appeals: Appeals, ledger: Ledger, tmp_path: Path
) -> None:
    prompts = {}
    for number, (action, category) in enumerate(
        [(Action.BLOCK, "violence"), (Action.BLOCK, "hate"), (Action.ALLOW, "ip")]
    ):
        decision = ledger.append_decision(a_decision(number, action=action, category=category))
        prompts[decision.id] = f"a toy {number}"
        filed = appeals.file(decision.id, by="key_ada", reason="so")
        appeals.answer(filed.id, overturn=number != 1, reviewer="bob", reason="so")

    rows = list(appeals.regressions(lambda decision: prompts[decision.id]))
    assert list(appeals.regressions(lambda _: None)) == []
    file = tmp_path / "appeals.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    (row,) = read_rows([file], {"violence", "hate", "ip"})  # nobody said what the allowed one shows
    assert (row.text, row.benign, row.id, row.source, row.scope) == ("a toy 0", True, "dec_0", "appeals", {"violence"})
