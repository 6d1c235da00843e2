"""Which step may follow which, and that rolling back leads to what was in force before: for any sequence of steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.errors import Conflict
from safety.policy_states import PolicyState, States, Step, Way, step_of

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")

steps = st.builds(
    lambda policy, way, state, unproven: Step(
        0, policy, state, way, 0.1 if state is PolicyState.CANARY else None, unproven
    ),
    st.sampled_from([A, B, C]),
    st.sampled_from(Way),
    st.sampled_from(PolicyState),
    st.booleans(),
)


def may(states: States, step: Step) -> bool:
    return _makes_sense(step) and states.refusal(step) is None


def _makes_sense(step: Step) -> bool:
    return {
        Way.REGISTER: step.state is PolicyState.DRAFT,
        Way.RETIRE: step.state is PolicyState.RETIRED,
        Way.PROMOTE: step.state in (PolicyState.SHADOW, PolicyState.CANARY, PolicyState.LIVE),
        Way.ROLLBACK: True,
    }[Way(step.way)]


def walked(*wanted: tuple[str, str]) -> States:
    states = States()
    for policy, state in wanted:
        way = {"draft": Way.REGISTER, "retired": Way.RETIRE}.get(state, Way.PROMOTE)
        step = Step(0, policy, state, way, 0.1 if state == "canary" else None)
        assert (refusal := states.refusal(step)) is None, refusal
        states = states.after(step)
    return states


def lived(policy: str) -> tuple[tuple[str, str], ...]:
    return tuple((policy, state) for state in ("draft", "shadow", "canary", "live"))


@given(st.lists(steps, max_size=40))
def test_at_most_one_policy_is_live_and_one_a_canary_whatever_is_tried(tried):
    states = States()
    for step in tried:
        if not may(states, step):
            continue
        states = states.after(step)
        standing = list(states.of.values())
        assert standing.count(PolicyState.LIVE) == (states.live is not None)
        assert standing.count(PolicyState.CANARY) <= 1
        assert states.live is None or states.of[states.live] is PolicyState.LIVE
        assert set(states.acting) >= {each for each in (states.live, states.canary) if each}


@given(st.lists(steps, max_size=40))
def test_rolling_back_again_and_again_ends_with_the_file_of_the_settings(tried):
    states = States()
    for step in tried:
        if may(states, step):
            states = states.after(step)

    for _ in range(len(states.acting)):
        step = states.rollback()
        assert states.refusal(step) is None
        states = states.after(step)

    assert states.live is None
    assert states.canary is None
    with pytest.raises(Conflict, match="nothing to roll back"):
        states.rollback()


@given(st.lists(steps, max_size=40))
def test_a_promotion_to_live_is_undone_by_one_rollback(tried):
    states = States()
    for step in tried:
        if not may(states, step):
            continue
        after = states.after(step)
        if step.way == Way.PROMOTE and step.state == PolicyState.LIVE:
            back = after.after(after.rollback())
            assert back.live == states.live
            assert back.of[step.policy] is PolicyState.RETIRED
        states = after


def test_another_policy_that_goes_live_retires_the_one_before():
    states = walked(*lived(A), *lived(B))

    assert states.of == {A: PolicyState.RETIRED, B: PolicyState.LIVE}
    assert states.after(states.rollback()).of == {A: PolicyState.LIVE, B: PolicyState.RETIRED}


def test_a_canary_goes_back_to_shadow_and_the_live_one_stays():
    states = walked(*lived(A), (B, "draft"), (B, "shadow"), (B, "canary"))

    back = states.after(states.rollback())

    assert back.of == {A: PolicyState.LIVE, B: PolicyState.SHADOW}
    assert back.canary is None


@pytest.mark.parametrize(
    ("before", "step", "says"),
    [
        ((), Step(0, A, "shadow", Way.PROMOTE), "register it first"),
        (((A, "draft"),), Step(0, A, "draft", Way.REGISTER), "registered already: it is draft"),
        (((A, "draft"),), Step(0, A, "live", Way.PROMOTE), "shadow comes next"),
        (((A, "draft"), (A, "shadow")), Step(0, A, "live", Way.PROMOTE), "canary comes next"),
        (((A, "draft"), (A, "shadow")), Step(0, A, "shadow", Way.PROMOTE), "leads nowhere"),
        (lived(A), Step(0, A, "retired", Way.RETIRE), "roll back"),
        (((A, "draft"), (A, "retired")), Step(0, A, "shadow", Way.PROMOTE), "register it again"),
        (((A, "draft"), (A, "retired")), Step(0, A, "retired", Way.RETIRE), "retired already"),
        ((*lived(A), *lived(B)), Step(0, A, "draft", Way.REGISTER), "registered already: it is retired"),
        (((A, "draft"),), Step(0, A, "retired", Way.ROLLBACK), "nothing to roll back"),
        (lived(A), Step(0, A, "shadow", Way.ROLLBACK), "at the same time"),
        (
            (*lived(A)[:3], (B, "draft"), (B, "shadow")),
            Step(0, B, "canary", Way.PROMOTE, 0.1),
            "there can be one only",
        ),
    ],
)
def test_what_may_not_follow_is_refused_and_says_what_to_do(before, step, says):
    refusal = walked(*before).refusal(step)

    assert refusal is not None
    assert says in str(refusal)


def test_skipping_a_state_has_to_be_said():
    states = walked((A, "draft"))

    assert states.refusal(Step(0, A, "live", Way.PROMOTE, None, unproven=True)) is None


def test_a_retired_policy_may_be_registered_again_unless_rolling_back_leads_to_it():
    assert walked((A, "draft"), (A, "retired"), (A, "draft")).of[A] is PolicyState.DRAFT


@pytest.mark.parametrize(
    "changed",
    [{"state": "half"}, {"way": "sideways"}, {"state": "canary"}, {"share": 0.5}, {"state": "canary", "share": 1.0}],
)
def test_a_record_that_is_no_step_is_refused(changed):
    record = {"policy": A, "state": "shadow", "way": "promote", "share": None, "unproven": False, **changed}

    with pytest.raises(ValueError):
        step_of(0, record)
