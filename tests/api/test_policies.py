"""A policy is tried over HTTP and on the command line: it watches, acts on a share, is in force, and is taken back."""

from __future__ import annotations

import json
import sys

import pytest
from sqlalchemy import delete

from api.cli import main
from safety.domain import Action
from safety.revisions import subject_of
from safety.tables import policies
from tests.world import POLICY

STRICT = b"""schema = 1
name = "strict"
[origin]
likely_synthetic = 0.9
[categories.violence]
clause = "No violence at all."
[[rules]]
id = "prompt.block"
checkpoint = "prompt"
category = "violence"
signal = "text.violence"
threshold = 0.5
action = "block"
[[rules]]
id = "prompt.hate"
checkpoint = "prompt"
category = "violence"
signal = "text.hate"
threshold = 0.5
action = "block"
[[rules]]
id = "input.review"
checkpoint = "input"
category = "violence"
signal = "text.violence"
threshold = 0.5
action = "review"
[[rules]]
id = "output.review"
checkpoint = "output"
category = "violence"
signal = "frame.nudity"
threshold = 0.5
action = "review"
[[rules]]
id = "upload.review"
checkpoint = "upload"
category = "violence"
signal = "origin.likely_synthetic"
threshold = 1.0
action = "review"
"""
"""Holds every prompt of the house of doubles: nobody there measures `text.hate`."""

WHY = {"reason": "to see"}


@pytest.fixture
def admin(as_):
    return as_("admin")


@pytest.fixture
def registered(client, admin):
    made = client.post("/v1/policies", json={"policy": STRICT.decode(), **WHY}, headers=admin)
    assert made.status_code == 201, made.text
    return made.json()["policy"]


@pytest.fixture
def promote(client, admin, registered):
    def to(state, **rest):
        body = {"to": state, **WHY, **rest}
        return client.post(f"/v1/policies/{registered}/promotion", json=body, headers=admin)

    return to


def judged(client, key, prompt):
    answer = client.post("/v1/moderations", json={"input": prompt}, headers=key).json()
    return answer["results"][0]["x_framegate"]


def test_a_shadow_watches_and_its_word_stands_in_the_record(client, admin, ada, as_, registered, promote):
    assert promote("shadow").status_code == 200

    told = judged(client, ada, "a tree")

    assert (told["action"], told["policy"]) == ("allow", POLICY.digest)
    assert "trials" not in told
    (trial,) = client.get(f"/v1/decisions/{told['decision']}", headers=as_("auditor")).json()["trials"]
    assert trial == {
        "policy": registered,
        "part": "watched",
        "action": "review",
        "rules": ["prompt.hate"],
        "against": POLICY.digest,
        "in_force": "allow",
    }
    judged(client, ada, "blood")
    shown = client.get(f"/v1/policies/{registered[:20]}", headers=as_("auditor")).json()
    assert (shown["state"], shown["text"]) == ("shadow", STRICT.decode())
    assert [each["state"] for each in shown["history"]] == ["draft", "shadow"]
    trials = shown["trials"]
    assert (trials["decisions"], trials["agreed"], trials["stricter"], trials["weaker"]) == (2, 1, 1, 0)
    metrics = client.get("/metrics").text
    line = f'action="review",in_force="allow",part="watched",policy="{registered}"'
    assert f"framegate_policy_trials_total{{{line}}} 1.0" in metrics
    assert f'framegate_policy_share{{policy="{registered}",state="shadow"}} 0.0' in metrics


def test_a_canary_acts_on_its_share_then_the_policy_on_everything_and_one_call_takes_it_back(
    client, admin, ada, house, registered, promote
):
    promote("shadow")
    assert promote("canary", share=0.5).json()["figures"]["decisions"] == 0
    lineup = house.policy_book.lineup()
    prompts = [f"tree {number}" for number in range(8)]
    for prompt in prompts:
        told = judged(client, ada, prompt)
        drawn = lineup.draws(subject_of(prompt))
        assert (told["action"], told["policy"]) == (("review", registered) if drawn else ("allow", POLICY.digest))
    assert len({lineup.draws(subject_of(prompt)) for prompt in prompts}) == 2

    promote("live")
    assert {judged(client, ada, prompt)["policy"] for prompt in prompts} == {registered}
    assert client.get("/readyz").json()["policy"] == registered
    assert client.get("/v1/policies", headers=admin).json()["in_force"] == registered

    back = client.post("/v1/policies/rollback", json=WHY, headers=admin).json()
    assert (back["state"], back["way"]) == ("retired", "rollback")
    assert judged(client, ada, "tree 0")["policy"] == POLICY.digest


def test_a_decision_of_a_canary_is_its_own(house, registered, promote):
    promote("shadow")
    promote("canary", share=0.999999, unproven=True)

    decision = house.prompt_gate.check_prompt("a tree")

    assert (decision.verdict.policy, decision.actor.id) == (registered, registered)
    assert decision.verdict.action is Action.REVIEW


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("", {"policy": "not toml [", **WHY}, 422),
        ("", {"policy": STRICT.decode()}, 422),
        ("", {"policy": STRICT.decode(), **WHY}, 409),
        ("", {"policy": STRICT.decode().replace("text.hate", "text.nonsense"), **WHY}, 422),
        ("/sha256:00000000/promotion", {"to": "shadow", **WHY}, 404),
        ("/{policy}/promotion", {"to": "live", **WHY}, 409),
        ("/{policy}/promotion", {"to": "draft", **WHY}, 422),
        ("/{policy}/promotion", {"to": "canary", **WHY}, 422),
        ("/{policy}/promotion", {"to": "shadow"}, 422),
        ("/{policy}/promotion", {"to": "shadow", "reason": "\n"}, 422),
        ("/{policy}/promotion", {"to": "shadow", "unknown": 1, **WHY}, 422),
        ("/{policy}/retirement", {}, 422),
        ("/rollback", WHY, 409),
        ("/rollback", {"reason": ""}, 422),
    ],
)
def test_what_cannot_be_meant_is_a_problem(client, admin, registered, path, body, status):
    answer = client.post("/v1/policies" + path.replace("{policy}", registered), json=body, headers=admin)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("scope", ["requester", "reviewer", "auditor"])
def test_only_an_admin_changes_policies(client, as_, registered, scope):
    key = as_(scope)
    for path in ("", "/rollback", f"/{registered}/promotion", f"/{registered}/retirement"):
        assert client.post(f"/v1/policies{path}", json=WHY, headers=key).status_code == 403
    for path in ("", f"/{registered}"):
        expected = 200 if scope == "auditor" else 403
        assert client.get(f"/v1/policies{path}", headers=key).status_code == expected


def test_a_policy_that_is_given_up_judges_nothing(client, admin, ada, as_, registered, promote):
    promote("shadow")
    client.post(f"/v1/policies/{registered}/retirement", json=WHY, headers=admin)

    told = judged(client, ada, "a tree")

    assert "trials" not in client.get(f"/v1/decisions/{told['decision']}", headers=as_("auditor")).json()


def test_a_live_policy_that_is_lost_is_no_404_and_is_taken_back(
    client, admin, ada, house, registered, promote, without_triggers
):
    promote("live", unproven=True)
    with without_triggers(house.engine) as connection:
        connection.execute(delete(policies))
    house.policy_book._known = None

    answer = client.post("/v1/moderations", json={"input": "a tree"}, headers=ada)
    assert answer.status_code == 500, answer.text
    health = client.get("/readyz")
    assert (health.status_code, health.json()["policy_fault"]) == (503, "not usable (PolicyError)")
    assert client.get("/metrics").status_code == 200
    assert client.get("/v1/policies", headers=admin).json()["in_force"] == registered

    assert client.post("/v1/policies/rollback", json=WHY, headers=admin).json()["state"] == "retired"
    assert judged(client, ada, "a tree")["policy"] == POLICY.digest


def test_the_command_line_walks_the_same_way(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FRAMEGATE_PROMOTION_DECISIONS", "3")
    file = tmp_path / "strict.toml"
    file.write_bytes(STRICT)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", "policy", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        written = capsys.readouterr()
        lines = [json.loads(line) for line in written.out.splitlines() if line.startswith("{")]
        return int(left.value.code or 0), lines, written.err

    default = run("show", "--json")[1][0]["policy"]
    assert not (tmp_path / "home").exists()  # looking at the shipped policy needs no database

    why = ("--reason", "to see")
    code, (made,), _ = run("register", file, *why, "--json")
    policy = made["policy"]
    assert (code, made["state"]) == (0, "draft")
    assert run("promote", policy[:16], "--to", "shadow", *why)[0] == 0
    assert run("trials", policy, "--json")[1][0]["decisions"] == 0
    code, _, said = run("promote", policy, "--to", "canary", "--share", "0.1", *why)
    assert code == 2
    assert "0 of 3 decisions" in " ".join(said.split())
    assert run("promote", policy, "--to", "live", "--unproven", *why)[0] == 0
    assert run("show", "--json")[1][0]["policy"] == policy
    assert run("show", policy, "--json")[1][0]["name"] == "strict"
    assert run("diff", policy, file)[0] == 0
    assert [each["state"] for each in run("list", "--json")[1]] == ["live"]
    assert [each["unproven"] for each in run("history", "--json")[1]] == [False, False, True]
    code, (back,), _ = run("rollback", *why, "--json")
    assert (code, back["state"]) == (0, "retired")
    assert run("show", "--json")[1][0]["policy"] == default
    assert run("rollback", *why)[0] == 2
    assert run("retire", policy, *why)[0] == 2
    assert run("promote", policy, "--to", "sideways", *why)[0] == 2
    assert run("register", tmp_path / "missing.toml", *why)[0] == 2
