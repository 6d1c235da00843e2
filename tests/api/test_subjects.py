"""Erasing persons over HTTP and on the command line, with receipts; legal holds; what a restored backup brings back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.cli import app
from api.doctor import examine
from api.erasing import erase, finish, put_back, reapply
from api.settings import Settings
from safety import audit
from safety.errors import Conflict, LedgerError
from safety.tables import subjects
from tests.api.conftest import TestHouse

As = Callable[..., dict[str, str]]


def ask(client: TestClient, headers: dict[str, str], prompt: str = "a blue ball", person: str | None = "ada-7") -> dict:
    body = {"prompt": prompt, "seconds": "1", "size": "256x256"}
    if person is not None:
        body["safety_identifier"] = person
    answer = client.post("/v1/videos", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def everything(house: TestHouse) -> bytes:
    """The whole database file with its log, as it lies on the disk."""
    with house.engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(FULL)"))
    return b"".join(path.read_bytes() for path in house.settings.home.glob("framegate.db*"))


def test_a_requester_erases_a_person_it_named_and_gets_a_receipt(
    client: TestClient, house: TestHouse, ada: dict[str, str]
) -> None:
    video, other = ask(client, ada), ask(client, ada, person="bob-8")
    house.queue.work()
    release = house.ledger.release_of_job(video["id"])

    answer = client.post("/v1/subjects/erasures", json={"person": "ada-7", "reason": "asked for it"}, headers=ada)

    assert answer.status_code == 200, answer.text
    record = json.loads(answer.json()["entry"])
    assert (record["kind"], record["subject"], record["jobs"]) == ("subject_erased", answer.json()["subject"], 1)
    assert client.get(f"/v1/videos/{video['id']}", headers=ada).status_code == 404
    assert not house.blobs.contains(release.sha256)
    assert client.get(f"/v1/videos/{other['id']}", headers=ada).status_code == 200
    assert audit.verify(house.engine, house.log_key.public).ok
    assert b"ada-7" not in everything(house)


def test_words_and_persons_are_not_in_the_database_file(
    client: TestClient, house: TestHouse, ada: dict[str, str]
) -> None:
    ask(client, ada, "a purple armadillo")

    stored = everything(house)
    assert b"armadillo" not in stored
    assert b"ada-7" not in stored


def test_a_requester_erases_only_its_own(client: TestClient, ada: dict[str, str], bob: dict[str, str], as_: As) -> None:
    video = ask(client, ada)
    mine = client.get("/v1/decisions", headers=as_("auditor")).json()["data"][0]["requester"]
    body = {"person": "ada-7", "reason": "asked for it"}

    assert client.post("/v1/subjects/erasures", json=body, headers=bob).status_code == 404
    assert client.post("/v1/subjects/erasures", json={**body, "requester": mine}, headers=bob).status_code == 403
    assert client.get(f"/v1/videos/{video['id']}", headers=ada).status_code == 200
    admin = as_("admin")
    erased = client.post("/v1/subjects/erasures", json={**body, "requester": mine}, headers=admin)
    assert erased.status_code == 200
    shown = client.get(f"/v1/subjects/{erased.json()['subject']}", headers=admin).json()
    assert shown["erased_at"] is not None
    assert shown["receipt"]["entry"] == erased.json()["entry"]


def test_what_is_under_a_legal_hold_is_neither_erased_nor_deleted(
    client: TestClient, ada: dict[str, str], as_: As
) -> None:
    video, admin = ask(client, ada), as_("admin")
    hold = client.post("/v1/legal-holds", json={"target": video["id"], "reason": "order 7"}, headers=admin).json()

    assert client.delete(f"/v1/videos/{video['id']}", headers=ada).status_code == 409
    refused = client.post("/v1/subjects/erasures", json={"person": "ada-7", "reason": "asked"}, headers=ada)
    assert refused.status_code == 409
    assert hold["id"] in refused.json()["detail"]
    assert client.get(f"/v1/videos/{video['id']}", headers=ada).json()["status"] == "queued"

    assert [each["id"] for each in client.get("/v1/legal-holds", headers=admin).json()["data"]] == [hold["id"]]
    lifted = client.delete(f"/v1/legal-holds/{hold['id']}", params={"reason": "order 8"}, headers=admin)
    assert lifted.json()["lifted_at"] is not None
    assert client.delete(f"/v1/videos/{video['id']}", headers=ada).status_code == 200


@pytest.mark.parametrize("scopes", [("requester",), ("reviewer",), ("auditor",)])
def test_subjects_and_legal_holds_are_for_admins(client: TestClient, as_: As, scopes: tuple[str, ...]) -> None:
    headers = as_(*scopes)

    assert client.get("/v1/subjects/sub_1", headers=headers).status_code == 403
    assert client.get("/v1/legal-holds", headers=headers).status_code == 403
    assert client.post("/v1/legal-holds", json={"target": "a", "reason": "b"}, headers=headers).status_code == 403


def test_a_backup_brings_nobody_back(client: TestClient, house: TestHouse, ada: dict[str, str], tmp_path: Path) -> None:
    ask(client, ada)
    subject = house.subjects.named_by(house.jobs.list()[0].requester)[0]
    house.engine.dispose()
    shutil.copy(house.settings.home / "framegate.db", tmp_path)
    erase(house, subject, actor="ops", reason="asked for it")
    assert put_back(house) == []

    house.close()
    for rest in house.settings.home.glob("framegate.db-*"):
        rest.unlink()
    shutil.copy(tmp_path / "framegate.db", house.settings.home)
    restored = TestHouse(house.settings)
    try:
        assert restored.jobs.list()[0].prompt == "a blue ball"
        broken = {check.name: check.detail for check in examine(restored) if not check.ok}
        assert "framegate subject reapply" in broken["erasures"]

        assert (reapply(restored), reapply(restored)) == (1, 0)
        assert restored.jobs.list()[0].prompt == ""
        assert "erasures" not in {check.name for check in examine(restored) if not check.ok}
        assert audit.verify(restored.engine, restored.log_key.public).ok
    finally:
        restored.close()


def test_an_interrupted_erasure_is_finished_with_a_receipt_that_outlives_a_restore(
    client: TestClient, house: TestHouse, ada: dict[str, str]
) -> None:
    ask(client, ada)
    subject = house.subjects.named_by(house.jobs.list()[0].requester)[0]
    with house.engine.begin() as connection:
        house.subjects.destroy(connection, subject.id)
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        connection.execute(update(subjects).where(subjects.c.id == subject.id).values(erased_at=long_ago))

    assert (finish(house), finish(house)) == (1, 0)
    assert (house.settings.home / "erasures" / f"{subject.id}.json").is_file()


def test_one_legal_hold_that_a_backup_brought_back_does_not_keep_the_others(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, other = house.subjects.of("key_1/held"), house.subjects.of("key_1/other")
    house.legal_holds.place(held.id, reason="order 7", actor="counsel")
    recorded = {"actor": "ops", "reason": "asked for it"}
    monkeypatch.setattr("api.erasing.put_back", lambda _: [(held, recorded), (other, recorded)])

    with pytest.raises(Conflict, match="1 of 2 persons were not erased again"):
        reapply(house)

    assert house.subjects.of("key_1/held").id == held.id
    assert house.subjects.of("key_1/other").id != other.id


def test_a_damaged_receipt_is_named(house: TestHouse) -> None:
    folder = house.settings.home / "erasures"
    folder.mkdir()
    (folder / "sub_1.json").write_text("{}")

    with pytest.raises(LedgerError, match=r"sub_1\.json is no receipt"):
        put_back(house)


def test_the_command_line_erases_and_shows(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FRAMEGATE_HOME", str(settings.home))
    run = CliRunner()
    house = TestHouse(settings)
    id_ = house.subjects.of("key_1/ada").id
    house.subjects.of("key_1/bob")
    house.close()

    listed = run.invoke(app, ["subject", "list", "key_1", "--json"])
    assert json.loads(listed.stdout.splitlines()[0])["id"] == id_
    hold = json.loads(run.invoke(app, ["subject", "hold", id_, "--reason", "order 7", "--json"]).stdout)
    erasing = ["subject", "erase", "key_1", "--person", "ada", "--reason", "asked for it"]
    assert isinstance(run.invoke(app, erasing).exception, Exception)
    assert run.invoke(app, ["subject", "lift", hold["id"], "--reason", "order 8"]).exit_code == 0
    done = run.invoke(app, [*erasing, "--receipt", str(tmp_path / "receipt.json")])
    assert done.exit_code == 0
    assert json.loads((tmp_path / "receipt.json").read_text()) == json.loads(done.stdout)
    assert json.loads(run.invoke(app, ["subject", "show", id_, "--json"]).stdout)["receipt"]["entry"]
    assert "0 erased again" in run.invoke(app, ["subject", "reapply"]).stderr
    assert json.loads(run.invoke(app, ["subject", "holds", "--all", "--json"]).stdout)["lifted_at"] is not None
    everyone = [
        "subject",
        "erase",
        "key_1",
        "--everyone",
        "--reason",
        "contract ended",
        "--receipt",
        str(tmp_path / "r"),
    ]
    assert len(run.invoke(app, everyone).stdout.splitlines()) == 1
    assert len(list((tmp_path / "r").iterdir())) == 1
