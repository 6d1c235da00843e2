"""Appeals over HTTP: who asked appeals, somebody who did not decide answers, and an overturned job goes on."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta

import pytest

from api.cli import main
from safety.domain import JobStatus


@pytest.fixture
def reviewer(as_):
    return as_("reviewer")


@pytest.fixture
def refused(client, ada, house, as_):
    """A held job that a reviewer refused; returns the decision and the reviewer's header."""
    body = {"prompt": "an odd green field", "seconds": "1", "size": "256x256"}
    client.post("/v1/videos", json=body, headers=ada)
    house.queue.work()
    (held,) = house.review.holds()
    first = as_("reviewer")
    answer = client.post(f"/v1/reviews/{held.id}", json={"allow": False, "reason": "no"}, headers=first)
    return answer.json(), first


def appeal(client, headers, decision):
    return client.post(f"/v1/decisions/{decision}/appeals", json={"reason": "a toy"}, headers=headers)


def answer(client, headers, id_, *, overturn):
    body = {"overturn": overturn, "reason": "so", "code": "no_violation"}
    return client.post(f"/v1/appeals/{id_}", json=body, headers=headers)


def test_an_overturned_refusal_lets_the_job_go_on(client, house, ada, reviewer, refused):
    decision, first = refused
    filed = appeal(client, ada, decision["decision"])
    assert filed.status_code == 201
    id_ = filed.json()["appeal"]
    assert [each["appeal"] for each in client.get("/v1/appeals", headers=reviewer).json()["data"]] == [id_]
    assert answer(client, first, id_, overturn=False).status_code == 409  # against himself

    answered = answer(client, reviewer, id_, overturn=True)

    assert answered.json()["state"] == "overturned"
    assert house.ledger.superseding(decision["decision"]).id == answered.json()["answer"]["replacement"]
    assert house.jobs.get(decision["job"]).status == "queued"
    assert client.get(f"/v1/appeals/{id_}", headers=ada).json() == answered.json()
    house.queue.work()
    assert house.jobs.get(decision["job"]).status == "released"


def test_the_settings_say_within_how_many_days_an_appeal_is_answered(client, house, ada, refused):
    assert house.settings.appeal_days == 14
    house.settings = house.settings.model_copy(update={"appeal_days": 3})

    filed = appeal(client, ada, refused[0]["decision"]).json()

    assert datetime.fromisoformat(filed["due"]) - datetime.fromisoformat(filed["at"]) == pytest.approx(
        timedelta(days=3), abs=timedelta(minutes=10)
    )


def test_an_upheld_refusal_changes_nothing(client, house, ada, reviewer, refused):
    decision, _ = refused
    id_ = appeal(client, ada, decision["decision"]).json()["appeal"]

    assert answer(client, reviewer, id_, overturn=False).json()["state"] == "upheld"
    assert house.jobs.get(decision["job"]).status == "refused"
    assert client.get("/v1/appeals", headers=reviewer).json()["data"] == []
    assert len(client.get("/v1/appeals", params={"state": "upheld"}, headers=reviewer).json()["data"]) == 1


def test_strangers_neither_appeal_nor_see_nor_withdraw(client, ada, bob, refused):
    decision, _ = refused
    assert appeal(client, bob, decision["decision"]).status_code == 404
    assert appeal(client, ada, "dec_none").status_code == 404
    id_ = appeal(client, ada, decision["decision"]).json()["appeal"]

    assert client.get(f"/v1/appeals/{id_}", headers=bob).status_code == 404
    assert client.delete(f"/v1/appeals/{id_}", headers=bob).status_code == 404
    assert client.get("/v1/appeals", headers=ada).status_code == 403
    assert answer(client, ada, id_, overturn=True).status_code == 403
    assert client.delete(f"/v1/appeals/{id_}", headers=ada).json()["state"] == "withdrawn"


def test_a_prompt_that_was_refused_at_once_is_appealed_by_who_asked(client, ada, bob, house):
    body = {"prompt": "blood everywhere", "seconds": "1", "size": "256x256"}
    refusal = client.post("/v1/videos", json=body, headers=ada)
    assert refusal.status_code == 400
    decision = house.ledger.decisions(limit=1)[0].id

    assert appeal(client, bob, decision).status_code == 404
    assert appeal(client, ada, decision).json()["state"] == "open"


def test_the_command_line_does_the_same(house, refused, monkeypatch, capsys, tmp_path):
    decision, _ = refused
    for status in (JobStatus.HELD, JobStatus.CANCELLED):  # no queue here: nothing shall go on
        house.jobs.set_status(decision["job"], status)
    monkeypatch.setenv("FRAMEGATE_HOME", str(house.settings.home))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code or 0, capsys.readouterr()

    code, said = run("appeal", "file", decision["decision"], "--reason", "a toy", "--by", "ada", "--json")
    filed = json.loads(said.out)
    assert (code, filed["state"]) == (0, "open")
    assert filed["appeal"] in run("appeal", "list")[1].err
    assert run("appeal", "list", "--overdue")[1].err.strip() == "no such appeal"
    assert run("appeal", "answer", filed["appeal"], "--uphold", "--reason", "x", "--code", "nonsense")[0] == 2
    code, said = run("appeal", "answer", filed["appeal"], "--overturn", "--reason", "so", "--reviewer", "bob", "--json")
    assert (code, json.loads(said.out)["state"]) == (0, "overturned")
    assert json.loads(run("appeal", "show", filed["appeal"], "--json")[1].out)["answer"]["by"] == "bob"
    assert run("appeal", "withdraw", filed["appeal"], "--by", "ada")[0] == 2
    out = tmp_path / "rows.jsonl"
    assert run("appeal", "regressions", "--out", str(out))[0] == 0
    (row,) = map(json.loads, out.read_text().splitlines())
    assert (row["text"], row["benign"]) == ("an odd green field", True)
