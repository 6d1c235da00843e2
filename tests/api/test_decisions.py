from __future__ import annotations

from datetime import timedelta

import pytest

from safety import verify_export
from safety.checkpoints import verify_checkpoint
from tests.witness import Witness


@pytest.fixture
def auditor(as_):
    return as_("auditor")


@pytest.fixture
def judged(house):
    """Five decisions, oldest first."""
    prompts = ["a tree", "blood", "an odd tree", "more blood", "a house"]
    return [house.prompt_gate.check_prompt(prompt, job=f"video_{at}") for at, prompt in enumerate(prompts)]


def listed(client, headers, **query):
    answer = client.get("/v1/decisions", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return [row["decision"] for row in answer.json()["data"]]


def test_decisions_are_listed_newest_first(client, auditor, judged):
    assert listed(client, auditor) == [each.id for each in reversed(judged)]


def test_conditions_narrow_the_list(client, auditor, judged):
    tree, blood, odd, more, house_ = (each.id for each in judged)

    assert listed(client, auditor, action="block") == [more, blood]
    assert listed(client, auditor, action="review") == [odd]
    assert listed(client, auditor, category="violence") == [more, odd, blood]
    assert listed(client, auditor, category="violence", action="review") == [odd]
    assert listed(client, auditor, job="video_4") == [house_]
    assert listed(client, auditor, checkpoint="upload") == []
    assert listed(client, auditor, subject=judged[0].subject) == [tree]
    assert len(listed(client, auditor, policy=judged[0].verdict.policy)) == 5
    assert listed(client, auditor, policy="sha256:none") == []


def test_decisions_are_found_by_reviewer_words_and_classifier(client, auditor, as_, house, judged):
    reviewer = as_("reviewer")
    body = {"allow": True, "reason": "It is only a Halloween costume."}
    decided = client.post(f"/v1/reviews/{judged[2].id}", json=body, headers=reviewer).json()
    id_ = decided["decision"] if isinstance(decided["decision"], str) else decided["decision"]["decision"]
    (name, version), *_ = judged[0].measurement.classifiers
    who = house.ledger.decision(id_).actor.id

    assert listed(client, auditor, q="costume hallow*") == listed(client, auditor, reviewer=who) == [id_]
    assert listed(client, auditor, id=judged[1].id) == [judged[1].id]
    assert set(listed(client, auditor, classifier=f"{name}@{version}")) >= {each.id for each in judged}
    assert client.get("/v1/decisions", params={"q": "…"}, headers=auditor).status_code == 422


def test_decisions_are_counted_over_time(client, auditor, ada, judged):
    answer = client.get("/v1/decisions/counts", params={"by": "category", "every": "ever"}, headers=auditor).json()

    (violence,) = answer["data"]
    assert (violence["value"], violence["total"], violence["at"]) == ("violence", 3, None)
    assert violence["actions"] == {"allow": 0, "review": 1, "block": 2}
    assert violence["rates"]["block"] == pytest.approx(2 / 3, abs=1e-6)
    assert answer["behind"] == 0
    daily = client.get("/v1/decisions/counts", headers=auditor).json()["data"]
    assert sum(step["total"] for step in daily) == 5
    assert client.get("/v1/decisions/counts", headers=ada).status_code == 403
    assert client.get("/v1/decisions/counts", params={"by": "sex"}, headers=auditor).status_code == 422


def test_times_narrow_the_list(client, auditor, judged):
    at = judged[2].at

    assert listed(client, auditor, since=at.isoformat()) == [each.id for each in reversed(judged[2:])]
    assert listed(client, auditor, until=at.isoformat()) == [each.id for each in reversed(judged[:2])]
    assert listed(client, auditor, since=(at + timedelta(days=1)).isoformat()) == []


def test_pages_follow_one_another_without_gap_or_repetition(client, auditor, judged):
    seen, after = [], {}
    while True:
        page = client.get("/v1/decisions", params={"limit": 2, **after}, headers=auditor).json()
        seen += [row["decision"] for row in page["data"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}

    assert seen == [each.id for each in reversed(judged)]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"action": "shrug"},
        {"checkpoint": "nowhere"},
        {"since": "yesterday"},
        {"since": "2025-01-01T00:00:00"},
        {"colour": "red"},
        {"job": "a\x00b"},
    ],
)
def test_a_condition_that_makes_no_sense_is_refused_and_never_ignored(client, auditor, query):
    answer = client.get("/v1/decisions", params=query, headers=auditor)

    assert answer.status_code == 422
    assert answer.json()["param"] == next(iter(query))


def test_an_unknown_place_in_the_list_is_not_found(client, auditor, judged):
    assert client.get("/v1/decisions", params={"after": "dec_none"}, headers=auditor).status_code == 404


def test_a_decision_is_shown_in_full_with_what_replaced_it(client, auditor, house, judged):
    decided = house.review.decide(judged[2].id, allow=True, reviewer="eve", reason="only odd")

    before = client.get(f"/v1/decisions/{judged[2].id}", headers=auditor).json()
    after = client.get(f"/v1/decisions/{decided.id}", headers=auditor).json()

    assert before["superseded_by"] == decided.id
    assert (after["supersedes"], after["superseded_by"], after["reason"]) == (judged[2].id, None, "only odd")
    assert after["actor"] == {"kind": "reviewer", "id": "eve"}


def test_no_prompt_is_in_the_record(client, auditor, judged):
    text = client.get("/v1/decisions", headers=auditor).text

    assert "odd tree" not in text
    assert "more blood" not in text


def test_the_checkpoint_is_a_signed_note_of_the_ledger(client, house, judged):
    house.ledger.checkpoint()

    answer = client.get("/v1/ledger/checkpoint")

    assert answer.headers["content-type"].startswith("text/plain")
    assert verify_checkpoint(answer.text, house.ledger.public_key).size == house.ledger.size() == 5


def test_an_outsider_proves_an_entry_and_growth_with_the_published_key(client, house, auditor, judged):
    older = house.ledger.checkpoint()
    house.prompt_gate.check_prompt("a last tree")
    house.ledger.checkpoint()
    key = verify_export.Key.parse(client.get("/v1/ledger/key").text)

    proof = client.get(f"/v1/ledger/entries/{judged[1].id}/proof", headers=auditor).json()
    assert judged[1].id in verify_export.verify_proof(proof, [key], {}, judged[1].id)
    size = verify_checkpoint(older, house.log_key.public).size
    grown = client.get("/v1/ledger/consistency", params={"size": size}).json()
    assert "unchanged" in verify_export.verify_proof(grown | {"older": older}, [key], {}, "")


def test_proofs_of_entries_are_for_auditors_and_of_what_is_there(client, ada, auditor, judged):
    path = f"/v1/ledger/entries/{judged[0].id}/proof"
    assert client.get(path, headers=ada).status_code == 403
    assert client.get(path).status_code == 401
    assert client.get("/v1/ledger/entries/dec_none/proof", headers=auditor).status_code == 404
    assert client.get("/v1/ledger/consistency", params={"size": 10**6}).status_code == 503
    assert client.get("/v1/ledger/consistency", params={"size": -1}).status_code == 422


def test_a_witness_hands_in_its_cosignature_and_everybody_sees_it(client, house, judged):
    witness = Witness("ada.example/witness", b"a" * 32)
    house.settings.ledger_witnesses = house.settings.home / "witnesses"
    house.settings.ledger_witnesses.write_text(f"{witness.public}\n\n")
    note = house.ledger.checkpoint()

    answer = client.post("/v1/ledger/cosignatures", content=witness.cosign(note))

    assert answer.json()["witnesses"] == [witness.name]
    assert client.get("/v1/ledger/checkpoint").text == witness.cosign(note)
    eve = Witness("eve.example/witness", b"e" * 32)
    assert client.post("/v1/ledger/cosignatures", content=eve.cosign(note)).status_code == 409
    assert client.post("/v1/ledger/cosignatures", content=b"\xff").status_code == 422
    assert client.get("/v1/ledger/checkpoint").text == witness.cosign(note)
