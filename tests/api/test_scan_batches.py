"""Uploads that are handed in together: once each however often, with a count, a list, and what went wrong."""

from __future__ import annotations

import numpy as np
import pytest

from api.scan_queue import hand_in_files
from media.codec import encode_mp4
from safety.lookup.scans import ScanStatus


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    ramp = np.linspace(0, 255, 256, dtype=np.uint8)
    frames = (np.stack([np.roll(np.tile(ramp, (256, 1)), 8 * at, axis=1)] * 3, axis=-1) for at in range(8))
    encode_mp4(frames, path, fps=8.0, crf=18)
    return path.read_bytes()


def post(client, headers, data, name="a.mp4", batch="monday"):
    return client.post(f"/v1/scans?batch={batch}", files={"file": (name, data, "video/mp4")}, headers=headers)


def look(client, headers, batch="monday", **asked):
    return client.get(f"/v1/scan-batches/{batch}", params=asked, headers=headers)


def uploads_left(house):
    return [path for path in (house.settings.home / "uploads").rglob("*") if path.is_file()]


def test_a_batch_says_how_many_stand_where_and_why_one_failed(client, ada, house, film):
    ids = [
        post(client, ada, film, "a.mp4").json()["id"],
        post(client, ada, b"GIF89a" + b"x" * 99, "b.mp4").json()["id"],
    ]

    before = look(client, ada).json()
    house.queue.work()
    after, failed = look(client, ada).json(), look(client, ada, status="failed").json()

    assert (before["ended"], before["total"], before["counts"]["queued"]) == (False, 2, 2)
    assert (after["ended"], after["counts"]["done"], after["counts"]["failed"]) == (True, 1, 1)
    assert {each["id"] for each in after["scans"]} == set(ids)
    assert [(each["name"], each["error"]) for each in failed["scans"]] == [
        ("b.mp4", "UnreadableMedia (unreadable-media)")
    ]


def test_what_is_handed_in_again_is_the_same_scan_and_leaves_no_upload(client, ada, house, film):
    first = post(client, ada, film).json()
    again = post(client, ada, film).json()
    house.queue.work()
    late = post(client, ada, film).json()

    assert first["id"] == again["id"] == late["id"]
    assert late["status"] == "done"
    assert look(client, ada).json()["total"] == 1
    assert uploads_left(house) == []
    assert house.queue.waiting == []


def test_another_name_or_another_batch_is_another_scan(client, ada, film):
    ids = {post(client, ada, film, name, batch).json()["id"] for name in ("a.mp4", "b.mp4") for batch in ("x", "y")}

    assert len(ids) == 4


def test_an_upload_that_waits_for_a_reviewer_stays_when_it_is_handed_in_again(client, ada, house, film):
    house.forensics.value = 0.999
    post(client, ada, film)
    house.queue.work()

    post(client, ada, film)

    assert len(uploads_left(house)) == 1


def test_a_batch_is_its_requesters_own(client, ada, bob, as_, film):
    post(client, ada, film)

    assert look(client, bob).status_code == look(client, as_("auditor")).status_code == 404
    assert post(client, bob, film).json()["id"] != look(client, ada).json()["scans"][0]["id"]


def test_a_large_batch_is_read_page_by_page(client, ada, film):
    ids = [post(client, ada, film, f"{at}.mp4").json()["id"] for at in range(5)]

    found, after = [], None
    while True:
        page = look(client, ada, limit=2, **({"after": after} if after else {})).json()
        found += [each["id"] for each in page["scans"]]
        after = page["next"]
        if after is None:
            break

    assert sorted(found) == sorted(ids)
    assert look(client, ada, after="scan_of_nobody").status_code == 404


@pytest.mark.parametrize("batch", ["", "a b", "x" * 65, ".hidden"])
def test_a_name_that_cannot_be_meant_is_refused(client, ada, house, film, batch):
    assert post(client, ada, film, batch=batch).status_code in (400, 422)
    assert house.queue.waiting == []


def test_files_of_a_folder_are_queued_once_and_a_missing_one_stops_no_other(house, tmp_path, film):
    files = [tmp_path / name for name in ("a.mp4", "gone.mp4", "b.mp4")]
    for path in (files[0], files[2]):
        path.write_bytes(film)

    rows = list(hand_in_files(house, files, "folder"))
    again = list(hand_in_files(house, files, "folder"))
    house.queue.work()
    done = list(hand_in_files(house, files, "folder"))

    assert [set(row) for row in rows] == [{"file", "scan", "status"}, {"file", "error"}, {"file", "scan", "status"}]
    assert "gone.mp4 cannot be read" in rows[1]["error"]
    assert [row.get("scan") for row in rows] == [row.get("scan") for row in again]
    assert [row.get("status") for row in done] == ["done", None, "done"]
    assert house.scan_batches.counts("local", "folder")[ScanStatus.DONE] == 2
    assert uploads_left(house) == []
