"""What is done at certain times: once for all processes, again when due, and never the end of a worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.cli import app
from api.housekeeping import Chore, Housekeeping, retention_of
from api.settings import Settings
from safety.errors import LedgerError
from safety.lookup import JobStore
from tests.api.conftest import TestHouse

HOUR = timedelta(hours=1)


def test_a_worker_signs_checkpoints_seals_and_erases_what_is_due(
    client: TestClient, house: TestHouse, ada: dict[str, str]
) -> None:
    video = client.post("/v1/videos", json={"prompt": "a blue ball", "seconds": "1", "size": "256x256"}, headers=ada)
    old = replace(house.jobs.get(video.json()["id"]), id="video_old", owner="", requester="key_1")
    JobStore(house.engine).create(old)

    assert Housekeeping(house).do_what_is_due() == ["checkpoint", "search", "erasures", "seal", "retention"]
    assert Housekeeping(house).do_what_is_due() == []

    assert house.ledger.latest_checkpoint() is not None
    assert house.jobs.get("video_old").owner == house.subjects.find("key_1").id


def test_a_chore_that_fails_stops_neither_the_others_nor_the_worker(
    house: TestHouse, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(error: Exception) -> Callable[[], object]:
        def do() -> object:
            raise error

        return do

    chores = [
        Chore("one", HOUR, fail(LedgerError("the disk is full"))),
        Chore("two", HOUR, fail(ZeroDivisionError())),
        Chore("three", HOUR, lambda: None),
    ]
    housekeeping = Housekeeping(house, chores)

    assert housekeeping.do_what_is_due() == ["three"]
    assert "the chore one failed" in caplog.text
    assert "the disk is full" in caplog.text


def test_the_thread_ends_when_it_is_told_to(house: TestHouse) -> None:
    done: list[str] = []
    housekeeping = Housekeeping(house, [Chore("one", HOUR, lambda: done.append("one"))])

    housekeeping.start()
    housekeeping.stop()

    assert done in ([], ["one"])
    assert housekeeping.do_what_is_due() == []


def test_the_command_line_shows_the_periods_and_erases(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEGATE_HOME", str(settings.home))
    run = CliRunner()

    shown = json.loads(run.invoke(app, ["retention", "show", "--json"]).stdout)
    assert shown["days"]["prompts"] == 90
    assert "sexual_minors" in run.invoke(app, ["retention", "show"]).stderr
    assert json.loads(run.invoke(app, ["retention", "apply", "--json"]).stdout) == {"erased": {}}


def test_the_house_applies_its_own_retention_file(house: TestHouse, settings: Settings) -> None:
    settings.retention = settings.home / "retention.toml"
    settings.retention.write_text("schema = 1\n[days]\nprompts = 5\n")

    assert dict(retention_of(house).rules.days) == {"prompts": 5}
