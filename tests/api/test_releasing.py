"""`POST /v1/releases`: another generator's clip walks the whole path, with what it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from media.codec import encode_mp4
from provenance.base import CredentialState
from safety import whole_clip
from safety.domain import Checkpoint, JobStatus, Reference, Task
from safety.verify import verify_file
from tests.api.test_video_references import GREEN, RED, picture, shelved

SIDE = 64


def clip(folder: Path, colour=GREEN, name: str = "made") -> bytes:
    path = folder / f"{name}.mp4"
    frames = np.full((8, SIDE, SIDE, 3), colour, np.uint8)
    frames[:, 20:40, 20:40] = 128
    encode_mp4(iter(frames), path, fps=8)
    return path.read_bytes()


def post(client, headers, *files, **fields):
    named = [(name, (f"a private name.{name}", data)) for name, data in files]
    return client.post("/v1/releases", data={"prompt": "a field", **fields}, files=named, headers=headers)


def test_it_is_judged_marked_signed_and_served_with_what_it_was_made_from(client, ada, bob, house, tmp_path):
    first = post(client, ada, ("video", clip(tmp_path))).json()["id"]
    house.queue.work()
    made = clip(tmp_path, (60, 60, 160))
    asked = post(client, ada, ("video", made), ("inputs", picture()), **{"parent[id]": first})
    assert asked.status_code == 200, asked.text
    id_ = asked.json()["id"]
    house.queue.work()
    view = client.get(f"/v1/videos/{id_}", headers=ada).json()
    release = house.ledger.release_of_job(id_)
    received = tmp_path / "received.mp4"
    received.write_bytes(client.get(f"/v1/videos/{id_}/content", headers=ada).content)
    seen = verify_file(received, house.credential_reader, house.watermark, house.known, house.limits)

    assert (view["status"], view["model"], view["size"], view["seconds"]) == ("completed", "external", "64x64", "1")
    assert view["x_framegate"]["capability"] == "made"
    assert house.generator.calls == []
    assert (seen.credential.state, seen.release, seen.exact) == (CredentialState.TRUSTED, release.id, True)
    assert [(each["relation"], each["title"], each["state"]) for each in seen.credential.detail["ingredients"]] == [
        ("inputTo", "reference 1", "absent"),
        ("parentOf", "original", "trusted"),
    ]
    ruled = [house.ledger.decision(each) for each in release.decisions]
    assert [each.checkpoint for each in ruled] == [Checkpoint.PROMPT, *[Checkpoint.INPUT] * 2, Checkpoint.OUTPUT]
    assert ruled[2].parent == house.ledger.release_of_job(first).id
    assert (release.generator, shelved(house)) == ("external", [])
    assert b"a private name" not in received.read_bytes()
    assert client.get(f"/v1/videos/{id_}/content", headers=bob).status_code == 404


@pytest.mark.parametrize("refused", ["video", "inputs", "parent"])
def test_nothing_is_released_of_a_refused_file(client, ada, house, tmp_path, refused):
    files = {"video": clip(tmp_path, RED if refused == "video" else GREEN)}
    if refused != "video":
        files[refused] = picture(RED) if refused == "inputs" else clip(tmp_path, RED)
    id_ = post(client, ada, *files.items()).json()["id"]
    house.queue.work()
    view = client.get(f"/v1/videos/{id_}", headers=ada).json()

    assert (view["status"], view["error"]["code"]) == ("failed", "moderation_blocked")
    assert house.ledger.release_of_job(id_) is None
    assert client.get(f"/v1/videos/{id_}/content", headers=ada).status_code == 409
    assert shelved(house) == []


def test_a_refused_prompt_is_refused_at_once_and_keeps_nothing(client, ada, house, tmp_path):
    answer = post(client, ada, ("video", clip(tmp_path)), prompt="blood")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "moderation_blocked")
    assert shelved(house) == []


def test_the_same_request_twice_is_one_job(client, ada, house, tmp_path):
    made, headers = clip(tmp_path), {**ada, "idempotency-key": "once"}
    ids = {post(client, headers, ("video", made)).json()["id"] for _ in range(2)}
    other = post(client, headers, ("video", clip(tmp_path, (60, 60, 160))))

    assert len(ids) == 1
    assert other.status_code in {409, 422}


def test_what_cannot_be_released_is_refused_at_once(client, ada, bob, house, tmp_path):
    made, still = ("video", clip(tmp_path)), picture()
    theirs = post(client, bob, made).json()["id"]
    refused = {
        "in the field `video`": post(client, ada, ("inputs", still)),
        "`video` of a form": client.post("/v1/releases", json={"prompt": "a field"}, headers=ada),
        "as one file": post(client, ada, made, made),
        "a video is due here": post(client, ada, ("video", still)),
        "no file is taken": post(client, ada, made, ("keyframes", still)),
        "8 inputs at most, not 9": post(client, ada, made, *[("inputs", still)] * 9),
        "number 1 is of a kind": post(client, ada, made, ("inputs", b"words")),
        "one parent": post(client, ada, made, ("parent", made[1]), **{"parent[id]": theirs}),
        "cannot be decoded": post(client, ada, made, ("inputs", b"\x89PNG\r\n\x1a\n" + bytes(40))),
    }
    found = {words: (answer.status_code, answer.text) for words, answer in refused.items()}

    assert {words for words, (status, text) in found.items() if status not in {400, 422} or words not in text} == set()
    assert post(client, ada, made, **{"parent[id]": theirs}).status_code == 404
    house.jobs.set_status(theirs, JobStatus.CANCELLED)
    house.shelf.discard(theirs)
    assert shelved(house) == []


def test_a_clip_that_is_too_large_to_be_marked_is_refused_before_it_is_queued(
    client, ada, house, tmp_path, monkeypatch
):
    monkeypatch.setattr(whole_clip, "MAX_CLIP_BYTES", 8 * SIDE * SIDE * 3 - 1)
    answer = post(client, ada, ("video", clip(tmp_path)))

    assert answer.status_code == 413, answer.text
    assert "release shorter or smaller clips" in answer.text
    assert house.jobs.list() == []


def test_a_job_that_brings_its_clip_comes_back_as_it_was_and_no_earlier_version_reads_it(client, ada, house, tmp_path):
    id_ = post(client, ada, ("video", clip(tmp_path)), ("parent", clip(tmp_path, name="b"))).json()["id"]
    task = house.jobs.get(id_).task
    with house.engine.connect() as connection:
        (record,) = connection.exec_driver_sql("select task from jobs").scalars()

    assert task == Task(references=(Reference(task.references[0].sha256),), made=task.made, from_parent=True)
    assert task.made
    assert '"made"' in str(record).replace("'", '"').split("references")[0]
