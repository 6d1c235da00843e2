"""A policy is tried over HTTP and on the command line: it watches, acts on a share, is in force, and is taken back."""

from __future__ import annotations

import json
import sys

import pytest
from sqlalchemy import delete

from api.cli import main
from classifiers.base import ConfigurationError
from safety.domain import Action
from safety.errors import PolicyError
from safety.policy_states import PolicyState
from safety.revisions import subject_of
from safety.session import gist
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
def promote(client, admin, house, registered):
    house.policy_book._key = lambda: b"k" * 32  # what a canary draws by is the same in every run

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
    refused = promote("canary", share=0.5)
    assert (refused.status_code, "0 of 100 decisions" in refused.text) == (409, True), "no evidence is not enough"
    event = promote("canary", share=0.5, unproven=True).json()
    assert (event["unproven"], event["figures"]["decisions"]) == (True, 0)
    lineup = house.policy_book.lineup()
    prompts = [f"a tree {word}" for word in ["near", "over", "amid", "past", "down", "upon", "like", "with"]]
    for prompt in prompts:
        told = judged(client, ada, prompt)
        drawn = lineup.draws(subject_of(gist(prompt)))
        assert (told["action"], told["policy"]) == (("review", registered) if drawn else ("allow", POLICY.digest))
    assert len({lineup.draws(subject_of(gist(prompt))) for prompt in prompts}) == 2

    assert "8 of 100 decisions" in promote("live").text
    promote("live", unproven=True)
    assert {judged(client, ada, prompt)["policy"] for prompt in prompts} == {registered}
    assert client.get("/readyz").json()["policy"] == registered
    assert client.get("/v1/policies", headers=admin).json()["in_force"] == registered

    back = client.post("/v1/policies/rollback", json=WHY, headers=admin).json()
    assert (back["state"], back["way"]) == ("retired", "rollback")
    assert judged(client, ada, "tree 0")["policy"] == POLICY.digest


def test_nobody_meets_another_policy_by_asking_again_in_a_little_other_words(client, ada, house, registered, promote):
    promote("canary", share=0.5, unproven=True)
    variants = ["{} tree", "{} tree ", "tree {}", "Tree, {}!", "{}  trees", "{} tr\u200bee", "{} {} tree"]

    met = {
        word: {judged(client, ada, each.format(word, word))["policy"] for each in variants}
        for word in ("green", "broad", "small", "young", "ancient", "lonely")
    }
    assert {len(each) for each in met.values()} == {1}
    assert set.union(*met.values()) == {registered, POLICY.digest}, "else nothing was drawn"


def test_a_person_meets_one_policy_whatever_they_ask_and_a_key_is_no_person(house, registered, promote):
    promote("canary", share=0.5, unproven=True)
    words = ("tree", "river", "mountain", "bridge", "window", "garden", "harbour", "castle")

    def met(prompt, session):
        decision = house.prompt_gate.check_prompt(prompt, requester="key_1", session=session)
        return decision.verdict.policy

    # The secrets of persons are new in every run: that one policy meets all 32 of them has a chance of 1 in 2^31.
    persons = [{met(word, f"key_1/user_{number}") for word in words[:3]} for number in range(32)]
    assert {len(each) for each in persons} == {1}
    assert set.union(*persons) == {registered, POLICY.digest}
    assert {met(word, "key_1") for word in words} == {registered, POLICY.digest}


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


class Untellable:
    """False alarms of a detector that were measured on too few real videos."""

    def share(self, value):
        return 0.01

    def threshold(self, share):
        raise ConfigurationError("false alarms this rare cannot be told from 99 real videos")


def test_a_policy_that_scans_could_not_work_by_is_neither_registered_nor_made_live(
    client, admin, house, registered, promote
):
    """Else every scan would fail once it is live."""
    rare = STRICT.replace(b"likely_synthetic = 0.9", b"false_alarms = 0.0005").decode()

    def register():
        return client.post("/v1/policies", json={"policy": rare, **WHY}, headers=admin)

    unmeasured = register()
    assert (unmeasured.status_code, "nobody measured the false alarms" in unmeasured.text) == (422, True)
    house.forensics.false_alarms = Untellable()
    untold = register()
    assert (untold.status_code, "cannot be told from 99 real videos" in untold.text) == (422, True)

    del house.forensics.false_alarms
    house.policy_book._prove = lambda _: None
    policy = register().json()["policy"]
    del house.policy_book
    with pytest.raises(PolicyError, match="nobody measured"):
        house.policy_book.promote(policy, PolicyState.LIVE, by="ada", reason="to see", unproven=True)
    assert promote("live", unproven=True).status_code == 200


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
