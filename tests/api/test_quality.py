"""Second looks, breaks and two reviewers over HTTP and on the command line."""

from __future__ import annotations

import json
import sys

import pytest

from api.cli import main
from safety.domain import Action
from safety.exposure import Budget, Exposure
from safety.lookup.desk import DeskReader
from safety.quality import Quality, Shares
from safety.records import decode
from safety.review import Review
from tests.safety.making import a_decision

PROMPT = "an odd green field"


@pytest.fixture
def reviewer(as_):
    return as_("reviewer")


@pytest.fixture
def decided(client, ada, house, as_):
    """A hold that one reviewer refused; everything is drawn for a second look."""
    house.quality = Quality(house.ledger, shares=Shares(1, 1))
    client.post("/v1/videos", json={"prompt": PROMPT, "seconds": "1", "size": "256x256"}, headers=ada)
    house.queue.work()
    (held,) = house.review.holds()
    first = as_("reviewer")
    client.post(f"/v1/reviews/{held.id}", json={"allow": False, "reason": "no"}, headers=first)
    return held, first


def test_a_second_reviewer_looks_blind_and_the_look_is_recorded(client, house, reviewer, decided, ada, as_):
    held, first = decided

    assert client.get("/v1/quality/next", headers=ada).status_code == 403
    assert client.get("/v1/quality/next", headers=first).status_code == 404
    assert client.get("/v1/quality/next", headers=reviewer).json() == {"decision": held.id, "checkpoint": "prompt"}
    shown = client.get(f"/v1/quality/{held.id}", headers=reviewer)
    assert shown.json() == {"decision": held.id, "checkpoint": "prompt", "prompt": PROMPT, "content": False}
    assert shown.headers["cache-control"] == "no-store"
    assert client.get(f"/v1/quality/{held.id}", headers=first).status_code == 409
    assert client.get(f"/v1/quality/{held.id}/content", headers=reviewer).status_code == 404
    entries = [entry for entry in house.ledger.entries() if entry.kind == "reveal"]
    assert [decode(entry.body)[1]["decision"] for entry in entries] == [held.id]
    body = {"allow": True, "reason": "a field", "code": "no_violation"}
    assert client.post(f"/v1/quality/{held.id}", json=body, headers=reviewer).json()["allow"] is True
    assert client.post(f"/v1/quality/{held.id}", json=body, headers=reviewer).status_code == 409
    report = client.get("/v1/quality/report", headers=as_("auditor")).json()
    assert (report["all_pairs"]["pairs"], report["all_pairs"]["observed"]) == (1, 0.0)
    assert report["missed"] == {"k": 0, "n": 0, "value": None, "interval": [0.0, 1.0]}


def test_what_was_not_drawn_stays_shut(client, house, reviewer):
    house.quality = Quality(house.ledger, shares=Shares(0, 0))
    house.ledger.append_decision(a_decision(1, job="job_1"))

    assert client.get("/v1/quality/dec_1", headers=reviewer).status_code == 409
    assert client.get("/v1/quality/dec_none", headers=reviewer).status_code == 404


def test_golden_items_are_set_by_admins(client, house, reviewer, as_):
    house.ledger.append_decision(a_decision(1))
    body = {"allow": False, "reason": "agreed", "code": "violation"}

    assert client.post("/v1/quality/dec_1/golden", json=body, headers=reviewer).status_code == 403
    assert client.post("/v1/quality/dec_1/golden", json=body, headers=as_("admin")).status_code == 201
    client.post("/v1/quality/dec_1", json={"allow": True, "reason": "so"}, headers=reviewer)
    (share,) = client.get("/v1/quality/report", headers=as_("auditor")).json()["golden"].values()
    assert (share["k"], share["n"]) == (0, 1)


def test_who_looked_at_much_has_to_rest(client, house, ada, reviewer):
    house.exposure = Exposure(DeskReader(house.engine), budget=Budget(looks_a_day=1))
    for _ in range(2):
        client.post("/v1/videos", json={"prompt": PROMPT, "seconds": "1", "size": "256x256"}, headers=ada)
    house.queue.work()
    first, second = house.review.holds()

    assert client.get(f"/v1/reviews/{first.id}", headers=reviewer).status_code == 200
    refused = client.get(f"/v1/reviews/{second.id}", headers=reviewer)
    assert refused.status_code == 409
    assert "budget of a day" in refused.text
    assert PROMPT not in refused.text
    assert client.post("/v1/reviews/claims", json={}, headers=reviewer).status_code == 409
    told = client.get("/v1/reviewers/me", headers=reviewer).json()
    assert (told["looks"], told["wait_until"] is None) == (1, False)
    assert sum(entry.kind == "reveal" for entry in house.ledger.entries()) == 1


def test_the_first_of_two_reviewers_hears_that_another_is_needed(client, house, reviewer, as_):
    house.review = Review(house.ledger, two_for=("ncii",))
    house.ledger.append_decision(a_decision(1, action=Action.REVIEW, category="ncii"))
    body = {"allow": True, "reason": "consent is here", "code": "consent"}

    first = client.post("/v1/reviews/dec_1", json=body, headers=reviewer)

    assert first.status_code == 409
    assert first.json()["type"].endswith("second-reviewer-needed")
    assert client.post("/v1/reviews/dec_1", json=body, headers=as_("reviewer")).json()["action"] == "allow"


@pytest.fixture
def run(house, settings, monkeypatch, capsys):
    """Run a command line in the same home and return exit code and output."""
    monkeypatch.setenv("FRAMEGATE_HOME", str(settings.home))
    monkeypatch.setenv("FRAMEGATE_REVIEW_SAMPLE_DECIDED", "1")
    monkeypatch.setenv("FRAMEGATE_REVIEW_TWO_FOR", "ncii ip")

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code or 0, capsys.readouterr()

    return command


def test_a_second_look_on_the_command_line(run, house):
    held = house.ledger.append_decision(a_decision(1, action=Action.REVIEW))
    house.review.decide(held.id, allow=True, reviewer="ada", reason="so")
    bob = ("--reviewer", "bob")

    assert json.loads(run("quality", "next", *bob, "--json")[1].out)["decision"] == "dec_1"
    assert json.loads(run("quality", "show", "dec_1", *bob, "--json")[1].out)["prompt"] is None
    assert run("quality", "opine", "dec_1", "--reason", "no", "--refuse", *bob)[0] == 0
    told = json.loads(run("quality", "report", "--json")[1].out)
    assert told["kappa"]["violence"]["pairs"] == 1
    code, said = run("quality", "report")
    assert (code, "violence: kappa 0.00" in said.err) == (0, True)
    assert run("quality", "golden", "dec_1", "--reason", "agreed", "--refuse", "--by", "lead")[0] == 0
    assert run("quality", "next", "--reviewer", "lead")[0] == 2


def test_two_reviewers_and_exposure_on_the_command_line(run, house):
    house.ledger.append_decision(a_decision(1, action=Action.REVIEW, category="ip"))

    code, said = run("review", "decide", "dec_1", "--reason", "mine", "--allow", "--reviewer", "ada")
    assert (code, "second reviewer" in " ".join(said.err.split())) == (4, True)
    assert json.loads(run("review", "exposure", "--reviewer", "ada", "--json")[1].out)["looks"] == 0
    assert run("review", "decide", "dec_1", "--reason", "mine", "--allow", "--reviewer", "bob")[0] == 0
