"""Looking at what is held: who may, what is shown, and that every look is recorded."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from api.cli import main
from generator.base import Revision
from media.codec import decode as frames_of
from media.codec import encode_mp4
from safety.domain import Action
from safety.records import decode
from safety.revisions import Revisions
from tests.world import POLICY

PROMPT = "an odd green field"


def create(client, headers, prompt):
    body = {"prompt": prompt, "seconds": "1", "size": "256x256"}
    return client.post("/v1/videos", json=body, headers=headers).json()["id"]


@pytest.fixture
def reviewer(as_):
    return as_("reviewer")


@pytest.fixture
def held_prompt(client, ada, house):
    create(client, ada, PROMPT)
    house.queue.work()
    return house.review.holds()[0]


@pytest.fixture
def held_video(client, ada, house):
    """The output could not be measured: it waits for a person."""
    house.redness.broken_after_s = 0.0
    create(client, ada, "a green field")
    house.queue.work()
    return house.review.holds()[0]


def looks(house):
    found = [(entry.kind, decode(entry.body)[1]) for entry in house.ledger.entries(0)]
    return [record for kind, record in found if kind == "reveal"]


def test_a_reviewer_sees_the_held_prompt_and_the_look_is_recorded_without_it(client, house, reviewer, held_prompt):
    answer = client.get(f"/v1/reviews/{held_prompt.id}", headers=reviewer)

    assert (answer.json()["prompt"], answer.json()["content"]) == (PROMPT, False)
    assert answer.json()["findings"]
    assert answer.headers["cache-control"] == "no-store"
    (look,) = looks(house)
    assert (look["decision"], look["job"], look["what"]) == (held_prompt.id, held_prompt.job, "prompt")
    assert look["reviewer"] in [key.id for key in house.keys.list()]
    assert PROMPT not in json.dumps(look)
    assert client.get(f"/v1/reviews/{held_prompt.id}/content", headers=reviewer).status_code == 404


def test_a_reviewer_sees_the_very_video_that_was_judged_and_every_look_counts(client, house, reviewer, held_video):
    job = house.jobs.get(held_video.job)
    for _ in range(2):
        answer = client.get(f"/v1/reviews/{held_video.id}/content", headers=reviewer)
        assert answer.status_code == 200

    assert answer.content == house.blobs.path(job.outputs["mark"]["sha256"]).read_bytes()
    assert answer.headers["content-type"] == "video/mp4"
    assert [look["what"] for look in looks(house)] == ["file", "file"]
    assert client.get(f"/v1/reviews/{held_video.id}", headers=reviewer).json()["content"] is True


def test_a_soft_copy_of_the_held_video_is_a_look_too(client, house, reviewer, held_video, ada, tmp_path):
    path = f"/v1/reviews/{held_video.id}/soft"
    assert client.get(path, headers=ada).status_code == 403

    answer = client.get(path, headers=reviewer)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    assert answer.headers["cache-control"] == "no-store"
    (tmp_path / "soft.mp4").write_bytes(answer.content)
    assert all(np.ptp(frame.astype(int), axis=2).max() < 24 for _, frame in frames_of(tmp_path / "soft.mp4"))
    assert [look["what"] for look in looks(house)] == ["soft copy"]


def test_a_reviewer_sees_a_held_upload(client, ada, house, reviewer, tmp_path):
    house.forensics.value = 0.999
    encode_mp4(iter(np.full((16, 256, 256, 3), 90, np.uint8)), tmp_path / "upload.mp4", fps=8.0)
    data = (tmp_path / "upload.mp4").read_bytes()
    client.post("/v1/scans", files={"file": ("a.mp4", data, "video/mp4")}, headers=ada)
    house.queue.work()
    (hold,) = house.review.holds()

    answer = client.get(f"/v1/reviews/{hold.id}/content", headers=reviewer)

    assert answer.content == data
    assert answer.headers["content-type"] == "application/octet-stream"
    assert client.get(f"/v1/reviews/{hold.id}", headers=reviewer).json()["prompt"] is None


def test_a_reviewer_sees_the_blurred_picture_that_the_record_names_and_no_other(client, house, reviewer, tmp_path):
    holding = replace(POLICY, rules=tuple(replace(rule, action=Action.REVIEW) for rule in POLICY.rules))
    frames = np.full((20, 64, 64, 3), (230, 20, 20), np.uint8)
    encode_mp4(iter(frames), tmp_path / "a.mp4", fps=8)
    hold = replace(house.gate, policy=holding, tried=None).screen_video(tmp_path / "a.mp4")
    (finding,) = client.get(f"/v1/reviews/{hold.id}", headers=reviewer).json()["findings"]

    answer = client.get(f"/v1/reviews/{hold.id}/stills/{finding['still']}", headers=reviewer)

    assert answer.status_code == 200
    assert answer.content.startswith(b"\xff\xd8")
    assert answer.headers["cache-control"] == "no-store"
    assert looks(house)[-1]["what"] == "still"
    other = house.blobs.put_bytes(b"something else that is kept")
    assert client.get(f"/v1/reviews/{hold.id}/stills/{other}", headers=reviewer).status_code == 404


def test_nobody_but_a_reviewer_looks(client, as_, house, ada, held_video):
    for headers in (ada, as_("auditor")):
        for path in (f"/v1/reviews/{held_video.id}", f"/v1/reviews/{held_video.id}/content"):
            assert client.get(path, headers=headers).status_code == 403
    assert looks(house) == []


def test_what_is_not_held_any_more_is_not_shown(client, ada, house, reviewer, held_prompt):
    other = create(client, ada, "another odd field")
    house.queue.work()
    deleted = next(each.id for each in house.review.holds() if each.job == other)
    client.delete(f"/v1/videos/{other}", headers=ada)
    client.post(f"/v1/reviews/{held_prompt.id}", json={"allow": True, "reason": "fine"}, headers=reviewer)

    for decision, status in ((held_prompt.id, 409), (deleted, 409), ("dec_none", 404)):
        assert client.get(f"/v1/reviews/{decision}", headers=reviewer).status_code == status
    assert looks(house) == []


def test_an_altered_file_is_not_shown(client, house, reviewer, held_video):
    stored = house.blobs.path(house.jobs.get(held_video.job).outputs["mark"]["sha256"])
    stored.chmod(0o600)
    stored.write_bytes(b"something else")

    assert client.get(f"/v1/reviews/{held_video.id}/content", headers=reviewer).status_code == 507
    assert looks(house) == []


@pytest.fixture
def framegate(house, monkeypatch, capsys):
    """The command line, in this house's home."""
    monkeypatch.setenv("FRAMEGATE_HOME", str(house.settings.home))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0), capsys.readouterr()

    return run


def test_the_command_line_shows_a_held_video_and_writes_it(framegate, house, held_video, tmp_path):
    out = tmp_path / "held.mp4"
    code, told = framegate("review", "show", held_video.id, "--clear", "--out", str(out), "--reviewer", "eve", "--json")

    assert code == 0
    shown = json.loads(told.out)
    assert (shown["prompt"], shown["content"], shown["file"]) == ("a green field", True, str(out))
    assert out.read_bytes() == house.blobs.path(house.jobs.get(held_video.job).outputs["mark"]["sha256"]).read_bytes()
    assert [(look["reviewer"], look["what"]) for look in looks(house)] == [("eve", "prompt"), ("eve", "file")]


def test_the_command_line_writes_the_blurred_pictures_that_are_kept(framegate, house, tmp_path):
    holding = replace(POLICY, rules=tuple(replace(rule, action=Action.REVIEW) for rule in POLICY.rules))
    encode_mp4(iter(np.full((20, 64, 64, 3), (230, 20, 20), np.uint8)), tmp_path / "a.mp4", fps=8)
    hold = replace(house.gate, policy=holding, tried=None).screen_video(tmp_path / "a.mp4")
    (still,) = hold.measurement.stills
    folder = tmp_path / "pictures" / "of it"

    code, told = framegate("review", "show", hold.id, "--stills", str(folder), "--reviewer", "eve", "--json")

    assert code == 0, told.err
    (picture,) = folder.iterdir()
    assert json.loads(told.out)["stills"] == [str(picture)]
    assert picture.name == f"{still.time_s:.3f}s.jpg"
    assert picture.read_bytes().startswith(b"\xff\xd8")
    assert [(look["reviewer"], look["what"]) for look in looks(house)] == [("eve", "still")]
    assert "--stills FOLDER" in framegate("review", "show", hold.id)[1].err
    (tmp_path / "taken").write_bytes(b"a file")
    code, told = framegate("review", "show", hold.id, "--stills", str(tmp_path / "taken"))
    assert (code, "cannotbewritten" in "".join(told.err.split())) == (1, True)


def test_the_command_line_writes_a_soft_copy_unless_it_is_asked_for_the_clear_one(
    framegate, house, held_video, tmp_path
):
    out = tmp_path / "soft.mp4"

    assert framegate("review", "show", held_video.id, "--out", str(out), "--reviewer", "eve")[0] == 0
    assert len(list(frames_of(out))) > 1
    assert [look["what"] for look in looks(house)] == ["prompt", "soft copy"]
    code, told = framegate("review", "show", held_video.id, "--out", str(tmp_path), "--reviewer", "eve")
    assert (code, "cannotbewritten" in "".join(told.err.split())) == (1, True)


def test_a_second_look_is_soft_too_unless_the_clear_one_is_asked_for(framegate, house, held_video, tmp_path):
    house.quality.mark_golden(held_video.id, allow=False, by="lead", reason="agreed", code="other")
    soft, clear = tmp_path / "soft.mp4", tmp_path / "clear.mp4"

    for options in (("--out", str(soft)), ("--clear", "--out", str(clear))):
        assert framegate("quality", "show", held_video.id, *options, "--reviewer", "eve")[0] == 0

    assert clear.read_bytes() == house.blobs.path(house.jobs.get(held_video.job).outputs["mark"]["sha256"]).read_bytes()
    assert soft.read_bytes() != clear.read_bytes()
    assert [look["what"] for look in looks(house) if look["what"] != "prompt"] == ["soft copy", "file"]


def test_the_command_line_settles_a_review_like_the_api(framegate, house, held_prompt):
    code, _ = framegate("review", "decide", held_prompt.id, "--refuse", "--reason", "too odd", "--reviewer", "eve")

    assert code == 0
    assert house.jobs.get(held_prompt.job).status.value == "refused"


def test_a_claimed_hold_is_decided_by_its_reviewer_only_and_a_refusal_taken_back(
    client, house, as_, reviewer, held_prompt
):
    colleague = as_("reviewer")
    path = f"/v1/reviews/{held_prompt.id}"
    claimed = client.post("/v1/reviews/claims", json={}, headers=reviewer)
    assert claimed.json()["decision"] == held_prompt.id
    assert client.post("/v1/reviews/claims", json={"decision": held_prompt.id}, headers=colleague).status_code == 409
    assert client.post(path, json={"allow": True, "reason": "fine"}, headers=colleague).status_code == 409
    (waiting,) = client.get("/v1/reviews", headers=colleague).json()["data"]
    assert waiting["claim"]["reviewer"] == claimed.json()["reviewer"]
    assert waiting["priority"] > 0

    refused = client.post(path, json={"allow": False, "reason": "no", "code": "violation"}, headers=reviewer).json()
    assert refused["code"] == "violation"
    assert house.jobs.get(held_prompt.job).status == "refused"
    undone = client.post(f"/v1/reviews/{refused['decision']}/undo", json={"reason": "slip"}, headers=colleague).json()

    assert undone["action"] == "review"
    assert house.jobs.get(held_prompt.job).status == "held"
    assert [each["decision"] for each in client.get("/v1/reviews", headers=reviewer).json()["data"]] == [
        undone["decision"]
    ]
    client.post("/v1/reviews/claims", json={"decision": undone["decision"]}, headers=reviewer)
    assert client.delete(f"/v1/reviews/{undone['decision']}/claim", headers=reviewer).status_code == 204
    allowed = client.post(
        f"/v1/reviews/{undone['decision']}", json={"allow": True, "reason": "fine"}, headers=colleague
    )
    assert allowed.json()["action"] == "allow"
    assert house.jobs.get(held_prompt.job).status == "queued"


def test_an_unknown_code_is_refused_with_the_known_ones(client, reviewer, held_prompt):
    body = {"allow": True, "reason": "fine", "code": "because"}
    answer = client.post(f"/v1/reviews/{held_prompt.id}", json=body, headers=reviewer)

    assert answer.status_code == 409
    assert "violation" in answer.json()["detail"]


class Writer:
    def revise(self, prompt, seed):
        return Revision(f"{PROMPT} at noon", "writer")


def test_a_reviewer_sees_the_caption_that_is_held_not_the_prompt_that_was_allowed(client, house, ada, reviewer):
    house.pipeline = replace(house.pipeline, revisions=Revisions(Writer(), house.jobs))
    create(client, ada, "a green field")
    house.queue.work()
    (hold,) = house.review.holds()

    answer = client.get(f"/v1/reviews/{hold.id}", headers=reviewer)

    assert answer.json()["prompt"] == f"{PROMPT} at noon"
