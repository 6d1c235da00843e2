"""Stories of sessions: who searches for words that pass is held, everybody else never notices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from safety.domain import Action, Decision, Measurement
from safety.ledger import Ledger
from safety.lookup.sessions import MAX_REFUSALS, Refusal, recent_refusals, refusals_behind
from safety.policy import load_policy
from safety.review import Review
from safety.session import SESSION_SIGNALS, Sessions, derived, of_nobody, probing, resemblance, sketch
from tests.safety.making import a_decision
from tests.world import POLICY, World

SECRET = b"s" * 32
KEY = b"k" * 32
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)

REWORDINGS = (
    "a crowd watches a man drown in a pool of blood",
    "blood fills the pool while the crowd watches a man drowning",
    "a drowning man in a blood pool, a crowd watching",
    "watch the man drown, pool of blood, crowd around",
    "crowds watched as a man drowned in a pool with blood",
    "man drowns in bloody pool and blood everywhere, crowd watches",
)


class Day:
    """A world whose clock is set by hand, with the session rules of the policy that ships."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.now = NOON
        session_rules = tuple(r for r in load_policy().rules if r.id.startswith("prompt.session"))
        policy = replace(POLICY, rules=POLICY.rules + session_rules, categories=load_policy().categories)
        self.gate = replace(
            self.world.gate,
            policy=policy,
            clock=lambda: self.now,
            sessions=Sessions(self.world.ledger, lambda _: SECRET),
        )

    def ask(self, prompt: str, who: str = "ada", **more: str) -> Decision:
        self.now += timedelta(minutes=1)
        return self.gate.check_prompt(prompt, requester="key_1", session=who, **more)


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    day = Day(tmp_path)
    yield day
    day.world.close()


def test_who_rewords_a_refused_prompt_six_times_is_held_when_it_would_pass(day: Day) -> None:
    for prompt in REWORDINGS:
        assert day.ask(prompt).verdict.action is Action.BLOCK

    passed = day.ask("a crowd watches a man drown in a pool of red paint")

    assert passed.verdict.action is Action.REVIEW
    assert [finding.rule for finding in passed.verdict.findings] == ["prompt.session.probing.review"]


def test_another_user_is_not_affected(day: Day) -> None:
    for prompt in REWORDINGS:
        day.ask(prompt)

    assert day.ask("a crowd watches a man drown in a pool of red paint", who="bob").verdict.action is Action.ALLOW
    assert day.ask("a crowd watches a man", who="").verdict.action is Action.ALLOW


def test_one_or_two_refusals_are_never_noticed(day: Day) -> None:
    for prompt in REWORDINGS[:2]:
        day.ask(prompt)

    assert day.ask("a crowd watches a man drown in a pool of red paint").verdict.action is Action.ALLOW


def test_other_prompts_of_the_same_user_still_pass(day: Day) -> None:
    for prompt in REWORDINGS:
        day.ask(prompt)

    assert day.ask("sunrise over snowy mountains, slow aerial").verdict.action is Action.ALLOW


def test_time_passes_and_it_is_forgiven(day: Day) -> None:
    for prompt in REWORDINGS:
        day.ask(prompt)
    day.now += timedelta(hours=24)

    assert day.ask("a crowd watches a man drown in a pool of red paint").verdict.action is Action.ALLOW


def test_many_refusals_of_anything_hold_the_next(day: Day) -> None:
    nouns = (
        "kite boat lamp chair river candle piano garden window ladder basket mirror hammer pillow bottle carpet stone"
    )
    for noun in nouns.split():
        assert day.ask(f"blood {noun}").verdict.action is Action.BLOCK

    assert day.ask("sunrise over snowy mountains").verdict.action is Action.REVIEW


def test_what_the_session_holds_does_not_count_against_it(day: Day) -> None:
    for prompt in REWORDINGS:
        day.ask(prompt)
    held = day.ask("a crowd watches a man drown in a pool of red paint")
    scores = [_score(day.ask("a crowd watches a man drown in a pool of red paint")) for _ in range(3)]

    assert held.verdict.action is Action.REVIEW
    assert scores == sorted(scores, reverse=True)


def test_a_refusal_that_was_taken_back_does_not_count(day: Day) -> None:
    odd = day.ask("an odd field")
    Review(day.world.ledger).decide(odd.id, allow=False, reviewer="eve", reason="too odd")
    assert _score(day.ask("an odd field")) > 0.1

    other = day.ask("an odd meadow", who="bob")
    Review(day.world.ledger).decide(other.id, allow=True, reviewer="eve", reason="fine")
    assert _score(day.ask("an odd meadow", who="bob")) == 0.0


def test_what_is_derived_from_a_refused_job_is_held(day: Day) -> None:
    day.ask("a pool of blood", who="", job="video_1")
    child = day.ask("a green field", who="", job="video_2", parent="video_1")
    grandchild = day.ask("a green hill", who="", job="video_3", parent="video_2")

    assert [each.verdict.findings[0].rule for each in (child, grandchild)] == ["prompt.session.derived.review"] * 2
    assert child.parent == "video_1"
    assert day.ask("a green hill", who="", parent="video_9").verdict.action is Action.ALLOW


def test_a_rewrite_of_a_refused_text_is_not_derived_from_it(day: Day) -> None:
    refused = day.ask("a pool of blood", who="")

    assert day.ask("a pool of paint", who="", parent=refused.id).verdict.action is Action.ALLOW


def test_a_gate_without_sessions_leaves_the_policys_signals_unmeasured(day: Day) -> None:
    decision = replace(day.gate, sessions=None).check_prompt("a green field")

    assert decision.verdict.action is Action.REVIEW
    assert {gap.signal for gap in decision.verdict.unmeasured} >= SESSION_SIGNALS


def test_a_text_looked_at_for_itself_is_judged_by_the_policys_session_rules_too(day: Day) -> None:
    measurement = of_nobody(day.gate.check_prompt("a green field").measurement)

    assert {score.signal for score in measurement.scores} >= SESSION_SIGNALS
    assert max(score.value for score in of_nobody(Measurement()).scores) == 0.0


def test_no_word_and_no_name_is_kept(day: Day) -> None:
    day.ask("a zebra in a pool of blood", who="key_1/ada@example.org")

    stored = b"".join(entry.body for entry in day.world.ledger.entries())

    assert b"zebra" not in stored
    assert b"ada@" not in stored


def test_what_was_allowed_leaves_no_sketch(day: Day) -> None:
    assert day.ask("a green field").sketch == ""
    assert len(day.ask("a pool of blood").sketch) == 64


def test_rewordings_resemble_and_other_prompts_do_not() -> None:
    first, *others = (sketch(each, KEY) for each in REWORDINGS)

    assert all(resemblance(first, other) > 0.5 for other in others)
    assert resemblance(first, sketch("sunrise over snowy mountains, slow aerial shot", KEY)) < 0.1
    assert resemblance(first, first) == 1.0


def test_scripts_without_spaces_are_compared_too() -> None:
    one, other = sketch("人群看着一个男人淹死在血池里", KEY), sketch("一个男人淹死在血池里，人群看着", KEY)

    assert resemblance(one, other) > 0.5
    assert resemblance(one, sketch("雪山上的日出", KEY)) < 0.3


def test_sketches_of_two_sessions_cannot_be_compared(day: Day) -> None:
    sessions = Sessions(day.world.ledger, lambda _: SECRET)
    ada, bob = (sessions.begin(who, REWORDINGS[0]) for who in ("ada", "bob"))

    assert ada.id != bob.id
    assert resemblance(ada.sketch, bob.sketch) < 0.3


ages = st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from(REWORDINGS)), max_size=8)


@given(ages, st.floats(0, 1e6), st.sampled_from(REWORDINGS))
def test_one_more_refusal_never_lowers_the_risk(past: list[tuple[float, str]], age_s: float, more: str) -> None:
    refusals = [Refusal(NOON - timedelta(seconds=age), sketch(prompt, KEY)) for age, prompt in past]
    asked = sketch(REWORDINGS[0], KEY)
    before = probing(NOON, asked, refusals)
    after = probing(NOON, asked, [*refusals, Refusal(NOON - timedelta(seconds=age_s), sketch(more, KEY))])

    assert 0.0 <= before <= after < 1.0
    assert probing(NOON + timedelta(hours=1), asked, refusals) <= before


@given(st.integers(0, 1000))
def test_more_refusals_behind_it_never_make_it_less_derived(count: int) -> None:
    assert derived(0) == 0.0
    assert 0.0 <= derived(count) < derived(count + 1) < 1.0


def test_the_record_is_asked_for_one_session_and_a_bounded_number(ledger: Ledger, engine: Engine) -> None:
    for number in range(MAX_REFUSALS + 6):
        refused = a_decision(number, action=Action.BLOCK)
        ledger.append_decision(replace(refused, session="5e", sketch="ab"))
    ledger.append_decision(replace(a_decision(500, action=Action.BLOCK), session="77"))
    ledger.append_decision(replace(a_decision(501), session="5e"))

    found = recent_refusals(ledger, "5e")

    assert len(found) == MAX_REFUSALS
    assert found[0] == Refusal(a_decision(MAX_REFUSALS + 5).at, "ab")
    assert recent_refusals(ledger, "none") == []
    assert refusals_behind(ledger, "none") == 0
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            query = (
                "EXPLAIN QUERY PLAN SELECT at FROM decisions WHERE session='x' AND action='block' ORDER BY entry DESC"
            )
            plan = " ".join(str(row) for row in connection.execute(text(query)))
        assert "ix_decisions_session_action_entry" in plan
        assert "TEMP B-TREE" not in plan


def test_a_lineage_that_bites_its_tail_ends(ledger: Ledger) -> None:
    ledger.append_decision(replace(a_decision(1, action=Action.BLOCK, job="a"), parent="b"))
    ledger.append_decision(replace(a_decision(2, action=Action.BLOCK, job="b"), parent="a"))

    assert refusals_behind(ledger, "a") == 2


def _score(decision: Decision) -> float:
    return next(score.value for score in decision.measurement.scores if score.signal == "session.probing")
