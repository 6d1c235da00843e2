from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.routes.categories import NAMES, WITHOUT_NAME, answer
from classifiers.base import Score
from safety.domain import Action, Actor, Checkpoint, Decision, Evidence, Finding, Measurement, Verdict
from safety.policy import load_policy

OPENAI = {
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
}


def post(client, headers, input_):
    return client.post("/v1/moderations", json={"input": input_}, headers=headers)


def test_a_benign_text_is_not_flagged(client, ada):
    body = post(client, ada, "a red ball on a meadow").json()

    result = body["results"][0]
    assert body["id"].startswith("modr-")
    assert result["flagged"] is False
    assert set(result["categories"]) == OPENAI
    assert not any(result["categories"].values())
    assert result["category_scores"]["violence"] == 0.0
    assert result["category_applied_input_types"]["violence"] == ["text"]
    assert result["x_framegate"]["action"] == "allow"


def test_a_harmful_text_is_flagged_with_its_category_and_decision(client, ada, house):
    result = post(client, ada, "a pool of blood").json()["results"][0]

    assert result["flagged"] is True
    assert result["categories"]["violence"] is True
    assert result["categories"]["hate"] is False
    assert result["category_scores"]["violence"] == 1.0
    finding = result["x_framegate"]["findings"][0]
    assert (finding["category"], finding["span"]) == ("violence", {"start": 10, "end": 15})
    assert house.ledger.decision(result["x_framegate"]["decision"]).verdict.action is Action.BLOCK


def test_a_text_for_review_is_flagged_too(client, ada):
    result = post(client, ada, "something odd").json()["results"][0]

    assert result["flagged"] is True
    assert result["x_framegate"]["action"] == "review"


def test_the_record_says_whose_key_asked(client, ada, house):
    result = post(client, ada, "a tree").json()["results"][0]

    key = house.keys.find(ada["authorization"].removeprefix("Bearer "))
    assert house.ledger.decision(result["x_framegate"]["decision"]).requester == key.id


def test_each_text_of_a_list_has_its_result_in_order(client, ada):
    results = post(client, ada, ["a tree", "blood", "a house"]).json()["results"]

    assert [result["flagged"] for result in results] == [False, True, False]


def test_text_parts_are_one_input(client, ada):
    parts = [{"type": "text", "text": "a tree"}, {"type": "text", "text": "in blood"}]

    results = post(client, ada, parts).json()["results"]

    assert [result["flagged"] for result in results] == [True]


def test_a_picture_is_refused_and_never_called_clean(client, ada, house):
    parts = [
        {"type": "text", "text": "a tree"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]

    answered = post(client, ada, parts)

    assert answered.status_code == 400
    assert answered.json()["error"]["code"] == "unsupported"
    assert answered.json()["error"]["param"] == "input"
    assert "pictures are not measured" in answered.json()["error"]["message"]
    assert house.ledger.decisions() == []


def test_what_nobody_could_measure_is_flagged_and_named(client, ada, house):
    house.words.broken = True

    result = post(client, ada, "a tree").json()["results"][0]

    assert result["flagged"] is True
    assert result["category_scores"]["violence"] is None
    assert {"signal": "text.violence", "reason": "the word list is gone"} in result["x_framegate"]["unmeasured"]
    assert result["x_framegate"]["categories_unmeasured"]["violence"] == "no classifier measured it"


def test_a_category_without_a_classifier_has_no_score_and_is_named(client, ada):
    result = post(client, ada, "a tree").json()["results"][0]

    assert result["category_scores"]["hate"] is None
    assert "hate" in result["x_framegate"]["categories_unmeasured"]
    assert "self-harm/intent" in result["x_framegate"]["categories_unmeasured"]


@pytest.mark.parametrize("input_", ["", "  ", [], ["a tree", ""], ["x"] * 101, "a\x00b", None, 7])
def test_what_is_no_text_is_refused_and_nothing_is_recorded(client, ada, house, input_):
    answered = post(client, ada, input_)

    assert answered.status_code == 400
    assert answered.json()["error"]["type"] == "invalid_request_error"
    assert house.ledger.decisions() == []


def test_half_a_surrogate_pair_is_refused(client, ada):
    headers = {**ada, "content-type": "application/json"}
    answered = client.post("/v1/moderations", content=b'{"input": "\\ud800"}', headers=headers)

    assert answered.status_code == 400


def test_the_names_are_exactly_openais():
    assert set(NAMES) == OPENAI


def test_every_category_and_signal_of_the_policy_has_a_name_or_is_listed_without_one():
    policy = load_policy()
    mapped = {signal for named in NAMES.values() for each in (named, *named.only_with) for signal in each.signals}
    categories = {category for named in NAMES.values() for category in named.categories}

    assert policy.signals_at(Checkpoint.PROMPT) <= mapped | WITHOUT_NAME
    assert mapped.isdisjoint(WITHOUT_NAME)
    assert categories <= set(policy.categories)


def decision(scores: dict[str, float], *categories: str) -> Decision:
    findings = tuple(
        Finding(f"rule.{category}", category, Action.BLOCK, "No.", (Evidence("text.x", 0.5, 0.9),))
        for category in categories
    )
    measurement = Measurement(tuple(Score(signal, value) for signal, value in scores.items()))
    verdict = Verdict(Action.BLOCK if findings else Action.ALLOW, findings, (), "sha256:0")
    now = datetime.now(UTC)
    return Decision("dec_1", now, Checkpoint.PROMPT, "sha256:1", verdict, measurement, Actor("policy", "p"))


@pytest.mark.parametrize(
    ("categories", "names"),
    [
        (("hate",), {"hate"}),
        (("violence",), {"violence", "violence/graphic"}),
        (("hate", "violence"), {"hate", "hate/threatening", "violence", "violence/graphic"}),
        (("extremism",), {"hate"}),
        (("sexual_minors",), {"sexual", "sexual/minors"}),
        (("sexual",), {"sexual"}),
        (("ncii",), {"sexual"}),
        (("self_harm",), {"self-harm", "self-harm/intent", "self-harm/instructions"}),
        (("fraud",), {"illicit"}),
        (("disturbing",), {"violence/graphic"}),
        (("likeness",), set()),
        (("ip",), set()),
    ],
)
def test_findings_become_names(categories, names):
    told = answer(decision({}, *categories)).categories

    assert {name for name, is_so in told.items() if is_so} == names


def test_a_score_is_the_strongest_signal_and_both_where_a_name_means_both():
    told = answer(decision({"text.hate": 0.8, "terms.hate": 0.9, "text.violence": 0.3, "terms.violence": 0.1})).scores

    assert told["hate"] == 0.9
    assert told["violence"] == 0.3
    assert told["hate/threatening"] == 0.3


def test_a_name_that_means_both_has_no_score_when_one_half_is_unmeasured():
    told = answer(decision({"text.sexual": 0.8}))

    assert told.scores["sexual"] == 0.8
    assert told.scores["sexual/minors"] is None
    assert told.unmeasured["sexual/minors"]
