"""Policies are registered, tried, made live and rolled back, each step an entry; on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from classifiers.base import Score
from safety.audit import verify
from safety.checkpoints import LogKey
from safety.domain import Action, Checkpoint, Decision, Measurement, Trial
from safety.errors import Conflict, InvalidContent, LedgerError, NotFound, PolicyError
from safety.ledger import Ledger
from safety.lookup.policies import digest_of
from safety.policy import parse_policy
from safety.policy_book import Bar, PolicyBook
from safety.policy_states import PolicyState
from safety.records import decode
from safety.tables import policies
from tests.safety.making import FILE, a_book, a_decision, a_policy_file

SHADOW, CANARY, LIVE = PolicyState.SHADOW, PolicyState.CANARY, PolicyState.LIVE
WHY = {"by": "ada", "reason": "to see"}


def registered(book: PolicyBook, name: str = "tried", **rest: float) -> str:
    return book.register(a_policy_file(name, **rest), **WHY).policy


def made_live(book: PolicyBook, name: str) -> str:
    policy = registered(book, name)
    book.promote(policy, SHADOW, **WHY)
    book.promote(policy, CANARY, share=0.5, **WHY)
    book.promote(policy, LIVE, **WHY)
    return policy


def judged_beside(ledger: Ledger, policy: str, said: list[tuple[Action, Action]]) -> None:
    """Record decisions in which a policy was tried: (what was in force said, what it said)."""
    against = digest_of(FILE)
    for number, (in_force, tried) in enumerate(said):
        trial = Trial(policy, "watched", tried, (), against, in_force)
        ledger.append_decision(replace(a_decision(number, action=in_force, policy=against), trials=(trial,)))


def test_without_a_registered_policy_the_file_of_the_settings_judges_alone(ledger: Ledger) -> None:
    lineup = a_book(ledger).lineup()

    assert (lineup.live.digest, lineup.canary, lineup.shadows) == (digest_of(FILE), None, ())


def test_a_policy_walks_from_draft_to_live_and_each_step_is_an_entry(ledger: Ledger, log_key: LogKey) -> None:
    book = a_book(ledger)
    policy = registered(book)
    assert book.lineup().live.digest == digest_of(FILE)
    assert book.lineup().tried == ()

    book.promote(policy, SHADOW, **WHY)
    assert [each.digest for each in book.lineup().shadows] == [policy]

    book.promote(policy, CANARY, share=0.25, **WHY)
    assert (book.lineup().canary.digest, book.lineup().share) == (policy, 0.25)

    book.promote(policy, LIVE, by="bob", reason="it held")
    assert (book.lineup().live.digest, book.lineup().tried) == (policy, ())

    assert [(each.state, each.by, each.reason) for each in book.history(policy)] == [
        ("draft", "ada", "to see"), ("shadow", "ada", "to see"), ("canary", "ada", "to see"), ("live", "bob", "it held")
    ]  # fmt: skip
    kinds = [decode(entry.body)[0] for entry in ledger.entries(0)]
    assert kinds == ["policy_state"] * 4
    assert verify(ledger.engine, log_key.public).problems == ()


def test_another_process_notices_a_change_with_the_next_thing_it_judges(ledger: Ledger) -> None:
    here, there = a_book(ledger), a_book(ledger)
    assert there.lineup().tried == ()
    policy = registered(here)

    here.promote(policy, SHADOW, **WHY)

    assert [each.digest for each in there.lineup().shadows] == [policy]


def test_one_rollback_takes_back_a_canary_and_the_next_one_the_live_policy(ledger: Ledger) -> None:
    book = a_book(ledger)
    first, second = made_live(book, "first"), made_live(book, "second")
    third = registered(book, "third")
    book.promote(third, SHADOW, **WHY)
    book.promote(third, CANARY, share=0.1, **WHY)

    assert (book.rollback(**WHY).policy, book.lineup().canary) == (third, None)
    assert (book.rollback(**WHY).policy, book.lineup().live.digest) == (first, first)
    assert (book.rollback(**WHY).state, book.lineup().live.digest) == ("retired", digest_of(FILE))
    with pytest.raises(Conflict, match="nothing to roll back"):
        book.rollback(**WHY)
    assert book.states().of == {
        first: PolicyState.RETIRED, second: PolicyState.RETIRED, third: PolicyState.SHADOW
    }  # fmt: skip


def test_promotion_demands_what_trials_must_have_shown(ledger: Ledger) -> None:
    book = a_book(ledger, bar=Bar(decisions=10, agreement=0.6))
    policy = registered(book)
    book.promote(policy, SHADOW, **WHY)

    with pytest.raises(Conflict, match="0 of 10 decisions"):
        book.promote(policy, CANARY, share=0.1, **WHY)

    same, other = (Action.BLOCK, Action.BLOCK), (Action.BLOCK, Action.ALLOW)
    judged_beside(ledger, policy, [same] * 10 + [other] * 5)
    with pytest.raises(Conflict, match=r"10 of 15 decisions.*0\.4171.*0\.6 is demanded"):
        book.promote(policy, CANARY, share=0.1, **WHY)

    event = book.promote(policy, CANARY, share=0.1, unproven=True, **WHY)
    assert event.unproven
    assert event.figures == {
        "against": digest_of(FILE), "registered": False, "decisions": 15, "agreed": 10, "weaker": 5, "stricter": 0
    }  # fmt: skip


@pytest.mark.parametrize("rolled_back", [False, True])
def test_figures_against_a_policy_that_is_in_force_no_more_are_refused_by_the_writer(
    ledger: Ledger, rolled_back: bool
) -> None:
    """Between the look at the figures and the entry, somebody else makes another policy live or takes it back."""
    book = a_book(ledger)
    rival, policy = registered(book, "rival"), registered(book, "slow")
    book.promote(policy, SHADOW, **WHY)
    if rolled_back:
        book.promote(rival, LIVE, unproven=True, **WHY)

    def meanwhile(kind: str, id_: str, body: Mapping[str, Any]) -> None:
        if rolled_back:
            a_book(ledger).rollback(**WHY)
        else:
            a_book(ledger).promote(rival, LIVE, unproven=True, **WHY)
        ledger.append_event(kind, id_, body)

    slow = PolicyBook(ledger.engine, meanwhile, lambda: parse_policy(FILE), lambda _: None, lambda: b"k" * 32)
    with pytest.raises(Conflict, match="meanwhile, and the trials"):
        slow.promote(policy, CANARY, share=0.1, **WHY)
    assert book.states().of[policy] is SHADOW


def test_who_is_in_a_hurry_may_say_so_whatever_went_live_meanwhile(ledger: Ledger) -> None:
    book = a_book(ledger)
    rival, policy = registered(book, "rival"), registered(book, "slow")

    def meanwhile(kind: str, id_: str, body: Mapping[str, Any]) -> None:
        a_book(ledger).promote(rival, LIVE, unproven=True, **WHY)
        ledger.append_event(kind, id_, body)

    slow = PolicyBook(ledger.engine, meanwhile, lambda: parse_policy(FILE), lambda _: None, lambda: b"k" * 32)
    assert slow.promote(policy, LIVE, unproven=True, **WHY).state == LIVE


def test_who_promotes_may_demand_more_than_the_settings_and_never_less(ledger: Ledger) -> None:
    book = a_book(ledger, bar=Bar(decisions=2))
    policy = registered(book)
    book.promote(policy, SHADOW, **WHY)
    judged_beside(ledger, policy, [(Action.ALLOW, Action.ALLOW)] * 3)

    with pytest.raises(Conflict, match="3 of 4 decisions"):
        book.promote(policy, CANARY, share=0.1, bar=Bar(decisions=4), **WHY)
    book.promote(policy, CANARY, share=0.1, bar=Bar(decisions=1), **WHY)


def test_figures_count_only_what_was_judged_beside_the_policy_in_force_now(ledger: Ledger) -> None:
    book = a_book(ledger)
    policy = registered(book)
    judged_beside(ledger, policy, [(Action.ALLOW, Action.REVIEW), (Action.REVIEW, Action.ALLOW)])

    beside = book.figures(policy, digest_of(FILE))
    assert (beside.decisions, beside.agreed, beside.weaker, beside.stricter) == (2, 0, 1, 1)
    assert book.figures(policy, "sha256:other").decisions == 0


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 501])
def test_a_change_without_a_reason_is_refused(ledger: Ledger, reason: str) -> None:
    book = a_book(ledger)
    policy = made_live(book, "one")
    before = ledger.size()

    for change in (
        lambda: book.register(a_policy_file("two"), by="ada", reason=reason),
        lambda: book.promote(policy, SHADOW, by="ada", reason=reason),
        lambda: book.retire(policy, by="ada", reason=reason),
        lambda: book.rollback(by="ada", reason=reason),
    ):
        with pytest.raises(InvalidContent, match="say why"):
            change()
    assert ledger.size() == before


@pytest.mark.parametrize(("to", "share"), [(CANARY, None), (CANARY, 0.0), (CANARY, 1.0), (SHADOW, 0.5), (LIVE, 0.5)])
def test_a_share_belongs_to_a_canary_and_to_nothing_else(ledger: Ledger, to: PolicyState, share: float | None) -> None:
    book = a_book(ledger)
    policy = registered(book)

    with pytest.raises(InvalidContent, match="share"):
        book.promote(policy, to, share=share, **WHY)


def test_the_writer_refuses_a_step_that_may_not_follow_whoever_asks(ledger: Ledger) -> None:
    """Not the book alone: two processes could both have looked before either wrote."""
    policy = registered(a_book(ledger))
    body = {"policy": policy, "name": "x", "state": "live", "way": "promote", "share": None, "unproven": False}

    with pytest.raises(Conflict, match="shadow comes next"):
        ledger.append_event("policy_state", "pol_1", {**body, "figures": None, "actor": "ada", "reason": "x"})
    with pytest.raises(LedgerError, match="lacks"):
        ledger.append_event("policy_state", "pol_2", {"policy": policy})


def test_of_two_who_make_different_canaries_at_once_one_is_refused(ledger: Ledger) -> None:
    book = a_book(ledger)
    rivals = [registered(book, name) for name in ("one", "two")]
    for policy in rivals:
        book.promote(policy, SHADOW, **WHY)
    refused, gate = [], threading.Barrier(2)

    def promote(policy: str) -> None:
        gate.wait()
        try:
            a_book(ledger).promote(policy, CANARY, share=0.5, **WHY)
        except Conflict as error:
            refused.append(str(error))

    threads = [threading.Thread(target=promote, args=(policy,)) for policy in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert "there can be one only" in refused[0]


def test_a_policy_that_asks_for_what_nobody_reports_is_not_registered_nor_made_live(ledger: Ledger) -> None:
    def refuse(_: object) -> None:
        raise PolicyError("asks for a signal that nobody reports")

    policy = registered(a_book(ledger))
    a_book(ledger).promote(policy, SHADOW, **WHY)
    elsewhere = PolicyBook(ledger.engine, ledger.append_event, lambda: parse_policy(FILE), refuse, lambda: b"k" * 32)

    with pytest.raises(PolicyError):
        registered(elsewhere, "another")
    with pytest.raises(PolicyError):
        elsewhere.promote(policy, CANARY, share=0.5, **WHY)
    made_live(a_book(ledger), "live")
    with pytest.raises(PolicyError):
        elsewhere.lineup()


@pytest.mark.parametrize("body", [b"", b"not toml [", b"\xff\xfe", b"schema = 1"])
def test_what_is_no_policy_is_not_kept(ledger: Ledger, body: bytes) -> None:
    with pytest.raises(PolicyError):
        a_book(ledger).register(body, **WHY)
    assert ledger.size() == 0


def test_a_policy_is_found_by_the_first_digits_of_its_digest(ledger: Ledger) -> None:
    book = a_book(ledger)
    policy = registered(book)

    assert book.find(policy) == book.find(policy[:20]) == book.find(policy.removeprefix("sha256:")[:8]) == policy
    for unknown in ("sha256:1234567", "ffffffffffff", ""):
        with pytest.raises(NotFound):
            book.find(unknown)


def test_bytes_that_were_altered_are_found_and_never_judge(ledger: Ledger, without_triggers) -> None:
    book = a_book(ledger)
    shadow, live = registered(book, "shadow"), made_live(book, "live")
    book.promote(shadow, SHADOW, **WHY)
    with without_triggers(ledger.engine) as connection:
        connection.execute(update(policies).where(policies.c.digest == shadow).values(body=FILE))

    assert a_book(ledger).lineup().tried == ()
    assert a_book(ledger).lineup().live.digest == live

    with without_triggers(ledger.engine) as connection:
        connection.execute(update(policies).where(policies.c.digest == live).values(body=FILE))
    with pytest.raises(PolicyError, match="altered"):
        a_book(ledger).lineup()
    assert a_book(ledger).rollback(**WHY).state == "retired"
    assert a_book(ledger).lineup().live.digest == digest_of(FILE)


def test_a_live_policy_whose_bytes_are_lost_judges_nothing_says_how_to_go_on_and_is_taken_back(
    ledger: Ledger, without_triggers
) -> None:
    """NotFound would read as if the caller had named something that is not there."""
    book = a_book(ledger)
    first, live = made_live(book, "first"), made_live(book, "live")
    draft = registered(book, "draft")
    with without_triggers(ledger.engine) as connection:
        connection.execute(delete(policies).where(policies.c.digest.in_([first, live, draft])))

    for wanted in (live, first):
        assert a_book(ledger).in_force() == wanted
        with pytest.raises(PolicyError, match=rf"{wanted} is in force.*framegate policy rollback"):
            a_book(ledger).lineup()
        a_book(ledger).rollback(**WHY)
    assert a_book(ledger).lineup().live.digest == digest_of(FILE)
    assert a_book(ledger).retire(draft, **WHY).name == ""
    with pytest.raises(NotFound):
        book.retire("sha256:" + "0" * 64, **WHY)


@pytest.mark.parametrize(
    "change",
    ["UPDATE policy_states SET state = 'live'", "DELETE FROM policy_states", "UPDATE trials SET action = 'allow'"],
)
def test_an_altered_state_or_trial_is_found(ledger: Ledger, log_key: LogKey, without_triggers, change: str) -> None:
    policy = registered(a_book(ledger))
    judged_beside(ledger, policy, [(Action.BLOCK, Action.BLOCK)])
    assert verify(ledger.engine, log_key.public).problems == ()

    with without_triggers(ledger.engine) as connection:
        connection.execute(text(change))

    assert {each.kind for each in verify(ledger.engine, log_key.public).problems} == {"derived"}


def test_trials_stand_in_the_decision_and_read_back(ledger: Ledger) -> None:
    book = a_book(ledger)
    policy = registered(book, threshold=0.9)
    book.promote(policy, SHADOW, **WHY)
    measurement = Measurement((Score("text.violence", 0.7), Score("text.extremism", 0.1)))
    verdict, trials = book.lineup().judge(Checkpoint.PROMPT, measurement, "sha256:1")
    made: Decision = replace(a_decision(), verdict=verdict, measurement=measurement, trials=trials)

    ledger.append_decision(made)

    assert ledger.decision(made.id) == made
    (trial,) = made.trials
    assert (trial.policy, trial.action, trial.in_force) == (policy, Action.ALLOW, Action.BLOCK)
