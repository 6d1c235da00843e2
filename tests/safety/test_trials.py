"""A shadow never acts, a canary acts on its share and never below the floor: laws, for any policies and any scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import Score
from media.clip import Coverage
from media.codec import encode_mp4
from media.errors import MediaError
from safety.domain import Action, Checkpoint, Measurement, Unmeasured
from safety.gate import Gate
from safety.judge import judge
from safety.policy import Demand, Policy, parse_policy
from safety.rules import ABSOLUTE
from safety.trials import ACTED, OVERRULED, WATCHED, Lineup, floor
from tests.safety.making import FILE, a_policy_file
from tests.world import POLICY, World

LIVE = parse_policy(FILE)
KEY = b"k" * 32
SIGNALS = ("text.violence", "text.extremism")

levels = st.floats(0, 1)
policies = st.builds(
    lambda name, threshold, action: parse_policy(a_policy_file(name, threshold=threshold, action=action)),
    st.sampled_from(["one", "two", "three"]),
    st.sampled_from([0.1, 0.3, 0.5, 0.7, 1.0]),
    st.sampled_from(["review", "block"]),
)
lenient = st.builds(lambda threshold: parse_policy(all_softened(threshold)), st.sampled_from([0.6, 0.9, 1.0]))
subjects = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)
checkpoints = st.sampled_from(Checkpoint)


def all_softened(threshold: float) -> bytes:
    """A policy that is weaker about extremism, too."""
    return FILE.replace(b"by setting", b"soft").replace(b"0.5", str(threshold).encode())


@st.composite
def measurements(draw: st.DrawFn) -> Measurement:
    scores, missing = [], []
    for signal in SIGNALS:
        if draw(st.booleans()):
            scores.append(Score(signal, draw(levels)))
        elif draw(st.booleans()):
            missing.append(Unmeasured(signal, "it failed"))
    return Measurement(tuple(scores), tuple(missing))


@given(st.lists(policies, max_size=3), measurements(), subjects, checkpoints)
def test_a_shadow_never_changes_a_verdict(shadows, measurement, subject, checkpoint):
    alone = Lineup(LIVE).judge(checkpoint, measurement, subject)
    beside = Lineup(LIVE, shadows=tuple(shadows), key=KEY).judge(checkpoint, measurement, subject)

    assert beside.verdict == alone.verdict == judge(LIVE, checkpoint, measurement)
    assert alone.trials == ()
    assert [(each.policy, each.part, each.action) for each in beside.trials] == [
        (each.digest, WATCHED, judge(each, checkpoint, measurement).action) for each in shadows
    ]


@given(policies, st.lists(policies, max_size=2), st.floats(0, 1), measurements(), subjects, checkpoints)
def test_a_shadow_beside_a_canary_changes_nothing_either(canary, shadows, share, measurement, subject, checkpoint):
    without = Lineup(LIVE, canary, share, key=KEY)
    beside = Lineup(LIVE, canary, share, tuple(shadows), KEY)

    assert beside.judge(checkpoint, measurement, subject).verdict == without.judge(checkpoint, measurement, subject)[0]
    assert beside.looking(subject) == without.looking(subject)


@given(policies | lenient, st.floats(0, 1), measurements(), subjects, checkpoints)
def test_what_acts_is_never_weaker_than_the_floor(canary, share, measurement, subject, checkpoint):
    judged = Lineup(LIVE, canary, share, key=KEY).judge(checkpoint, measurement, subject)
    in_force = judge(LIVE, checkpoint, measurement)

    least = max([each.action for each in in_force.findings if each.category in ABSOLUTE], default=Action.ALLOW)
    assert judged.verdict.action >= least
    assert judged.verdict in (in_force, judge(canary, checkpoint, measurement))
    (trial,) = judged.trials
    assert (judged.verdict.policy == canary.digest) == (trial.part == ACTED)
    assert trial.in_force is in_force.action


@given(policies, st.floats(0, 1), st.floats(0, 1), subjects)
def test_a_larger_share_draws_whatever_a_smaller_one_drew(canary, one, other, subject):
    small, large = (Lineup(LIVE, canary, share, key=KEY) for share in sorted((one, other)))

    assert large.draws(subject) or not small.draws(subject)


@given(policies, subjects)
def test_no_share_draws_nothing_and_everything_draws_all(canary, subject):
    assert not Lineup(LIVE, canary, 0.0, key=KEY).draws(subject)
    assert Lineup(LIVE, canary, 1.0, key=KEY).draws(subject)
    assert not Lineup(LIVE, share=1.0, key=KEY).draws(subject)


def test_the_share_is_kept_and_only_the_key_knows_whom_it_draws():
    """Of 20 000 subjects, a share of 0.1 draws 2000 with a standard deviation of 42."""
    canary = parse_policy(a_policy_file())
    subjects = [f"sha256:{number:064x}" for number in range(20_000)]
    ours = {each for each in subjects if Lineup(LIVE, canary, 0.1, key=KEY).draws(each)}
    theirs = {each for each in subjects if Lineup(LIVE, canary, 0.1, key=b"x" * 32).draws(each)}
    next_time = {
        each for each in subjects if Lineup(LIVE, parse_policy(a_policy_file("next")), 0.1, key=KEY).draws(each)
    }

    for drawn in (ours, theirs, next_time):
        assert abs(len(drawn) - 2000) < 5 * 42
    # Independent draws have a tenth of a tenth in common: 200, with a standard deviation of 14.
    assert abs(len(ours & theirs) - 200) < 5 * 14
    assert abs(len(ours & next_time) - 200) < 5 * 14


def test_a_canary_that_is_weaker_about_an_absolute_category_is_overruled():
    canary = parse_policy(all_softened(1.0))
    measurement = Measurement((Score("text.violence", 0.7), Score("text.extremism", 0.7)))

    verdict, (trial,) = Lineup(LIVE, canary, 1.0, key=KEY).judge(Checkpoint.PROMPT, measurement, "s")

    assert (verdict.policy, verdict.action) == (LIVE.digest, Action.BLOCK)
    assert (trial.part, trial.action, trial.in_force) == (OVERRULED, Action.ALLOW, Action.BLOCK)
    assert floor(verdict) is Action.BLOCK


def test_a_canary_may_be_weaker_elsewhere_that_is_what_it_is_for():
    canary = parse_policy(a_policy_file(threshold=0.9))
    measurement = Measurement((Score("text.violence", 0.7), Score("text.extremism", 0.0)))

    verdict, (trial,) = Lineup(LIVE, canary, 1.0, key=KEY).judge(Checkpoint.PROMPT, measurement, "s")

    assert (verdict.policy, verdict.action) == (canary.digest, Action.ALLOW)
    assert (trial.part, trial.rules, trial.in_force) == (ACTED, (), Action.BLOCK)


def test_what_is_absolute_and_unmeasured_is_part_of_the_floor():
    canary = parse_policy(all_softened(1.0))
    strict = parse_policy(FILE.replace(b'if_unmeasured = "review"', b'if_unmeasured = "block"'))
    measurement = Measurement((Score("text.violence", 0.0),), (Unmeasured("text.extremism", "it failed"),))

    verdict, (trial,) = Lineup(strict, canary, 1.0, key=KEY).judge(Checkpoint.PROMPT, measurement, "s")

    assert (verdict.policy, verdict.action, trial.part) == (strict.digest, Action.BLOCK, OVERRULED)


@pytest.mark.parametrize("met", [Action.REVIEW, Action.BLOCK])
def test_what_was_not_looked_at_is_part_of_the_floor(met: Action):
    """A canary without `[coverage]` would let unseen seconds pass that the policy in force holds."""
    strict = replace(LIVE, coverage={Checkpoint.OUTPUT: Demand(longest_gap_s=0.75, if_unmet=met)})
    canary = parse_policy(a_policy_file())
    clean = (Score("text.violence", 0.0), Score("text.extremism", 0.0))
    holed = Measurement(clean, coverage=Coverage(240, 120, 10.0, 5.0))
    whole = Measurement(clean, coverage=Coverage(240, 120, 10.0, 0.5))
    lineup = Lineup(strict, canary, 1.0, key=KEY)

    verdict, (trial,) = lineup.judge(Checkpoint.OUTPUT, holed, "s")
    assert (verdict.policy, verdict.action, trial.part) == (strict.digest, met, OVERRULED)
    assert lineup.judge(Checkpoint.OUTPUT, whole, "s").verdict.policy == canary.digest
    assert lineup.judge(Checkpoint.PROMPT, replace(holed, coverage=None), "s").verdict.policy == canary.digest


def gate_of(world: World, lineup: Lineup) -> Gate:
    return replace(world.gate, tried=lambda: lineup)


def watched(policy: Policy, **demand: float) -> Policy:
    """The same policy, demanding more of looking at outputs."""
    return replace(policy, digest="sha256:" + "d" * 64, coverage={Checkpoint.OUTPUT: Demand(**demand)})


def test_the_gate_looks_no_closer_for_a_shadow_and_as_close_as_a_canary_asks_where_it_draws(tmp_path: Path):
    world = World(tmp_path)
    try:
        film = tmp_path / "film.mp4"
        encode_mp4([np.full((64, 64, 3), 90, np.uint8)] * 48, film, fps=24.0)
        dense = watched(POLICY, frames_share=1)

        def seen(lineup: Lineup) -> tuple[int, str]:
            decision = gate_of(world, lineup).screen_video(film)
            return decision.measurement.coverage.frames_seen, decision.verdict.policy

        alone, by_shadow = seen(Lineup(POLICY)), seen(Lineup(POLICY, shadows=(dense,), key=KEY))
        drawn, passed_over = seen(Lineup(POLICY, dense, 1.0, key=KEY)), seen(Lineup(POLICY, dense, 0.0, key=KEY))

        assert alone[0] < 48
        assert by_shadow == alone == passed_over
        assert drawn == (48, dense.digest)
    finally:
        world.close()


def test_looking_ends_early_only_where_all_that_look_agree(tmp_path: Path):
    world = World(tmp_path)
    try:
        early, late = watched(POLICY, stop_at_block=True), replace(POLICY)
        red = Measurement((Score("frame.red", 1.0),))

        for policies, expected in [((early,), True), ((early, late), None), ((late,), None)]:
            settled = world.gate.settled_at(Checkpoint.OUTPUT, policies)
            assert (settled and settled(red)) == expected
    finally:
        world.close()


def test_a_file_that_is_not_there_is_a_media_error_with_a_canary_too(tmp_path: Path):
    world = World(tmp_path)
    try:
        with pytest.raises(MediaError):
            gate_of(world, Lineup(POLICY, LIVE, 0.5, key=KEY)).screen_video(tmp_path / "missing.mp4")
    finally:
        world.close()
