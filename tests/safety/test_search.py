"""Everything recorded about a Decision finds it, on both databases, and counts say how many there were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete

from safety.database import writing
from safety.domain import Action, Actor, Checkpoint, Decision
from safety.errors import InvalidContent, LedgerError, NotFound
from safety.ledger import Ledger
from safety.lookup import Question, Search
from safety.lookup.counts import By, Every, count
from safety.tables import search_panel_entries, search_tallies, search_words
from safety.words import words_of
from tests.safety.making import NOON, a_decision


def by_person(number: int, reviewer: str, reason: str, **changes: object) -> Decision:
    return replace(a_decision(number, action=Action.BLOCK), actor=Actor("reviewer", reviewer), reason=reason, **changes)


def measured_by(number: int, *classifiers: tuple[str, str]) -> Decision:
    decision = a_decision(number)
    return replace(decision, measurement=replace(decision.measurement, classifiers=classifiers))


@pytest.fixture
def search(ledger: Ledger) -> Search:
    return Search(ledger.engine)


def ids(page: list[Decision]) -> list[str]:
    return [decision.id for decision in page]


def test_decisions_are_found_by_everything_recorded_about_them(ledger: Ledger, search: Search) -> None:
    odd = replace(
        by_person(3, "key_9", "A toy, no weapon.", job="video_3", checkpoint=Checkpoint.OUTPUT),
        verdict=replace(a_decision(3, action=Action.BLOCK, category="ip").verdict, policy="sha256:other"),
    )
    for decision in (*map(a_decision, range(3)), odd, *map(a_decision, range(4, 6))):
        ledger.append_decision(decision)

    for question in (
        Question(id="dec_3"),
        Question(job="video_3"),
        Question(checkpoint=Checkpoint.OUTPUT),
        Question(action=Action.BLOCK),
        Question(category="ip"),
        Question(subject=odd.subject),
        Question(policy="sha256:other"),
        Question(actor="key_9"),
        Question(words="weapon TOY"),
        Question(words="weap*"),
        Question(since=odd.at, until=odd.at + timedelta(seconds=1)),
        Question(category="ip", actor="key_9", words="toy", action=Action.BLOCK, classifier="text_encoder@sha256:12"),
    ):
        assert ids(search.page(question)) == ["dec_3"], question
    for question in (Question(words="toy gun"), Question(actor="key_8"), Question(category="ip", words="gun")):
        assert search.page(question) == [], question
    assert search.page(Question()) == ledger.decisions()
    assert search.page(Question(category="ip")) == [odd]


def test_a_policy_is_no_reviewer(ledger: Ledger, search: Search) -> None:
    decision = ledger.append_decision(a_decision())

    assert search.page(Question(actor=decision.actor.id)) == []


def test_pages_go_on_where_the_last_one_ended(ledger: Ledger, search: Search) -> None:
    for number in range(25):
        ledger.append_decision(by_person(number, f"key_{number % 2}", "the same words"))

    for question in (
        Question(),
        Question(words="same wor*"),
        Question(category="violence"),
        Question(classifier="text_encoder"),
    ):
        pages, after = [], None
        while page := search.page(question, after=after, limit=10):
            pages.append(ids(page))
            after = page[-1].id
        assert list(map(len, pages)) == [10, 10, 5]
        assert [id_ for page in pages for id_ in page] == [f"dec_{number}" for number in reversed(range(25))]
    mine = search.page(Question(actor="key_1"), after="dec_24", limit=3)  # the last one of a page need not be ours
    assert ids(mine) == ["dec_23", "dec_21", "dec_19"]


def test_a_finding_that_stands_twice_is_one_decision(ledger: Ledger, search: Search) -> None:
    decision = a_decision(action=Action.BLOCK)
    ledger.append_decision(replace(decision, verdict=replace(decision.verdict, findings=decision.verdict.findings * 2)))
    ledger.append_decision(a_decision(1, action=Action.BLOCK))

    assert ids(search.page(Question(category="violence"), limit=2)) == ["dec_1", "dec_0"]
    assert [each.actions for each in count(ledger.engine, By.CATEGORY, Every.EVER)] == []
    search.catch_up()
    assert [each.actions for each in count(ledger.engine, By.CATEGORY, Every.EVER)] == [{"block": 2}]


def test_versions_of_a_classifier_are_told_apart(ledger: Ledger, search: Search) -> None:
    ledger.append_decision(measured_by(0, ("nudity", "sha256:aa11"), ("violence", "sha256:cc")))
    ledger.append_decision(measured_by(1, ("nudity", "sha256:bb22")))
    ledger.append_decision(measured_by(2, ("violence", "sha256:cc"), ("nudity", "sha256:aa11")))
    ledger.append_decision(measured_by(3))

    assert ids(search.page(Question(classifier="nudity"))) == ["dec_2", "dec_1", "dec_0"]
    assert ids(search.page(Question(classifier="nudity@sha256:aa"))) == ["dec_2", "dec_0"]
    assert ids(search.page(Question(classifier="nudity@sha256:b"))) == ["dec_1"]
    assert search.page(Question(classifier="nudity@sha256:%2")) == []
    assert search.page(Question(classifier="faces")) == []


@pytest.mark.parametrize("words", ["", "…", "* _"])
def test_words_without_a_letter_are_refused(search: Search, words: str) -> None:
    with pytest.raises(InvalidContent, match="no letter"):
        search.page(Question(words=words))


def test_wrong_pages_are_refused(ledger: Ledger, search: Search) -> None:
    with pytest.raises(LedgerError, match="1 to 1000"):
        search.page(Question(), limit=0)
    with pytest.raises(NotFound, match="dec_9"):
        search.page(Question(), after="dec_9")
    with pytest.raises(InvalidContent, match="at most 8"):
        search.page(Question(words="a b c d e f g h i"))


def test_the_index_follows_the_ledger_past_entries_of_other_kinds(ledger: Ledger, search: Search) -> None:
    ledger.append_event("reveal", "look_1", {"decision": "d", "job": None, "reviewer": "ada", "what": "prompt"})
    ledger.append_decision(by_person(0, "key_1", "first"))
    assert search.behind() == 2

    assert search.catch_up() == 2
    assert (search.behind(), search.catch_up()) == (0, 0)
    ledger.append_decision(by_person(1, "key_1", "second"))
    assert ids(search.page(Question(words="second"))) == ["dec_1"]
    assert search.behind() == 0


def test_a_lost_index_is_built_again_from_the_entries(ledger: Ledger, search: Search) -> None:
    for number in range(3):
        ledger.append_decision(by_person(number, "key_1", "words"))
    search.catch_up()
    before = count(ledger.engine, By.ACTOR, Every.HOUR)
    with writing(ledger.engine) as connection:
        for table in (search_words, search_tallies, search_panel_entries):
            connection.execute(delete(table))
    assert search.page(Question(words="words")) == []

    assert search.rebuild() == 3
    assert len(search.page(Question(words="words"))) == 3
    assert count(ledger.engine, By.ACTOR, Every.HOUR) == before


# --- counts


def test_counts_and_rates_over_time(ledger: Ledger, search: Search) -> None:
    for number in range(10):
        action = Action.BLOCK if number % 5 == 0 else Action.ALLOW
        at = NOON + timedelta(hours=7 * number)
        ledger.append_decision(replace(a_decision(number, action=action), at=at))
    ledger.append_decision(by_person(10, "key_1", "odd", checkpoint=Checkpoint.UPLOAD))
    search.catch_up()

    days = count(ledger.engine, By.ALL, Every.DAY)
    assert [(each.at, each.total) for each in days] == [
        (datetime(2025, 3, 1, tzinfo=UTC), 3),
        (datetime(2025, 3, 2, tzinfo=UTC), 4),
        (datetime(2025, 3, 3, tzinfo=UTC), 3),
        (datetime(2025, 3, 4, tzinfo=UTC), 1),
    ]
    assert days[0].rate(Action.BLOCK) == pytest.approx(2 / 3)
    assert [each.value for each in count(ledger.engine, By.ACTOR, Every.EVER)] == ["key_1", "policy"]
    by_checkpoint = {each.value: each.total for each in count(ledger.engine, By.CHECKPOINT, Every.EVER)}
    assert by_checkpoint == {"prompt": 10, "upload": 1}
    assert [each.total for each in count(ledger.engine, By.POLICY, Every.MONTH)] == [11]
    weeks = count(ledger.engine, By.ALL, Every.WEEK)
    assert [each.at for each in weeks] == [datetime(2025, 2, 24, tzinfo=UTC), datetime(2025, 3, 3, tzinfo=UTC)]
    window = count(ledger.engine, By.ALL, Every.HOUR, since=NOON, until=NOON + timedelta(hours=7))
    assert [(each.at, each.total) for each in window] == [(NOON, 2)]


def test_counts_are_those_of_the_decisions_themselves(ledger: Ledger, search: Search) -> None:
    for number in range(60):
        action = [Action.ALLOW, Action.REVIEW, Action.BLOCK][number % 3]
        at = NOON + timedelta(minutes=17 * number)
        ledger.append_decision(replace(a_decision(number, action=action), at=at))
    search.catch_up(20)
    search.catch_up()

    for each in count(ledger.engine, By.ALL, Every.HOUR):
        found = ledger.decisions(since=each.at, until=each.at + timedelta(hours=1), limit=100)
        assert each.total == len(found)
        for action in Action:
            share = sum(decision.verdict.action is action for decision in found) / len(found)
            assert each.rate(action) == pytest.approx(share)


# --- words


@given(st.text(max_size=60))
def test_words_are_sorted_different_and_found_whatever_the_case(text: str) -> None:
    found = words_of(text)

    assert found == sorted(set(found))
    assert all(found)
    assert words_of(" ".join(reversed(text.split()))) == words_of(" ".join(text.split()))


def test_words_of_scripts_without_spaces_are_pairs() -> None:
    assert words_of("Ölfarbe, ÖLFARBE 42") == ["42", "ölfarbe"]
    assert words_of("武器ではない toy") == sorted(["toy", "武器", "器で", "では", "はな", "ない"])
    assert words_of("図") == ["図"]
