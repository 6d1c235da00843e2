from __future__ import annotations

import json
import shutil
import threading

import numpy as np
import pytest

from api.settling import take_up
from media.codec import encode_mp4
from safety.domain import Origin
from safety.errors import DatabaseError
from safety.lookup.scans import ScanStatus


@pytest.fixture
def upload(tmp_path):
    """A stranger's video: two seconds of a moving gradient."""
    ramp = np.linspace(0, 255, 256, dtype=np.uint8)
    frames = (np.stack([np.roll(np.tile(ramp, (256, 1)), 8 * at, axis=1)] * 3, axis=-1) for at in range(16))
    encode_mp4(frames, tmp_path / "upload.mp4", fps=8.0, crf=18)
    return (tmp_path / "upload.mp4").read_bytes()


def post(client, headers, data, name="holiday.mp4", path="/v1/scans"):
    return client.post(path, files={"file": (name, data, "video/mp4")}, headers=headers)


def uploads_left(house):
    return [path for path in (house.settings.home / "uploads").rglob("*") if path.is_file()]


def test_an_upload_is_accepted_at_once_and_reported_when_a_worker_has_looked(client, ada, house, upload):
    answer = post(client, ada, upload)
    scan = answer.json()
    assert answer.status_code == 202
    assert (scan["status"], scan["name"], scan["report"]) == ("queued", "holiday.mp4", None)

    house.queue.work()

    scan = client.get(f"/v1/scans/{scan['id']}", headers=ada).json()
    report = scan["report"]
    assert scan["status"] == "done"
    assert report["origin"] == Origin.UNKNOWN.value
    assert report["score"] == pytest.approx(0.1)
    assert report["frames"]["seen"] > 0
    assert house.ledger.decision(report["decision"]).subject == f"sha256:{scan['sha256']}"


def test_an_upload_of_our_own_is_recognised(client, ada, house):
    id_ = client.post("/v1/videos", json={"prompt": "a field", "seconds": 2, "size": "256x256"}, headers=ada).json()[
        "id"
    ]
    house.queue.work()
    ours = client.get(f"/v1/videos/{id_}/content", headers=ada).content

    scan = post(client, ada, ours).json()
    house.queue.work()

    report = client.get(f"/v1/scans/{scan['id']}", headers=ada).json()["report"]
    assert report["origin"] == "ours"
    assert {"credential", "watermark", "fingerprint"} <= {link["kind"] for link in report["evidence"]}


def test_the_upload_is_gone_when_its_scan_is_done(client, ada, house, upload):
    post(client, ada, upload)
    assert len(uploads_left(house)) == 1

    house.queue.work()

    assert uploads_left(house) == []


def test_an_upload_stays_while_another_scan_of_it_waits(client, ada, bob, house, upload):
    first, second = post(client, ada, upload).json(), post(client, bob, upload).json()
    second_run = house.queue.waiting.pop()

    house.queue.work()
    assert len(uploads_left(house)) == 1
    house.queue.waiting.append(second_run)
    house.queue.work()

    assert uploads_left(house) == []
    assert {house.scans.get(each["id"]).status for each in (first, second)} == {ScanStatus.DONE}


def test_an_upload_for_review_stays_until_a_reviewer_has_decided(client, ada, as_, house, upload):
    house.forensics.value = 0.999
    scan = post(client, ada, upload).json()
    house.queue.work()
    report = client.get(f"/v1/scans/{scan['id']}", headers=ada).json()["report"]
    assert (report["origin"], report["action"]) == ("likely_synthetic", "review")
    assert len(uploads_left(house)) == 1

    client.post(
        f"/v1/reviews/{report['decision']}", json={"allow": True, "reason": "labelled"}, headers=as_("reviewer")
    )

    assert uploads_left(house) == []


def test_a_file_that_is_no_video_fails_its_scan_and_is_not_called_anything(client, ada, house):
    scan = post(client, ada, b"GIF89a" + b"x" * 5000).json()
    house.queue.work()

    scan = client.get(f"/v1/scans/{scan['id']}", headers=ada).json()

    assert (scan["status"], scan["report"]) == ("failed", None)
    assert scan["error"] == "UnreadableMedia (unreadable-media)"
    assert house.ledger.size() == 0


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("StorageError: /srv/secret/uploads cannot be read", "StorageError (storage)"),
        ("/srv/secret: something nobody foresaw", "step-failed"),
    ],
)
def test_the_text_of_an_error_is_not_shown(client, ada, house, upload, kept, shown):
    id_ = post(client, ada, upload).json()["id"]
    house.scans.set_status(id_, ScanStatus.FAILED, error=kept)

    answer = client.get(f"/v1/scans/{id_}", headers=ada)

    assert answer.json()["error"] == shown
    assert "secret" not in answer.text


def test_a_scan_that_runs_again_is_recorded_once(client, ada, house, upload):
    scan = post(client, ada, upload).json()

    class DiesAfterLooking(Exception):
        pass

    def dying_step(_name, work):
        work()
        raise DiesAfterLooking

    with pytest.raises(DiesAfterLooking):
        house.scan_runner.run(scan["id"], dying_step)
    assert house.scans.get(scan["id"]).status is ScanStatus.RUNNING
    house.queue.work()

    assert house.scans.get(scan["id"]).status is ScanStatus.DONE
    assert len(house.ledger.decisions(job=scan["id"])) == 1


def test_a_database_that_is_away_does_not_fail_a_scan(client, ada, house, upload, monkeypatch):
    scan = post(client, ada, upload).json()

    def away(*_args, **_more):
        raise DatabaseError("the database is gone")

    with monkeypatch.context() as patch:
        patch.setattr(house.ledger, "append_decision", away)
        with pytest.raises(DatabaseError):
            house.scan_runner.run(scan["id"], lambda _, work: work())
    house.queue.work()

    assert house.scans.get(scan["id"]).status is ScanStatus.DONE


def test_scans_that_were_written_down_but_not_queued_are_queued_at_the_next_start(client, ada, house, upload):
    scan = post(client, ada, upload).json()
    house.queue.__init__(house)

    take_up(house)
    house.queue.work()

    assert house.scans.get(scan["id"]).status is ScanStatus.DONE


def test_a_requester_sees_its_own_scans_only(client, ada, bob, as_, upload):
    id_ = post(client, ada, upload).json()["id"]

    assert client.get(f"/v1/scans/{id_}", headers=bob).status_code == 404
    for scope in ("admin", "reviewer", "auditor"):
        assert client.get(f"/v1/scans/{id_}", headers=as_(scope)).status_code == 200


def test_a_requester_sees_the_decision_about_its_own_scan_only(client, ada, bob, house, upload):
    id_ = post(client, ada, upload).json()["id"]
    house.queue.work()
    decision = client.get(f"/v1/scans/{id_}", headers=ada).json()["report"]["decision"]

    assert client.get(f"/v1/decisions/{decision}", headers=ada).json()["job"] == id_
    assert client.get(f"/v1/decisions/{decision}", headers=bob).status_code == 404


def test_the_same_upload_under_the_same_key_is_the_same_scan(client, ada, house, upload):
    key = {**ada, "idempotency-key": "once"}
    first = post(client, key, upload).json()["id"]

    assert post(client, key, upload).json()["id"] == first
    assert len(house.queue.waiting) == 1
    other = post(client, key, upload + b"\x00")
    assert other.status_code == 409
    assert other.json()["type"].endswith("/conflict")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"json": {"file": "x"}},
        {"data": {"file": "text, not a file"}},
        {"files": {"video": ("a.mp4", b"x")}},
        {"files": {"file": ("a.mp4", b"x")}, "data": {"mode": "fast"}},
        {"files": [("file", ("a.mp4", b"x")), ("file", ("b.mp4", b"x"))]},
    ],
)
def test_a_request_without_exactly_one_file_is_refused(client, ada, house, body):
    answer = client.post("/v1/scans", headers=ada, **body)

    assert answer.status_code in (400, 422)
    assert answer.json()["type"]
    assert house.queue.waiting == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\nb.mp4", "x" * 400])
def test_a_file_name_is_shown_and_never_used_as_a_path(client, ada, house, upload, name):
    scan = post(client, ada, upload, name).json()
    house.queue.work()

    assert len(scan["name"]) <= 200
    assert house.scans.get(scan["id"]).status is ScanStatus.DONE


# ---- verify: public --------------------------------------------------------------------------


def test_anybody_may_verify_a_released_file(client, ada, house):
    id_ = client.post("/v1/videos", json={"prompt": "a field", "seconds": 1}, headers=ada).json()["id"]
    house.queue.work()
    release = house.ledger.release_of_job(id_)

    view = post(client, {}, house.blobs.path(release.sha256).read_bytes(), path="/v1/verify").json()

    assert (view["state"], view["release"], view["watermark"]) == ("trusted", release.id, release.watermark)
    assert uploads_left(house) == []


def test_a_strangers_file_has_no_credential_and_junk_is_no_video(client, upload):
    assert post(client, {}, upload, path="/v1/verify").json()["state"] == "absent"
    assert post(client, {}, b"junk" * 100, path="/v1/verify").status_code == 422


def test_only_a_few_files_are_verified_at_once(client, upload):
    turns = client.app.state.verifications
    for _ in range(4):
        assert turns.acquire(blocking=False)
    refused = post(client, {}, upload, path="/v1/verify")
    for _ in range(4):
        turns.release()

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert post(client, {}, upload, path="/v1/verify").status_code == 200


def test_a_full_disk_refuses_an_upload_and_keeps_nothing(client, ada, house, upload):
    shutil.rmtree(house.settings.home / "uploads", ignore_errors=True)
    (house.settings.home / "uploads").write_text("in the way")

    answer = post(client, ada, upload)

    assert answer.status_code == 507
    assert str(house.settings.home) not in answer.text
    assert house.scans.list() == []


def events_of(text):
    """The JSON of each server-sent event of a stream, in order."""
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("event: scan")]
    return [json.loads(lines[1].removeprefix("data: ")) for lines in blocks]


def test_a_scan_is_watched_until_it_ends(client, ada, house, upload):
    id_ = post(client, ada, upload).json()["id"]
    working = threading.Thread(target=house.queue.work)

    with client.stream("GET", f"/v1/scans/{id_}/events", headers=ada) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        working.start()
        told = events_of("".join(stream.iter_text()))
    working.join()

    assert told[-1]["status"] == "done"
    assert told[-1]["progress"] == 1.0
    assert told[-1]["report"]["origin"] == "unknown"
    assert told == [each for at, each in enumerate(told) if each not in told[:at]], "only changes are told"


def test_a_scan_that_has_ended_is_told_once(client, ada, house, upload):
    id_ = post(client, ada, upload).json()["id"]
    house.queue.work()

    (told,) = events_of(client.get(f"/v1/scans/{id_}/events", headers=ada).text)

    assert told == client.get(f"/v1/scans/{id_}", headers=ada).json()


def test_nobody_watches_another_ones_scan(client, ada, bob, house, upload):
    id_ = post(client, ada, upload).json()["id"]

    assert client.get(f"/v1/scans/{id_}/events", headers=bob).status_code == 404


def test_a_running_scan_says_how_far_it_has_come(client, ada, house, upload, monkeypatch):
    id_ = post(client, ada, upload).json()["id"]
    kept = []
    monkeypatch.setattr("safety.work.PROGRESS_EVERY_S", 0.0)
    keep = house.scans.set_progress
    monkeypatch.setattr(
        house.scans,
        "set_progress",
        lambda id_, share: (keep(id_, share), kept.append((house.scans.get(id_).status.value, share))),
    )

    house.queue.work()

    assert kept == sorted(kept)
    assert {status for status, _ in kept} == {"running"}
    assert all(0 < share <= 1 for _, share in kept)
    last = kept[-1][1]
    house.scans.set_progress(id_, 0.01)
    assert house.scans.get(id_).progress == last, "a scan that has ended goes nowhere"
