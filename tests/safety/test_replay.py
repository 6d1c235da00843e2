"""What another policy would have said, from scores on record, and how well where people decided."""

from __future__ import annotations

from dataclasses import replace as changed
from datetime import timedelta

import pytest

from safety.domain import Action, Checkpoint, Measurement, Score
from safety.judge import judge
from safety.ledger import Ledger
from safety.policy import DEFAULT_POLICY, Policy, load_policy, parse_policy
from safety.policy_diff import differences
from safety.replay import replay
from safety.review import Review
from tests.safety.making import NOON, a_decision
from tests.safety.test_judge import TEXT

OLD = parse_policy(TEXT)
STRICTER = parse_policy(TEXT.replace(b"threshold = 0.5", b"threshold = 0.3"))
LAXER = parse_policy(TEXT.replace(b"threshold = 0.5", b"threshold = 0.7"))


def record(ledger: Ledger, number: int, value: float, policy: Policy = OLD):
    measurement = Measurement(scores=(Score("a", value), Score("b", 0.0), Score("c", 0.0)))
    verdict = judge(policy, Checkpoint.PROMPT, measurement)
    return ledger.append_decision(changed(a_decision(number), verdict=verdict, measurement=measurement))


@pytest.fixture
def history(ledger: Ledger) -> Ledger:
    """Scores 0.05, 0.15 … 0.95; people decided three of the four that were held."""
    made = [record(ledger, number, number / 10 + 0.05) for number in range(10)]
    review = Review(ledger, lambda: NOON + timedelta(days=9))
    held = [each for each in made if each.verdict.action is Action.REVIEW]
    assert len(held) == 3
    review.decide(held[0].id, allow=True, reviewer="ada", reason="fine")
    review.decide(held[1].id, allow=False, reviewer="ada", reason="no")
    slip = review.decide(held[2].id, allow=True, reviewer="ada", reason="fine")
    again = review.undo(slip.id, reviewer="bob", reason="slip")
    review.decide(again.id, allow=False, reviewer="bob", reason="no")
    return ledger


def test_the_same_policy_changes_nothing(history: Ledger) -> None:
    done = replay(history, OLD)

    assert (done.decisions, done.changed, done.examples) == (10, 0, {})
    assert dict(done.changes) == {("allow", "allow"): 5, ("review", "review"): 3, ("block", "block"): 2}
    assert done.categories == {"violence": [5, 5]}


def test_changes_are_counted_and_named(history: Ledger) -> None:
    stricter, laxer = replay(history, STRICTER), replay(history, LAXER)

    assert stricter.changed == stricter.changes["allow", "review"] == 2
    assert stricter.examples == {("allow", "review"): ["dec_3", "dec_4"]}
    assert stricter.categories == {"violence": [5, 7]}
    assert laxer.examples == {("review", "allow"): ["dec_5", "dec_6"]}
    assert laxer.categories == {"violence": [5, 3]}


def test_precision_and_recall_come_from_what_people_said_last(history: Ledger) -> None:
    (same,) = replay(history, OLD).estimates
    (laxer,) = replay(history, LAXER).estimates

    assert (same.category, same.precision.k, same.precision.n) == ("violence", 2, 3)
    assert (same.recall.k, same.recall.n) == (2, 2)
    assert (laxer.precision.k, laxer.precision.n, laxer.recall.k, laxer.recall.n) == (1, 1, 1, 2)


def test_a_period_is_half_open_and_people_are_not_replayed(history: Ledger) -> None:
    done = replay(history, OLD, since=NOON + timedelta(seconds=2), until=NOON + timedelta(seconds=6))
    assert done.decisions == 4
    assert replay(history, OLD, since=NOON + timedelta(days=1)).decisions == 0


def test_a_signal_that_was_never_measured_is_unmeasured_in_the_replay(ledger: Ledger) -> None:
    measurement = Measurement(scores=(Score("b", 0.0), Score("c", 0.0)))
    ledger.append_decision(changed(a_decision(1), measurement=measurement))

    assert dict(replay(ledger, OLD).changes) == {("allow", "review"): 1}  # nobody measured `a`


def test_progress_reaches_the_end(history: Ledger) -> None:
    told = []
    replay(history, OLD, progress=lambda done, size: told.append((done, size)))

    assert told[-1] == (history.size(), history.size())


def test_differences_name_rules_before_and_after() -> None:
    assert differences(OLD, OLD) == []
    assert differences(OLD, parse_policy(b"# another comment\n" + TEXT)) == []
    (one,) = differences(OLD, parse_policy(TEXT.replace(b"threshold = 0.8", b"threshold = 0.9")))
    assert (one.kind, one.id) == ("rule", "p.block")
    assert one.before == "prompt: violence block if a >= 0.8, unmeasured: review"
    assert one.after == "prompt: violence block if a >= 0.9, unmeasured: review"
    (clause,) = differences(OLD, parse_policy(TEXT.replace(b"Never.", b"Never ever.")))
    assert (clause.kind, clause.id) == ("category", "minors")


def test_every_part_of_the_shipped_policy_is_compared() -> None:
    policy = load_policy(DEFAULT_POLICY)
    empty = Policy("sha256:0", "empty", {}, ())
    kinds = {change.kind: 0 for change in differences(policy, empty)}
    for change in differences(policy, empty):
        kinds[change.kind] += 1
        assert change.after is None or change.kind == "origin"

    assert kinds["rule"] == len(policy.rules)
    assert kinds["modifier"] == len(policy.modifiers)
    assert kinds["category"] == len(policy.categories)
