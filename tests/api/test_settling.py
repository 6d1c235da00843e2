"""What follows a review, also when the process died between the two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from api.settling import settle, take_up
from media.codec import encode_mp4
from safety.domain import JobStatus

SMALL = {"seconds": "1", "size": "256x256"}


@pytest.fixture
def held(client, ada, house):
    """A held job: its id, and the decision that holds it."""
    id_ = client.post("/v1/videos", json={"prompt": "an odd green field", **SMALL}, headers=ada).json()["id"]
    house.queue.work()
    (decision,) = house.review.holds()
    return id_, decision.id


def decide(house, decision, *, allow):
    return house.review.decide(decision, allow=allow, reviewer="eve", reason="looked at it")


def uploads_left(house):
    return [path for path in (house.settings.home / "uploads").rglob("*") if path.is_file()]


@pytest.mark.parametrize(("allow", "end"), [(True, JobStatus.RELEASED), (False, JobStatus.REFUSED)])
def test_a_job_that_was_decided_but_not_moved_on_moves_on_at_the_next_start(house, held, allow, end):
    id_, decision = held
    decide(house, decision, allow=allow)
    assert house.jobs.get(id_).status is JobStatus.HELD

    take_up(house)
    house.queue.work()

    assert house.jobs.get(id_).status is end


def test_a_job_that_nobody_decided_stays_held_at_a_start(house, held):
    take_up(house)

    assert house.queue.waiting == []
    assert house.jobs.get(held[0]).status is JobStatus.HELD


def test_repeating_an_old_review_does_not_move_a_job_that_is_held_again(house, held):
    """The prompt was allowed, then its output was held: the first decision says nothing about the second hold."""
    id_, prompt = held
    house.redness.broken_after_s = 0.0
    decided = decide(house, prompt, allow=True)
    settle(house, decided)
    house.queue.work()
    assert house.jobs.get(id_).status is JobStatus.HELD

    assert settle(house, decided).status is JobStatus.HELD
    assert house.queue.waiting == []


@pytest.mark.parametrize(("requester", "queued"), [("key_of_somebody", 1), ("local", 0)])
def test_running_jobs_are_handed_to_the_queue_again_but_not_those_of_the_command_line(
    client, ada, house, requester, queued
):
    id_ = client.post("/v1/videos", json={"prompt": "a green field", **SMALL}, headers=ada).json()["id"]
    house.queue.__init__(house)
    house.jobs.set_status(id_, JobStatus.CANCELLED)
    house.jobs.create(replace(house.jobs.get(id_), id="video_other", requester=requester, status=JobStatus.RUNNING))

    take_up(house)
    take_up(house)

    assert len(house.queue.waiting) == queued


def test_an_upload_stays_until_every_hold_of_it_is_decided_and_goes_at_a_start_at_the_latest(
    client, ada, bob, house, tmp_path
):
    house.forensics.value = 0.999
    encode_mp4(iter(np.full((16, 256, 256, 3), 90, np.uint8)), tmp_path / "upload.mp4", fps=8.0)
    for headers in (ada, bob):
        file = ("a.mp4", (tmp_path / "upload.mp4").read_bytes(), "video/mp4")
        assert client.post("/v1/scans", files={"file": file}, headers=headers).status_code == 202
    house.queue.work()
    first, second = house.review.holds()

    settle(house, decide(house, first.id, allow=True))
    assert len(uploads_left(house)) == 1
    decide(house, second.id, allow=False)
    take_up(house)

    assert uploads_left(house) == []
