from __future__ import annotations

import re

import pytest

from api.wiring import offered_signals
from safety.domain import Action, Checkpoint
from safety.errors import PolicyError
from safety.policy import DEFAULT_POLICY, Demand, load_policy, parse_policy

CATEGORIES = [
    "violence",
    "sexual",
    "sexual_minors",
    "hate",
    "extremism",
    "harassment",
    "likeness",
    "ncii",
    "ip",
    "misinformation",
    "political_deception",
    "self_harm",
    "illicit",
    "fraud",
    "privacy",
    "disturbing",
    "evasion",
]

HEAD = """schema = 1
name = "t"
[origin]
likely_synthetic = 0.9
[categories.x]
clause = "No."
"""


def rule(at: str, **changes: str) -> str:
    fields = {
        "id": f'"{at}"',
        "checkpoint": f'"{at}"',
        "category": '"x"',
        "signal": '"s"',
        "threshold": "0.5",
        "action": '"review"',
    } | changes
    return "[[rules]]\n" + "".join(f"{key} = {value}\n" for key, value in fields.items() if value)


GOOD = HEAD + "".join(rule(checkpoint) for checkpoint in Checkpoint)


def refusal(text: str | bytes) -> str:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text.encode() if isinstance(text, str) else text)
    return str(caught.value)


def test_the_default_policy_has_every_category_and_guards_every_checkpoint():
    policy = load_policy()

    assert sorted(policy.categories) == sorted(CATEGORIES)
    assert all(policy.rules_at(checkpoint) for checkpoint in Checkpoint)


def test_every_category_has_a_rule_except_those_declared_unmeasured():
    policy = load_policy()
    ruled = {each.category for each in policy.rules}

    assert set(CATEGORIES) == ruled


def test_the_default_policy_asks_only_for_signals_that_classifiers_offer():
    policy = load_policy()
    policy.require_signals(offered_signals(policy))


def test_sexual_minors_blocks_even_when_it_cannot_be_measured():
    zero_tolerance = [each for each in load_policy().rules if each.category == "sexual_minors"]

    assert zero_tolerance
    assert all(each.action is each.if_unmeasured is Action.BLOCK for each in zero_tolerance)


def test_a_policy_is_named_by_the_digest_of_its_bytes():
    assert parse_policy(GOOD.encode()).digest != parse_policy((GOOD + "\n").encode()).digest
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", load_policy(DEFAULT_POLICY).digest)


def test_a_policy_without_rules_is_refused():
    assert "no rules" in refusal(HEAD)


def test_an_empty_file_is_refused():
    assert "schema" in refusal("")


def test_an_unguarded_checkpoint_is_refused():
    assert "upload" in refusal(HEAD + "".join(rule(each) for each in list(Checkpoint)[:3]))


@pytest.mark.parametrize(
    ("demand", "words"),
    [
        ("longest_gap_s = 0", "seconds above 0"),
        ("longest_gap_s = nan", "seconds above 0"),
        ("longest_gap_s = true", "seconds above 0"),
        ("frames_share = 0", "frames_share"),
        ("frames_share = 1.01", "frames_share"),
        ('if_unmet = "allow"', "a rule cannot allow"),
        ("stop_at_block = 1", "stop_at_block"),
        ("frames = 1", "unknown key 'frames'"),
        ("", "a block of its own"),
    ],
)
def test_a_demand_of_coverage_that_cannot_be_meant_is_refused_with_its_line(demand, words):
    refused = refusal(GOOD + f"[coverage.output]\n{demand}\n")

    assert words in refused
    assert refused.startswith(f"line {len(GOOD.splitlines()) + 1}:")


def test_a_demand_of_coverage_is_read_as_written():
    text = GOOD + '[coverage.input]\nlongest_gap_s = 2\nframes_share = 0.5\nif_unmet = "block"\nstop_at_block = true\n'

    assert parse_policy(text.encode()).coverage == {
        Checkpoint.INPUT: Demand(2.0, 0.5, Action.BLOCK, stop_at_block=True)
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"category": '"y"'}, "not defined"),
        ({"threshold": "0"}, "above 0"),
        ({"threshold": "1.5"}, "above 0"),
        ({"threshold": "nan"}, "above 0"),
        ({"threshold": "true"}, "above 0"),
        ({"threshold": ""}, "threshold"),
        ({"action": '"allow"'}, "cannot allow"),
        ({"if_unmeasured": '"allow"'}, "cannot allow"),
        ({"if_unmeasured": '"block"'}, "stricter when unmeasured"),
        ({"signal": ""}, "either signal"),
        ({"all": "[]", "signal": "", "threshold": ""}, "at least one condition"),
        ({"colour": '"red"'}, "unknown key 'colour'"),
        ({"id": '"input"'}, "stands already"),
        ({"checkpoint": '"door"'}, "not a checkpoint"),
        ({"signal": '"video.synthetic"', "action": '"block"'}, "estimate"),
    ],
)
def test_a_faulty_rule_is_refused_with_its_line(changes, words):
    text = HEAD + rule("input") + rule("prompt", **changes) + rule("output") + rule("upload")
    line = text[: text.index("[[rules]]", text.index("[[rules]]") + 1)].count("\n") + 1

    message = refusal(text)

    assert words in message
    assert message.startswith(f"line {line}:")


def test_a_rule_that_asks_for_an_unknown_signal_is_refused_with_its_line_and_the_known_ones():
    policy = parse_policy(GOOD.encode())

    with pytest.raises(PolicyError, match=r"line 7: .*'s'.*known there: text\.violence"):
        policy.require_signals({checkpoint: ["text.violence"] for checkpoint in Checkpoint})


def test_text_that_is_not_toml_is_refused_with_its_line():
    assert "line 2" in refusal("schema = 1\nname = \n")


def test_bytes_that_are_not_utf8_are_refused_with_their_line():
    assert refusal(b"schema = 1\n\xff").startswith("line 2")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(PolicyError, match=r"gone\.toml"):
        load_policy(tmp_path / "gone.toml")


MODIFIER = {
    "id": '"m"',
    "checkpoint": '"prompt"',
    "signal": '"mood"',
    "threshold": "0.5",
    "categories": '["x"]',
    "shift": "-0.2",
}


def modifier(**changes: str) -> str:
    fields = MODIFIER | changes
    return "[[modifiers]]\n" + "".join(f"{key} = {value}\n" for key, value in fields.items() if value)


def test_a_modifier_moves_review_rules_unless_the_policy_says_more():
    (plain,) = parse_policy((GOOD + modifier()).encode()).modifiers_at(Checkpoint.PROMPT)
    (both,) = parse_policy((GOOD + modifier(moves='["review", "block"]')).encode()).modifiers

    assert plain.moves == (Action.REVIEW,)
    assert both.moves == (Action.REVIEW, Action.BLOCK)
    assert plain.strict


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": ""}, "needs id"),
        ({"id": '"prompt"'}, "has the id of the block on line 7"),
        ({"checkpoint": '"door"'}, "not a checkpoint"),
        ({"signal": ""}, "either signal"),
        ({"threshold": "2"}, "above 0"),
        ({"categories": ""}, "names the categories"),
        ({"categories": "[]"}, "names the categories"),
        ({"categories": '["y"]'}, "'y', which is not defined"),
        ({"shift": ""}, "shift"),
        ({"shift": "0"}, "shift"),
        ({"shift": "nan"}, "shift"),
        ({"shift": "1.5"}, "shift"),
        ({"shift": "true"}, "shift"),
        ({"moves": "[]"}, "moves"),
        ({"moves": '["allow"]'}, "cannot allow"),
        ({"moves": '["block"]'}, "moves no rule"),
        ({"shift": "0.2", "signal": '"s"'}, "asks for as a harm"),
        ({"colour": '"red"'}, "unknown key 'colour'"),
    ],
)
def test_a_faulty_modifier_is_refused_with_its_line(changes, words):
    text = GOOD + modifier(**changes)

    message = refusal(text)

    assert words in message
    assert message.startswith(f"line {GOOD.count(chr(10)) + 1}:")


@pytest.mark.parametrize("absolute", ["sexual_minors", "ncii", "extremism"])
def test_nothing_makes_an_absolute_category_more_lenient_or_rewrites_it(absolute):
    head = HEAD + f"[categories.{absolute}]\nclause = 'Never.'\n"
    rules = "".join(rule(each, category=f'"{absolute}"') for each in Checkpoint)

    assert "nothing makes" in refusal(head + rules + modifier(categories=f'["{absolute}"]', shift="0.1"))
    assert "no rewrite" in refusal(head + "rewrite = true\n" + rules)
    assert parse_policy((head + rules + modifier(categories=f'["{absolute}"]')).encode()).modifiers


@pytest.mark.parametrize("line", ["severity = 0", "severity = 8", "severity = true", "severity = 4.5", "rewrite = 1"])
def test_a_category_with_an_impossible_severity_or_rewrite_is_refused_with_its_line(line):
    assert refusal(GOOD.replace('clause = "No."', f'clause = "No."\n{line}')).startswith("line 5:")


def test_a_modifier_that_asks_for_an_unknown_signal_is_refused():
    policy = parse_policy((GOOD + modifier()).encode())

    with pytest.raises(PolicyError, match=r"modifier 'm' asks for signal 'mood'"):
        policy.require_signals({checkpoint: ["s"] for checkpoint in Checkpoint})


@pytest.mark.parametrize(
    ("origin", "shares"),
    [
        ("likely_synthetic = 0.9", (None, 0.9)),
        ("false_alarms = 0.02", (0.02, None)),
        ("false_alarms = 0.02\nlikely_synthetic = 0.9", (0.02, 0.9)),
    ],
)
def test_origin_is_judged_by_false_alarms_or_by_a_probability(origin, shares):
    policy = parse_policy(GOOD.replace("likely_synthetic = 0.9", origin).encode())

    assert (policy.false_alarms, policy.likely_synthetic) == shares


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("", "line 3: [origin] states false_alarms (a share), likely_synthetic (a probability), or both"),
        ("false_alarms = 0", "line 3: false_alarms is a probability above 0 and up to 1, not 0"),
        ('false_alarms = "1%"', "line 3: false_alarms is a probability above 0 and up to 1, not '1%'"),
        ("false_alarm = 0.1", "line 3: unknown key 'false_alarm'"),
    ],
)
def test_a_policy_that_leaves_origin_open_is_refused(origin, words):
    assert words in refusal(GOOD.replace("likely_synthetic = 0.9", origin))
