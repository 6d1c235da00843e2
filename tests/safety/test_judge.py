from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import Score, TextSpan, TimeSpan
from media.clip import Coverage
from safety.domain import Action, Checkpoint, Measurement, Unmeasured
from safety.judge import is_final, judge
from safety.policy import parse_policy

TEXT = b"""
schema = 1
name = "test"
[origin]
likely_synthetic = 0.9
[categories.violence]
clause = "No violence."
[categories.minors]
clause = "Never."
[coverage.output]
longest_gap_s = 1.0
[[rules]]
id = "p.block"
checkpoint = "prompt"
category = "violence"
signal = "a"
threshold = 0.8
action = "block"
[[rules]]
id = "p.review"
checkpoint = "prompt"
category = "violence"
signal = "a"
threshold = 0.5
action = "review"
[[rules]]
id = "p.both"
checkpoint = "prompt"
category = "minors"
all = [{signal = "b", threshold = 0.2}, {signal = "c", threshold = 0.5}]
action = "block"
if_unmeasured = "block"
[[rules]]
id = "i"
checkpoint = "input"
category = "violence"
signal = "a"
threshold = 0.5
action = "block"
[[rules]]
id = "o"
checkpoint = "output"
category = "violence"
signal = "a"
threshold = 0.5
action = "block"
[[rules]]
id = "u"
checkpoint = "upload"
category = "violence"
signal = "a"
threshold = 0.5
action = "review"
[[gaps]]
checkpoint = "output"
signal = "frame.gore"
reason = "no data"
"""
POLICY = parse_policy(TEXT)

scores_of = st.lists(
    st.builds(
        Score,
        signal=st.sampled_from(["a", "b", "c", "d"]),
        value=st.floats(0, 1),
        span=st.one_of(st.none(), st.builds(TextSpan, st.integers(0, 9), st.integers(10, 20))),
    ),
    max_size=8,
)
gaps_of = st.lists(st.builds(Unmeasured, st.sampled_from(["a", "b", "c"]), st.just("broken")), max_size=3)


def verdict(*scores: Score, unmeasured: tuple[Unmeasured, ...] = (), checkpoint: Checkpoint = Checkpoint.PROMPT):
    return judge(POLICY, checkpoint, Measurement(scores=scores, unmeasured=unmeasured))


ALL_ZERO = (Score("a", 0.0), Score("b", 0.0), Score("c", 0.0))


def test_scores_below_every_threshold_are_allowed():
    assert verdict(*ALL_ZERO).action is Action.ALLOW


def test_the_strictest_finding_wins_and_every_finding_is_kept():
    result = verdict(Score("a", 0.9), Score("b", 0.0), Score("c", 0.0))

    assert result.action is Action.BLOCK
    assert [finding.rule for finding in result.findings] == ["p.block", "p.review"]


def test_a_threshold_is_reached_at_equality():
    assert verdict(Score("a", 0.5), Score("b", 0), Score("c", 0)).action is Action.REVIEW


def test_an_unmeasured_signal_is_never_allowed():
    result = verdict(Score("b", 0.0), Score("c", 0.0))

    assert result.action is Action.REVIEW
    assert result.findings[0].evidence[0].score is None


def test_nothing_measured_at_all_is_held_and_accuses_nobody():
    assert verdict().action is Action.REVIEW


def test_half_of_a_zero_tolerance_rule_blocks_when_its_other_half_is_unmeasured():
    assert verdict(Score("a", 0), Score("b", 0.3)).action is Action.BLOCK
    assert verdict(Score("a", 0), Score("c", 0.6)).action is Action.BLOCK


def test_a_window_that_could_not_be_measured_counts_although_others_were():
    result = verdict(*ALL_ZERO, unmeasured=(Unmeasured("a", "window 3 was too dark"),))

    assert result.action is Action.REVIEW


def test_a_condition_that_is_measured_and_not_reached_settles_a_conjunction():
    """`b` is unknown, but `c` is measured as absent: both cannot be present."""
    assert verdict(Score("a", 0.0), Score("c", 0.1)).action is Action.ALLOW


def test_a_conjunction_needs_every_condition():
    assert verdict(Score("a", 0), Score("b", 0.3), Score("c", 0.4)).action is Action.ALLOW
    assert verdict(Score("a", 0), Score("b", 0.3), Score("c", 0.6)).action is Action.BLOCK


def test_known_gaps_are_said_and_change_nothing():
    coverage = Coverage(10, 10, 1.0, 0.1)
    result = judge(POLICY, Checkpoint.OUTPUT, Measurement(scores=(Score("a", 0.0),), coverage=coverage))

    assert result.action is Action.ALLOW
    assert Unmeasured("frame.gore", "no data") in result.unmeasured


def test_a_gap_that_somebody_measured_is_none_and_one_that_failed_is_said_with_both_reasons():
    coverage = Coverage(10, 10, 1.0, 0.1)
    scores = (Score("a", 0.0), Score("frame.gore", 0.2))
    missed = (Unmeasured("frame.gore", "window 7 was too dark"),)

    closed = judge(POLICY, Checkpoint.OUTPUT, Measurement(scores=scores, coverage=coverage))
    failed = judge(POLICY, Checkpoint.OUTPUT, Measurement(scores=scores, unmeasured=missed, coverage=coverage))

    assert closed.unmeasured == ()
    assert {gap.reason for gap in failed.unmeasured} == {"no data", "window 7 was too dark"}


def test_too_long_an_unseen_stretch_is_never_allowed():
    seen = Measurement(scores=(Score("a", 0.0),), coverage=Coverage(100, 3, 4.0, 1.5))

    assert judge(POLICY, Checkpoint.OUTPUT, seen).action is Action.REVIEW


def demanding(lines):
    """The policy with this demand of coverage at the output."""
    return parse_policy(TEXT.replace(b"longest_gap_s = 1.0", lines))


CLEAN = (Score("a", 0.0),)


def test_too_few_frames_are_unmeasured_and_what_follows_is_the_policys_word():
    seen = Measurement(scores=CLEAN, coverage=Coverage(100, 49, 4.0, 0.1))

    held = judge(demanding(b"frames_share = 0.5"), Checkpoint.OUTPUT, seen)
    refused = judge(demanding(b'frames_share = 0.5\nif_unmet = "block"'), Checkpoint.OUTPUT, seen)
    enough = judge(demanding(b"frames_share = 0.49"), Checkpoint.OUTPUT, seen)

    assert (held.action, refused.action, enough.action) == (Action.REVIEW, Action.BLOCK, Action.ALLOW)
    (gap,) = [gap for gap in held.unmeasured if gap.signal == "coverage"]
    assert "49 of 100 frames" in gap.reason


def test_a_video_that_was_not_looked_at_to_its_end_is_never_allowed():
    seen = Measurement(scores=CLEAN, coverage=Coverage(100, 100, 4.0, 0.1, stopped_s=4.0))

    assert judge(demanding(b"stop_at_block = true"), Checkpoint.OUTPUT, seen).action is Action.REVIEW


def test_only_a_block_on_measured_evidence_is_final():
    output = demanding(b"stop_at_block = true")

    def final(*scores, unmeasured=()):
        measurement = Measurement(scores=scores, unmeasured=unmeasured, coverage=Coverage(9, 9, 1.0, 0.1))
        return is_final(output, Checkpoint.OUTPUT, judge(output, Checkpoint.OUTPUT, measurement))

    assert final(Score("a", 0.95))
    assert not final(Score("a", 0.3))
    assert not final(unmeasured=(Unmeasured("a", "broken"),))


def test_a_block_that_a_lenient_modifier_could_still_soften_is_not_final():
    excused = parse_policy(
        TEXT
        + b"""
[[modifiers]]
id = "art"
checkpoint = "output"
signal = "art"
threshold = 0.5
categories = ["violence"]
shift = 0.2
moves = ["block"]
"""
    )
    seen = Measurement(scores=(Score("a", 0.95),), coverage=Coverage(9, 9, 1.0, 0.1))

    assert not is_final(excused, Checkpoint.OUTPUT, judge(excused, Checkpoint.OUTPUT, seen))


def test_unknown_coverage_is_never_allowed_where_the_policy_asks_for_it():
    assert judge(POLICY, Checkpoint.OUTPUT, Measurement(scores=(Score("a", 0.0),))).action is Action.REVIEW


def test_two_findings_of_one_signal_are_both_kept():
    spans = TimeSpan(0, 1), TimeSpan(5, 6)
    result = verdict(Score("a", 0.9, spans[0]), Score("a", 0.9, spans[1]), Score("b", 0), Score("c", 0))

    assert {each.span for each in result.findings[0].evidence} == set(spans)


@given(scores_of, gaps_of, st.randoms())
def test_the_order_of_scores_does_not_matter(scores, gaps, random):
    shuffled = list(scores)
    random.shuffle(shuffled)

    one, other = verdict(*scores, unmeasured=tuple(gaps)), verdict(*shuffled, unmeasured=tuple(reversed(gaps)))

    assert one == other


@given(scores_of.filter(bool), gaps_of, st.data())
def test_raising_a_score_never_lowers_the_action(scores, gaps, data):
    index = data.draw(st.integers(0, len(scores) - 1))
    old = scores[index]
    raised = Score(old.signal, data.draw(st.floats(old.value, 1)), old.span)

    before = verdict(*scores, unmeasured=tuple(gaps)).action
    after = verdict(*scores[:index], raised, *scores[index + 1 :], unmeasured=tuple(gaps)).action

    assert after >= before


@given(scores_of, gaps_of)
def test_losing_a_measurement_never_makes_a_verdict_allow(scores, gaps):
    everything = verdict(*scores, unmeasured=tuple(gaps))
    lost = {gap.signal for gap in gaps} | ({"a", "b", "c"} - {score.signal for score in scores})

    if "a" in lost:
        assert everything.action is not Action.ALLOW
