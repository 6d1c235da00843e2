"""Second looks are blind, change nothing, and say how good decisions are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text

from safety import audit
from safety.checkpoints import LogKey, sign_checkpoint
from safety.database import migrate, open_engine, writing
from safety.domain import Action
from safety.errors import Conflict, LedgerError, NotFound, SecondReviewerNeeded
from safety.figures import Share
from safety.ledger import HEAD_EXTENSION, Ledger
from safety.lookup.desk import DeskReader
from safety.merkle import Frontier, leaf_hash
from safety.quality import Quality, Shares
from safety.records import decode, encode, time_to_text
from safety.review import Review
from safety.tables import entries, ledger_head
from tests.safety.making import NOON, a_decision

NOTHING, ALL = Shares(0, 0), Shares(1, 1)


class Clock:
    now = NOON + timedelta(days=1)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(engine: Engine, log_key: LogKey, clock: Clock) -> Iterator[Ledger]:
    with Ledger(engine, log_key, clock=clock) as ledger:
        yield ledger


@pytest.fixture
def review(ledger: Ledger, clock: Clock) -> Review:
    return Review(ledger, clock)


def decided(
    ledger: Ledger, review: Review, number: int, *, allow: bool, by: str = "ada", category: str = "hate"
) -> str:
    held = ledger.append_decision(a_decision(number, action=Action.REVIEW, category=category))
    review.decide(held.id, allow=allow, reviewer=by, reason="so")
    return held.id


def quality(ledger: Ledger, clock: Clock, shares: Shares) -> Quality:
    return Quality(ledger, clock, shares)


def opine(desk: Quality, id_: str, allow: bool, by: str = "bob") -> None:
    desk.opine(id_, allow=allow, reviewer=by, reason="so", code="violation")


# --- blind double review


def test_kappa_of_first_and_second_reviewers_by_category(ledger: Ledger, review: Review, clock: Clock) -> None:
    desk = quality(ledger, clock, ALL)
    told = [(True, True), (False, False), (False, False), (True, False)]
    for number, (first, second) in enumerate(told):
        opine(desk, decided(ledger, review, number, allow=first), second)
    opine(desk, decided(ledger, review, 9, allow=True, category="fraud"), True)

    report = desk.report()

    assert (report.kappa["hate"].pairs, report.kappa["hate"].observed, report.kappa["hate"].kappa) == (4, 0.75, 0.5)
    assert (report.kappa["fraud"].pairs, report.kappa["fraud"].kappa) == (1, None)
    assert report.all_pairs.pairs == 5
    assert desk.report(since=clock.now + timedelta(days=1)).all_pairs.pairs == 0


def test_nobody_judges_his_own_decision_again_nor_an_item_twice(ledger: Ledger, review: Review, clock: Clock) -> None:
    desk = quality(ledger, clock, ALL)
    id_ = decided(ledger, review, 1, allow=False)

    with pytest.raises(NotFound, match="nothing to look at"):
        desk.next("ada")
    with pytest.raises(Conflict, match="not drawn"):
        opine(desk, id_, True, "ada")
    assert desk.next("bob").id == id_
    opine(desk, id_, True)
    for name in ("bob", "cyd"):
        with pytest.raises(Conflict, match="not drawn"):
            opine(desk, id_, True, name)


def test_an_opinion_changes_no_decision_and_the_record_holds(ledger: Ledger, review: Review, clock: Clock) -> None:
    desk = quality(ledger, clock, ALL)
    id_ = decided(ledger, review, 1, allow=False)
    before = ledger.superseding(id_)

    opine(desk, id_, True)

    assert ledger.superseding(id_) == before
    assert ledger.superseding(before.id) is None
    (entry,) = [each for each in ledger.entries() if each.kind == "opinion"]
    assert decode(entry.body)[1]["purpose"] == "double"
    assert audit.verify(ledger.engine, ledger.public_key).ok


# --- samples


def test_samples_say_what_policies_miss(ledger: Ledger, clock: Clock) -> None:
    desk = quality(ledger, clock, ALL)
    for number in range(4):
        ledger.append_decision(a_decision(number, job=f"job_{number}"))
        opine(desk, f"dec_{number}", number != 0)

    assert desk.report().missed == Share(1, 4)
    with pytest.raises(NotFound):
        desk.next("bob")


def test_what_is_drawn_depends_on_the_id_and_the_share(ledger: Ledger, clock: Clock) -> None:
    for number in range(300):
        ledger.append_decision(a_decision(number, job="job"))

    def drawn(share: float) -> set[str]:
        return set(quality(ledger, clock, Shares(share, 0))._items("bob"))

    assert drawn(0) == set()
    assert len(drawn(1)) == 300
    assert drawn(0.1) == drawn(0.1) < drawn(0.3)
    assert 10 < len(drawn(0.1)) < 60


def test_old_blocked_and_jobless_decisions_are_not_drawn(ledger: Ledger, clock: Clock) -> None:
    ledger.append_decision(a_decision(1, job=None))
    ledger.append_decision(a_decision(2, action=Action.BLOCK, job="job"))
    ledger.append_decision(replace(a_decision(3, job="job"), at=clock.now - timedelta(days=31)))

    with pytest.raises(NotFound):
        quality(ledger, clock, ALL).next("bob")


# --- golden items


def test_golden_items_say_how_often_a_reviewer_is_right(ledger: Ledger, clock: Clock) -> None:
    desk = quality(ledger, clock, NOTHING)
    for number, right in enumerate((True, False, False)):
        ledger.append_decision(a_decision(number))
        desk.mark_golden(f"dec_{number}", allow=right, by="lead", reason="agreed", code="violation")
    for name, answers in {"ada": (True, False, True), "bob": (True, False, False)}.items():
        for number, answer in enumerate(answers):
            opine(desk, f"dec_{number}", answer, name)

    report = desk.report()

    assert report.golden == {"ada": Share(2, 3), "bob": Share(3, 3)}
    assert report.missed.n == 0, "a golden item is no sample"
    with pytest.raises(NotFound):
        desk.next("lead")
    with pytest.raises(Conflict, match="golden item already"):
        desk.mark_golden("dec_0", allow=True, by="lead", reason="again")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"code": "because"}, "no reason code"),
        ({"reviewer": " "}, "name of the reviewer and a reason"),
        ({"reason": ""}, "name of the reviewer and a reason"),
    ],
)
def test_an_opinion_without_name_reason_or_code_is_refused(
    ledger: Ledger, review: Review, clock: Clock, change: dict[str, Any], match: str
) -> None:
    desk, id_ = quality(ledger, clock, ALL), decided(ledger, review, 1, allow=False)

    with pytest.raises(Conflict, match=match):
        desk.opine(id_, **{"allow": True, "reviewer": "bob", "reason": "so", "code": "other", **change})
    with pytest.raises(NotFound, match="dec_none"):
        desk.opine("dec_none", allow=True, reviewer="bob", reason="so")
    with pytest.raises(NotFound, match="dec_none"):
        desk.mark_golden("dec_none", allow=True, by="bob", reason="so")


# --- two reviewers


def test_in_some_categories_two_have_to_agree_before_something_passes(ledger: Ledger, clock: Clock) -> None:
    review = Review(ledger, clock, two_for=("ncii",))
    held = ledger.append_decision(a_decision(1, action=Action.REVIEW, category="ncii"))
    plain = ledger.append_decision(a_decision(2, action=Action.REVIEW, category="hate"))
    review.claim("ada", held.id)

    for _ in range(2):
        with pytest.raises(SecondReviewerNeeded, match="when a second reviewer allows it"):
            review.decide(held.id, allow=True, reviewer="ada", reason="consent is here", code="consent")

    assert ledger.superseding(held.id) is None
    assert review.queue()[0].claim is None, "it is put back"
    assert review.claim("ada").decision == plain.id, "not the same one again"
    passed = review.decide(held.id, allow=True, reviewer="bob", reason="so it is")
    assert (passed.verdict.action, passed.actor.id) == (Action.ALLOW, "bob")
    assert sum(entry.kind == "opinion" for entry in ledger.entries()) == 1
    assert audit.verify(ledger.engine, ledger.public_key).ok


def test_one_reviewer_is_enough_to_refuse(ledger: Ledger, clock: Clock) -> None:
    review = Review(ledger, clock, two_for=("ncii",))
    held = ledger.append_decision(a_decision(1, action=Action.REVIEW, category="ncii"))
    with pytest.raises(SecondReviewerNeeded):
        review.decide(held.id, allow=True, reviewer="ada", reason="so")

    assert review.decide(held.id, allow=False, reviewer="bob", reason="no").verdict.action is Action.BLOCK


# --- the table


def test_looks_that_were_recorded_before_are_in_the_new_table(empty_database_url: str, log_key: LogKey) -> None:
    engine = open_engine(empty_database_url)
    migrate(engine, "0013")  # the schema before
    look = {"id": "look_1", "at": time_to_text(NOON), "decision": "d", "job": None, "reviewer": "ada", "what": "file"}
    body, frontier = encode("reveal", look), Frontier()
    frontier.append(leaf_hash(body))
    values = (0, "look_1", "reveal", NOON, body, leaf_hash(body))
    note = sign_checkpoint(1, frontier.root(), log_key, HEAD_EXTENSION)
    with writing(engine) as connection:
        connection.execute(insert(entries), dict(zip(entries.columns.keys(), values, strict=True)))
        connection.execute(insert(ledger_head), {"id": 1, "size": 1, "frontier": frontier.pack(), "note": note})

    migrate(engine)

    assert DeskReader(engine).looks("ada", NOON) == [NOON]
    assert DeskReader(engine).looks("bob", NOON) == []
    assert audit.verify(engine, log_key.public).ok
    engine.dispose()


def test_a_look_that_was_deleted_is_found(ledger: Ledger, without_triggers: Any) -> None:
    ledger.append_event("reveal", "look_1", {"decision": "d", "job": None, "reviewer": "ada", "what": "file"})

    with pytest.raises(Exception, match=r"append-only|refuse"), ledger.engine.begin() as connection:
        connection.execute(text("DELETE FROM desk"))
    with without_triggers(ledger.engine) as connection:
        connection.execute(text("DELETE FROM desk"))
    problems = audit.verify(ledger.engine, ledger.public_key).problems
    assert [problem.where for problem in problems] == ["desk row 0"]
    assert json.dumps([problem.what for problem in problems]).count("deleted") == 1


def test_an_event_that_lacks_a_field_is_refused_and_the_ledger_goes_on(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="a reveal record lacks"):
        ledger.append_event("reveal", "look_1", {"what": "file"})

    assert ledger.append_decision(a_decision(1)).id == "dec_1"
    assert ledger.size() == 1
