"""A recall over HTTP and on the command line: served by no door, and told to everybody who holds a copy."""

from __future__ import annotations

import base64
import json

import pytest
from typer.testing import CliRunner

from api.commands import releases as commands
from api.commands import videos
from media.codec import decode, encode_mp4
from tests.fakes import BlockWatermark

BASE = "/v1/c2pa"
REASON = "somebody in it asked for it"


@pytest.fixture
def released(client, ada, house):
    id_ = client.post("/v1/videos", json={"prompt": "a green field", "seconds": 1}, headers=ada).json()["id"]
    house.queue.work()
    return house.ledger.release_of_job(id_)


@pytest.fixture
def withdrawn(client, as_, released):
    body = {"reason": REASON, "code": "person"}
    answer = client.post(f"/v1/releases/{released.id}/withdrawal", json=body, headers=as_("reviewer"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_no_door_serves_a_withdrawn_release(client, ada, as_, released, withdrawn):
    paths = [f"/v1/videos/{released.job}/content?variant={each}" for each in ("video", "thumbnail", "spritesheet")]
    for path in [*paths, f"/v1/releases/{released.id}/content"]:
        answer = client.get(path, headers=ada)
        assert answer.status_code == 410, path
        assert REASON not in answer.text
    for answer in (
        client.post(f"/v1/videos/{released.job}/remix", json={"prompt": "a blue field"}, headers=ada),
        client.post("/v1/videos/extensions", json={"prompt": "on", "video": {"id": released.job}}, headers=ada),
        client.post("/v1/videos/edits", json={"prompt": "other", "video": {"id": released.job}}, headers=ada),
        client.get(f"{BASE}/manifests/{released.manifest}"),
    ):
        assert answer.status_code == 410, answer.text
    assert client.get(f"/v1/releases/{released.id}", headers=as_("auditor")).json()["withdrawn"]["code"] == "person"
    assert client.get(f"/v1/videos/{released.job}", headers=ada).json()["x_framegate"]["withdrawn"]["code"] == "person"


def test_who_holds_a_copy_is_told(client, ada, house, released, withdrawn, tmp_path):
    copy = house.blobs.path(released.sha256).read_bytes()
    told = {"at": withdrawn["at"], "code": "person"}
    verified = client.post("/v1/verify", files={"file": ("copy.mp4", copy)}).json()
    frames = [frame for _, frame in decode(house.blobs.path(released.sha256))]
    encode_mp4(iter(frames), tmp_path / "stripped.mp4", fps=12.0, crf=23)
    stripped = client.post(f"{BASE}/matches/byContent", content=(tmp_path / "stripped.mp4").read_bytes()).json()
    value = base64.b64encode(bytes.fromhex(released.watermark)).decode()
    bound = client.get(f"{BASE}/matches/byBinding", params={"alg": BlockWatermark.algorithm, "value": value}).json()

    assert (verified["state"], verified["release"], verified["withdrawn"]) == ("trusted", released.id, told)
    for answer in (stripped, bound):
        assert answer["matches"] == [{"manifestId": released.manifest, "similarityScore": 100, "withdrawn": told}]


def test_a_scan_says_so_in_its_evidence(client, ada, house, released, withdrawn):
    copy = house.blobs.path(released.sha256).read_bytes()
    scan = client.post("/v1/scans", files={"file": ("copy.mp4", copy)}, headers=ada).json()["id"]
    house.queue.work()
    report = client.get(f"/v1/scans/{scan}", headers=ada).json()["report"]

    ours = [each for each in report["evidence"] if each["points_to"] == "ours"]
    assert {each["kind"] for each in ours} >= {"credential", "watermark"}
    assert {each["detail"]["withdrawn"]["code"] for each in ours} == {"person"}
    assert all("withdrawn on" in each["summary"] for each in ours)


def test_a_restored_release_is_served_again_and_both_are_recorded(client, ada, as_, released, withdrawn):
    auth = as_("reviewer")
    path = f"/v1/releases/{released.id}"
    assert [each["release"] for each in client.get("/v1/withdrawals", headers=auth).json()["data"]] == [released.id]
    restored = client.post(f"{path}/restoration", json={"reason": "settled"}, headers=auth).json()

    assert restored["state"] == "restored"
    assert client.get(f"{path}/content", headers=ada).status_code == 200
    assert client.get(path, headers=ada).json()["withdrawn"] is None
    assert client.get("/v1/withdrawals", headers=auth).json()["data"] == []


def test_only_reviewers_withdraw_and_only_admins_erase(client, ada, as_, house, released):
    path, body = f"/v1/releases/{released.id}/withdrawal", {"reason": "why"}
    assert client.post(path, json=body, headers=ada).status_code == 403
    assert client.post(path, json={**body, "erase": True}, headers=as_("reviewer")).status_code == 403
    assert client.get("/v1/withdrawals", headers=ada).status_code == 403
    assert client.post(path, json={**body, "code": "whim"}, headers=as_("reviewer")).status_code == 409
    assert client.post("/v1/releases/rel_none/withdrawal", json=body, headers=as_("reviewer")).status_code == 404
    assert client.post(path, json={**body, "erase": True}, headers=as_("admin")).status_code == 200
    assert not house.blobs.contains(released.sha256)


@pytest.fixture
def run(house, monkeypatch):
    """Run a command in the served house."""
    from contextlib import nullcontext

    for module in (commands, videos):
        monkeypatch.setattr(module, "open_house", lambda settings: nullcontext(house))
        monkeypatch.setattr(module, "Settings", lambda: house.settings)

    def call(app, *arguments):
        return CliRunner().invoke(app, list(arguments))

    return call


def test_the_commands_withdraw_list_and_restore(run, house, released, tmp_path):
    import typer

    verify = typer.Typer()
    verify.command()(videos.verify)
    verify.callback()(lambda: None)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(house.blobs.path(released.sha256).read_bytes())
    clean = run(verify, "verify", str(copy), "--json")
    done = run(commands.app, "withdraw", released.id, "--reason", REASON, "--code", "person", "--json")
    listed = run(commands.app, "withdrawn", "--json")
    recalled = run(verify, "verify", str(copy), "--json")
    restored = run(commands.app, "restore", released.id, "--reason", "settled", "--json")

    assert clean.exit_code == 0
    assert json.loads(done.stdout)["state"] == "withdrawn"
    assert json.loads(listed.stdout)["release"] == released.id
    assert recalled.exit_code == 3
    assert json.loads(recalled.stdout)["withdrawn"]["code"] == "person"
    assert json.loads(restored.stdout)["state"] == "restored"
    assert run(verify, "verify", str(copy), "--json").exit_code == 0
