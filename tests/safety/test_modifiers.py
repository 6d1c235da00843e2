"""Modifiers move thresholds: at most half the way, never twice, never where the policy does not name the category."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import Score, TextSpan
from safety.domain import Action, Checkpoint, Measurement, Unmeasured
from safety.judge import judge
from safety.policy import Policy, parse_policy

RULES = """
schema = 1
name = "test"
[origin]
likely_synthetic = 0.9
[categories.gore]
clause = "No gore."
severity = 5
[categories.bodies]
clause = "No bodies."
severity = 4
[categories.tools]
clause = "No tools."
[[rules]]
id = "gore.block"
checkpoint = "prompt"
category = "gore"
signal = "g"
threshold = 0.9
action = "block"
[[rules]]
id = "gore.review"
checkpoint = "prompt"
category = "gore"
signal = "g"
threshold = 0.6
action = "review"
[[rules]]
id = "bodies.review"
checkpoint = "prompt"
category = "bodies"
all = [{ signal = "b", threshold = 0.5 }, { signal = "real", threshold = 0.5 }]
action = "review"
[[rules]]
id = "tools.review"
checkpoint = "prompt"
category = "tools"
signal = "t"
threshold = 0.5
action = "review"
""" + "".join(
    f"""
[[rules]]
id = "{each}"
checkpoint = "{each}"
category = "gore"
signal = "g"
threshold = 0.5
action = "block"
"""
    for each in ("input", "output", "upload")
)

STRICT = """
[[modifiers]]
id = "young"
checkpoint = "prompt"
signal = "young"
threshold = 0.5
categories = ["gore", "bodies"]
shift = -0.2
moves = ["review", "block"]
"""

STRICTER = """
[[modifiers]]
id = "live"
checkpoint = "prompt"
all = [{ signal = "photo", threshold = 0.5 }, { signal = "real", threshold = 0.5 }]
categories = ["gore"]
shift = -0.4
"""

LENIENT = """
[[modifiers]]
id = "history"
checkpoint = "prompt"
signal = "history"
threshold = 0.5
categories = ["gore", "bodies"]
shift = 0.15
[[modifiers]]
id = "art"
checkpoint = "prompt"
signal = "art"
threshold = 0.5
categories = ["gore"]
shift = 0.1
"""

BARE = parse_policy(RULES.encode())
ONLY_STRICT = parse_policy((RULES + STRICT + STRICTER).encode())
ONLY_LENIENT = parse_policy((RULES + LENIENT).encode())
ALL = parse_policy((RULES + STRICT + STRICTER + LENIENT).encode())

HARMS = ("g", "b", "t", "real")
MOODS = ("young", "photo", "history", "art")
values = st.sampled_from([0.0, 0.3, 0.35, 0.5, 0.62, 0.7, 0.72, 0.75, 0.8, 0.9, 0.95, 1.0]) | st.floats(0, 1)
readings = st.dictionaries(st.sampled_from(HARMS + MOODS), values)


def verdict(policy: Policy, readings: dict[str, float], *, lost: tuple[str, ...] = ()):
    scores = tuple(Score(signal, readings.get(signal, 0.0)) for signal in HARMS + MOODS if signal not in lost)
    gaps = tuple(Unmeasured(signal, "broken") for signal in lost)
    return judge(policy, Checkpoint.PROMPT, Measurement(scores=scores, unmeasured=gaps))


def fired(result) -> set[str]:
    return {finding.rule for finding in result.findings}


def test_a_lenient_modifier_lifts_the_threshold_of_reviews_and_leaves_blocks():
    assert verdict(ALL, {"g": 0.7}).action is Action.REVIEW
    assert verdict(ALL, {"g": 0.7, "history": 0.9}).action is Action.ALLOW
    assert verdict(ALL, {"g": 0.9, "history": 0.9}).action is Action.BLOCK


def test_a_strict_modifier_lowers_thresholds_of_the_actions_that_it_names():
    assert verdict(ALL, {"g": 0.5}).action is Action.ALLOW
    assert verdict(ALL, {"g": 0.5, "young": 0.9}).action is Action.REVIEW
    assert verdict(ALL, {"g": 0.75, "young": 0.9}).action is Action.BLOCK
    assert verdict(ALL, {"g": 0.3, "photo": 1, "real": 1}).action is Action.REVIEW
    assert verdict(ALL, {"g": 0.75, "photo": 1, "real": 1}).action is Action.REVIEW


def test_excuses_do_not_add_up_and_the_furthest_counts():
    both = verdict(ALL, {"g": 0.75, "history": 1, "art": 1})

    assert both.action is Action.REVIEW
    assert both.findings[0].evidence[0].threshold == 0.75
    assert both.findings[0].moved_by == ("history",)


def test_where_a_strict_modifier_holds_no_lenient_one_does():
    result = verdict(ALL, {"g": 0.5, "young": 1, "history": 1})

    assert result.findings[0].evidence[0].threshold == 0.6 - 0.2
    assert result.findings[0].moved_by == ("young",)


def test_a_threshold_moves_at_most_half_the_way():
    steep = parse_policy((RULES + STRICTER.replace("-0.4", "-0.9") + LENIENT.replace("0.15", "0.9")).encode())

    assert verdict(steep, {"g": 0.3, "photo": 1, "real": 1}).action is Action.REVIEW
    assert verdict(steep, {"g": 0.29, "photo": 1, "real": 1}).action is Action.ALLOW
    assert verdict(steep, {"g": 0.79, "history": 1}).action is Action.ALLOW
    assert verdict(steep, {"g": 0.8, "history": 1}).action is Action.REVIEW


def test_every_condition_of_a_conjunction_is_moved():
    assert verdict(ALL, {"b": 0.35, "real": 0.35}).action is Action.ALLOW
    assert fired(verdict(ALL, {"b": 0.35, "real": 0.35, "young": 1})) == {"bodies.review"}


def test_an_unmeasured_strict_modifier_counts_as_present_and_says_so():
    result = verdict(ALL, {"g": 0.5}, lost=("young",))

    assert result.action is Action.REVIEW
    assert result.findings[0].moved_by == ("young",)
    assert [(each.id, each.evidence[0].score) for each in result.modifiers] == [("young", None)]
    assert Unmeasured("young", "broken") in result.unmeasured


def test_an_unmeasured_lenient_modifier_never_applies():
    assert verdict(ALL, {"g": 0.7}, lost=("history",)).action is Action.REVIEW


def test_a_lenient_modifier_found_in_one_window_and_lost_in_another_never_applies():
    scores = (*(Score(each, 0.0) for each in HARMS + MOODS if each != "g"), Score("g", 0.7), Score("history", 1.0))
    lost = (Unmeasured("history", "window 2 was too dark"),)

    assert judge(ALL, Checkpoint.PROMPT, Measurement(scores)).action is Action.ALLOW
    assert judge(ALL, Checkpoint.PROMPT, Measurement(scores, lost)).action is Action.REVIEW


def test_an_unmeasured_modifier_alone_holds_nothing():
    assert verdict(ALL, {}, lost=MOODS).action is Action.ALLOW


def test_the_finding_says_which_threshold_was_in_force_and_which_is_written():
    span = TextSpan(3, 9)
    scores = (
        *(Score(each, 0.0) for each in HARMS + MOODS if each != "young"),
        Score("g", 0.5),
        Score("young", 0.9, span),
    )
    result = judge(ALL, Checkpoint.PROMPT, Measurement(scores))
    evidence = result.findings[0].evidence[0]

    assert (round(evidence.threshold, 9), evidence.written) == (0.4, 0.6)
    assert result.modifiers[0].evidence[0].span == span
    assert result.modifiers[0].shift == -0.2


def test_what_no_modifier_moved_says_nothing_of_it():
    result = verdict(ALL, {"g": 0.95, "history": 1.0})
    block = result.findings[0]

    assert (block.rule, block.moved_by, block.evidence[0].written) == ("gore.block", (), None)


@given(readings, st.sets(st.sampled_from(MOODS)))
def test_a_strict_modifier_never_softens(readings, lost):
    bare, moved = verdict(BARE, readings, lost=tuple(lost)), verdict(ONLY_STRICT, readings, lost=tuple(lost))

    assert moved.action >= bare.action
    assert fired(moved) >= fired(bare)
    assert (moved.severity or 0) >= (bare.severity or 0)


@given(readings, st.sets(st.sampled_from(MOODS)))
def test_a_lenient_modifier_never_tightens_and_never_touches_a_block(readings, lost):
    bare, moved = verdict(BARE, readings, lost=tuple(lost)), verdict(ONLY_LENIENT, readings, lost=tuple(lost))

    assert fired(moved) <= fired(bare)
    assert ("gore.block" in fired(moved)) == ("gore.block" in fired(bare))


@given(readings, st.sets(st.sampled_from(MOODS)))
def test_nothing_moves_a_category_that_the_policy_does_not_name(readings, lost):
    bare, moved = verdict(BARE, readings, lost=tuple(lost)), verdict(ALL, readings, lost=tuple(lost))

    tools = [[each for each in result.findings if each.category == "tools"] for result in (bare, moved)]

    assert tools[0] == tools[1]


@given(readings, st.sampled_from(HARMS), values)
def test_raising_a_harm_never_lowers_the_action_or_the_severity(readings, harm, value):
    raised = readings | {harm: max(value, readings.get(harm, 0.0))}
    before, after = verdict(ALL, readings), verdict(ALL, raised)

    assert after.action >= before.action
    assert fired(after) >= fired(before)
    assert after.severity >= before.severity


@given(readings, st.sampled_from(MOODS))
def test_losing_a_modifier_never_softens(readings, mood):
    assert fired(verdict(ALL, readings, lost=(mood,))) >= fired(verdict(ALL, readings))
