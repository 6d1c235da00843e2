"""Grades, advice and offered rewrites of `/v1/moderations`: only when asked, judged again, recorded as their own."""

from __future__ import annotations

import pytest

from safety.domain import Action
from safety.policy import parse_policy
from tests.fakes import WordClassifier

POLICY = """schema = 1
name = "test"
[origin]
likely_synthetic = 0.9
[categories.likeness]
clause = "No real people."
severity = 3
advice = "An invented person passes."
rewrite = true
[categories.violence]
clause = "No violence."
severity = 5
[[rules]]
id = "prompt.names"
checkpoint = "prompt"
category = "likeness"
signal = "names.public_figure"
threshold = 0.5
action = "block"
[[rules]]
id = "prompt.suits"
checkpoint = "prompt"
category = "likeness"
signal = "text.suit"
threshold = 0.5
action = "review"
[[rules]]
id = "prompt.violence"
checkpoint = "prompt"
category = "violence"
signal = "text.violence"
threshold = 0.5
action = "block"
[[modifiers]]
id = "real"
checkpoint = "prompt"
signal = "names.public_figure"
threshold = 0.5
categories = ["violence"]
shift = -0.2
moves = ["block"]
""" + "".join(
    f"""[[rules]]
id = "{each}"
checkpoint = "{each}"
category = "violence"
signal = "frame.red"
threshold = 0.5
action = "review"
"""
    for each in ("input", "output", "upload")
)

NAMED = "Ada Star walks over a meadow in the rain"


@pytest.fixture
def house(house):
    house.policy = parse_policy(POLICY.encode())
    words = {"names.public_figure": "Ada Star", "text.suit": "tall man", "text.violence": "blood"}
    house.text_classifiers = (WordClassifier(words),)
    return house


def judged(client, headers, text, **fields):
    answered = client.post("/v1/moderations", json={"input": text, **fields}, headers=headers)
    assert answered.status_code == 200, answered.text
    return [result["x_framegate"] for result in answered.json()["results"]]


def test_a_result_says_how_grave_it_is_what_moved_it_and_what_would_pass(client, ada):
    (told,) = judged(client, ada, NAMED)

    assert (told["severity"], told["tier"]) == (4, "medium")
    assert (told["findings"][0]["severity"], told["findings"][0]["tier"]) == (4, "medium")
    assert told["modifiers"] == [
        {"id": "real", "shift": -0.2, "categories": ["violence"], "measured": True, "spans": [{"start": 0, "end": 8}]}
    ]
    assert told["would_pass"] == [
        {
            "category": "likeness",
            "advice": "An invented person passes.",
            "change": [{"what": "name", "start": 0, "end": 8}],
            "without": [],
        }
    ]
    assert "Ada" not in str(told)


def test_a_moved_threshold_stands_beside_the_written_one(client, ada):
    (told,) = judged(client, ada, f"{NAMED}, blood")
    finding = next(each for each in told["findings"] if each["category"] == "violence")

    assert (finding["threshold"], finding["threshold_written"], finding["moved_by"]) == (0.3, 0.5, ["real"])


def test_a_benign_text_has_severity_0_and_nothing_to_change(client, ada):
    (told,) = judged(client, ada, "a meadow in the rain", rewrite=True)

    assert (told["severity"], told["tier"], told["would_pass"], told["rewrite"]) == (0, "none", [], None)


def test_no_rewrite_is_made_unless_it_is_asked_for(client, ada, house):
    (told,) = judged(client, ada, NAMED)

    assert "rewrite" not in told
    assert len(house.ledger.decisions()) == 1


def test_a_rewrite_that_passes_is_offered_and_recorded_as_a_decision_of_its_own(client, ada, house):
    (told,) = judged(client, ada, NAMED, rewrite=True)
    offer = told["rewrite"]
    recorded = house.ledger.decision(offer["decision"])

    assert offer["text"] == "A person in a grey coat walks over a meadow in the rain"
    assert offer["edits"] == [{"start": 0, "end": 8, "replacement": "A person in a grey coat"}]
    assert offer["action"] == "allow"
    assert recorded.parent == told["decision"]
    assert recorded.verdict.action is Action.ALLOW
    assert house.ledger.decision(told["decision"]).verdict.action is Action.BLOCK


def test_a_rewrite_that_does_not_pass_is_recorded_and_not_offered(client, ada, house):
    (told,) = judged(client, ada, "Ada Star waves his hat on a meadow", rewrite=True)

    assert told["rewrite"] is None
    assert [each.verdict.action for each in house.ledger.decisions()] == [Action.REVIEW, Action.BLOCK]


def test_what_the_policy_does_not_let_be_rewritten_is_not_even_tried(client, ada, house):
    (told,) = judged(client, ada, f"{NAMED}, blood", rewrite=True)

    assert told["rewrite"] is None
    assert len(house.ledger.decisions()) == 1


def test_each_text_of_a_list_has_its_own_offer(client, ada):
    offers = [told["rewrite"] for told in judged(client, ada, ["a meadow", NAMED], rewrite=True)]

    assert [bool(offer) for offer in offers] == [False, True]


def test_no_job_is_made_of_an_offer(client, ada):
    judged(client, ada, NAMED, rewrite=True)

    assert client.get("/v1/videos", headers=ada).json()["data"] == []
