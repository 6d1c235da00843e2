"""Exports over HTTP and on the command line: who may, what comes, and going on after a break."""

from __future__ import annotations

import csv
import json
import sys

import pytest

from api.cli import main
from safety.domain import Action
from tests.safety.making import a_decision

PATH = "/v1/exports/decisions"


@pytest.fixture
def auditor(as_):
    return as_("auditor")


@pytest.fixture
def filled(house):
    for number in range(7):
        house.ledger.append_decision(a_decision(number, action=Action.REVIEW if number % 2 else Action.ALLOW))
    return house


def test_only_auditors_export(client, filled, ada, as_):
    assert client.get(PATH).status_code == 401
    assert client.get(PATH, headers=ada).status_code == 403
    assert client.get(PATH, headers=as_("reviewer")).status_code == 403


def test_all_decisions_stream_and_a_broken_stream_goes_on(client, filled, auditor):
    whole = client.get(PATH, headers=auditor)
    rows = [json.loads(line) for line in whole.text.splitlines()]

    assert [row["id"] for row in rows] == [f"dec_{number}" for number in range(7)]
    assert whole.headers["content-type"].startswith("application/x-ndjson")
    assert whole.headers["framegate-end"] == "7"
    filled.ledger.append_decision(a_decision(8))
    rest = client.get(PATH, headers=auditor, params={"after": rows[2]["position"], "end": 7})
    assert rest.text.splitlines() == whole.text.splitlines()[3:]


def test_csv_has_its_heading_once(client, filled, auditor):
    query = {"format": "csv", "action": "review"}
    whole = client.get(PATH, headers=auditor, params=query).text
    rest = client.get(PATH, headers=auditor, params={**query, "after": 3}).text

    rows = list(csv.DictReader(whole.splitlines()))
    assert [row["id"] for row in rows] == ["dec_1", "dec_3", "dec_5"]
    assert whole.endswith(rest)
    assert rest.startswith("5,dec_5,")


@pytest.mark.parametrize(
    "query", [{"format": "xml"}, {"after": "-2"}, {"since": "2026-01-01T00:00:00"}, {"colour": "red"}]
)
def test_a_query_that_makes_no_sense_is_refused(client, auditor, query):
    assert client.get(PATH, headers=auditor, params=query).status_code in {400, 422}


def test_a_period_that_ends_before_it_begins_is_refused(client, auditor):
    query = {"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}

    answer = client.get(PATH, headers=auditor, params=query)

    assert answer.status_code == 409
    assert "ends before it begins" in answer.text


@pytest.fixture
def run(house, settings, monkeypatch, capsys):
    """Run a command line in the same home and return exit code and stdout."""
    monkeypatch.setenv("FRAMEGATE_HOME", str(settings.home))

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code or 0, capsys.readouterr()

    return command


def test_the_command_takes_the_format_from_the_ending(run, filled, tmp_path):
    code, said = run("export", "decisions", "--out", tmp_path / "d.jsonl", "--since", "2025-03-01T12:00:05", "--json")

    assert (code, json.loads(said.out)["rows"]) == (0, 2)
    assert [json.loads(line)["id"] for line in (tmp_path / "d.jsonl").read_text().splitlines()] == ["dec_5", "dec_6"]
    code, said = run("export", "decisions", "--out", tmp_path / "d.xlsx")
    assert code == 2
    assert "names no format" in said.err
    code, said = run("export", "decisions", "--out", tmp_path / "d.jsonl")
    assert code == 2
    assert "is there already" in " ".join(said.err.split())


# --- statements of reasons


@pytest.fixture
def restricted(house):
    for number in range(3):
        house.ledger.append_decision(a_decision(number, action=Action.BLOCK))
    house.ledger.append_decision(a_decision(3))
    return house


def test_a_batch_of_statements_is_ready_to_be_sent(client, restricted, auditor, ada):
    assert client.get("/v1/exports/statements", headers=ada).status_code == 403
    answer = client.get("/v1/exports/statements", headers=auditor, params={"terms_url": "https://example.com/t"}).json()

    assert [each["puid"] for each in answer["statements"]] == ["dec_0", "dec_1", "dec_2"]
    assert answer["next"] is None
    assert (
        client.get("/v1/exports/statements", headers=auditor, params={"after": 0}).json()["statements"][0]["puid"]
        == "dec_1"
    )
    refused = client.get("/v1/exports/statements", headers=auditor, params={"terms_url": "mailto:bob@firma.de"})
    assert refused.status_code == 409
    assert "dec_0: decision_ground_reference_url" in refused.text
    assert "bob@firma.de" not in refused.text


def test_who_was_refused_is_given_the_reasons_and_nobody_else(client, house, ada, bob):
    client.post("/v1/videos", json={"prompt": "blood", "seconds": "1", "size": "256x256"}, headers=ada)
    refusal = house.ledger.decisions(action=Action.BLOCK)[0].id

    answer = client.get(f"/v1/decisions/{refusal}/statement", headers=ada)

    assert answer.status_code == 200
    assert refusal in answer.json()["text"]
    assert answer.json()["statement"]["puid"] == refusal
    assert client.get(f"/v1/decisions/{refusal}/statement", headers=bob).status_code == 404


def test_what_restricts_nothing_has_no_statement(client, restricted, auditor):
    assert client.get("/v1/decisions/dec_3/statement", headers=auditor).status_code == 409
    assert client.get("/v1/decisions/dec_9/statement", headers=auditor).status_code == 404


def test_the_commands_write_batches_and_letters(run, restricted, tmp_path):
    code, said = run("export", "statements", "--out", tmp_path / "dsa", "--until", "2025-03-01T12:00:02", "--json")
    assert (code, json.loads(said.out)["statements"]) == (0, 2)
    assert {path.name for path in (tmp_path / "dsa").iterdir()} == {"statements-00001.json", "report.json"}
    code, said = run("export", "statements", "--out", tmp_path / "us", "--country", "US")
    assert code == 1
    assert "batch 1 was refused" in said.err
    assert run("export", "statement", "dec_1")[1].out.startswith("Decision dec_1 of 2025-03-01")
    assert json.loads(run("export", "statement", "dec_1", "--json")[1].out)["puid"] == "dec_1"
    assert run("export", "statement", "dec_3")[0] == 2


# --- the transparency report


def test_the_report_of_a_year_is_one_command(run, client, restricted, auditor, ada, tmp_path):
    code, said = run("export", "report", "--year", "2025", "--out", tmp_path / "report", "--json")

    assert code == 0
    told = json.loads(said.out)
    assert told["decisions"]["block"] == 3
    assert {path.suffix for path in (tmp_path / "report").iterdir()} == {".md", ".json", ".svg"}
    query = {"since": "2025-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    assert client.get("/v1/exports/report", headers=auditor, params=query).json() == told
    assert client.get("/v1/exports/report", headers=ada, params=query).status_code == 403
    assert run("export", "report", "--out", tmp_path / "none")[0] == 2
    assert run("export", "report", "--out", tmp_path / "none", "--since", "2025-01-01")[0] == 2
