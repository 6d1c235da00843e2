"""The registry over HTTP and on the command line: who may keep it, and what it changes for a prompt."""

from __future__ import annotations

import json
import sys

import pytest

from api.cli import main

PERSON = "Orla Quarnivek"


@pytest.fixture
def admin(as_):
    return as_("admin")


@pytest.fixture
def key(house):
    """The id of a key in force."""
    return house.keys.create("ada", {"requester"})[0].id


def test_an_admin_grants_lists_and_revokes_a_consent(client, admin, key):
    body = {"names": [PERSON], "requester": key, "until": "2999-01-01T00:00:00Z"}
    granted = client.post("/v1/consents", json=body, headers=admin)

    assert granted.status_code == 201
    assert client.get("/v1/consents", headers=admin).json()["data"] == [granted.json()]
    for _ in range(2):
        assert client.delete(f"/v1/consents/{granted.json()['id']}", headers=admin).status_code == 204
    assert client.get("/v1/consents", headers=admin).json()["data"] == []


def test_an_opt_out_is_looked_for_in_the_next_prompt_and_no_more_once_removed(client, admin, house):
    added = client.post("/v1/optouts", json={"names": [PERSON]}, headers=admin).json()

    told = house.prompt_gate.check_prompt(f"{PERSON} sings", requester="key_ada")
    assert {score.signal: score.value for score in told.measurement.scores}["names.opted_out"] == 1.0

    assert client.delete(f"/v1/optouts/{added['id']}", headers=admin).status_code == 204
    told = house.prompt_gate.check_prompt(f"{PERSON} sings", requester="key_ada")
    assert {score.signal: score.value for score in told.measurement.scores}["names.opted_out"] == 0.0


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/consents"), ("GET", "/v1/consents"), ("POST", "/v1/optouts"), ("GET", "/v1/optouts")],
)
@pytest.mark.parametrize("scope", ["requester", "reviewer", "auditor"])
def test_others_may_not(client, as_, method, path, scope):
    body = {"names": [PERSON], "requester": "key_ada"} if path == "/v1/consents" else {"names": [PERSON]}
    answer = client.request(method, path, headers=as_(scope), **({"json": body} if method == "POST" else {}))

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/consents", {"names": [PERSON], "requester": "local", "until": "2001-01-01T00:00:00Z"}, 409),
        ("/v1/consents", {"names": [], "requester": "local"}, 422),
        ("/v1/optouts", {"names": ["…"]}, 422),
        ("/v1/optouts", {"names": [PERSON], "more": 1}, 422),
    ],
)
def test_what_cannot_be_registered_is_a_problem_that_names_nobody(client, admin, path, body, status):
    answer = client.post(path, json=body, headers=admin)

    assert answer.status_code == status
    assert PERSON not in answer.text


def test_a_consent_is_given_to_a_key_that_can_ask(client, admin, house, key):
    def grant(requester):
        return client.post("/v1/consents", json={"names": [PERSON], "requester": requester}, headers=admin)

    misspelt = grant("key_misspelt")
    house.keys.revoke(key)
    revoked = grant(key)

    assert (misspelt.status_code, revoked.status_code) == (422, 422)
    assert misspelt.json()["detail"] == (
        "no API key in force has the id key_misspelt: see `framegate keys list`, or give `local`"
    )
    assert client.get("/v1/consents", headers=admin).json()["data"] == []
    assert grant("local").status_code == 201


def test_what_is_not_there_is_not_found(client, admin):
    assert client.delete("/v1/consents/con_none", headers=admin).status_code == 404
    assert client.delete("/v1/optouts/out_none", headers=admin).status_code == 404


def test_the_command_line_keeps_the_same_registry(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        lines = capsys.readouterr().out.splitlines()
        return int(left.value.code or 0), [json.loads(line) for line in lines if line.startswith("{")]

    code, (granted,) = run("consent", "grant", PERSON, "Orla Q", "--to", "local", "--until", "2999-01-01", "--json")
    assert (code, sorted(granted["names"])) == (0, ["Orla Q", PERSON])
    assert run("consent", "list", "--json")[1][0]["id"] == granted["id"]
    assert run("consent", "revoke", granted["id"])[0] == 0
    assert run("consent", "list", "--json")[1] == []
    assert run("consent", "list", "--all", "--json")[1][0]["names"] == []
    assert run("consent", "grant", PERSON, "--to", "key_misspelt") == (2, [])
    assert run("consent", "list", "--json")[1] == []
    _, (added,) = run("optout", "add", PERSON, "--json")
    assert run("optout", "list", "--json")[1] == [added]
    assert run("optout", "remove", added["id"])[0] == 0
    assert run("optout", "remove", "out_none")[0] == 2
