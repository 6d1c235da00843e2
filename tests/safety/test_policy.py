from __future__ import annotations

import re

import pytest

from api.wiring import offered_signals
from safety.domain import Action, Checkpoint
from safety.errors import PolicyError
from safety.policy import DEFAULT_POLICY, load_policy, parse_policy

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
    load_policy().require_signals(offered_signals())


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
