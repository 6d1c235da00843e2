"""What jobs start from: of the right kind, decoded in isolation, judged before it is used, gone when the job ends."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from generator.base import Capability
from media.codec import encode_mp4
from media.errors import StorageError, UnreadableMedia
from safety.domain import Checkpoint, JobStatus, Reference, Task
from safety.errors import InvalidContent
from safety.in_force import in_force
from safety.review import Review
from safety.shelf import LONGEST_S
from safety.work import JobRunner
from tests.world import World

GREEN, RED = (60, 160, 60), (230, 20, 20)
REDDISH = (130, 60, 60)
"""Reaches the threshold at the input and not the one at the output."""


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def still(folder, colour=GREEN):
    path = folder / f"{'-'.join(map(str, colour))}.png"
    cv2.imwrite(str(path), np.full((64, 96, 3), colour, np.uint8)[..., ::-1])
    return path


def moving(folder, seconds=1.0, fps=8.0):
    path = folder / "clip.mp4"
    frames = [np.full((64, 64, 3), 8 * (number % 30), np.uint8) for number in range(round(seconds * fps))]
    encode_mp4(iter(frames), path, fps=fps)
    return path


def job_from(world, capability, *paths, **changes):
    job = world.job("a field", **changes)
    store = world.shelf.of(job.id)
    references = tuple(Reference(store.put(path), number / 2) for number, path in enumerate(paths))
    return replace(job, task=Task(capability, references))


def test_an_allowed_picture_becomes_the_first_frame_and_its_decision_stands_in_the_release(world, tmp_path):
    outcome = world.pipeline.run(job_from(world, Capability.ANIMATE, still(tmp_path)))

    assert outcome.status is JobStatus.RELEASED
    decisions = [world.ledger.decision(id_) for id_ in outcome.release.decisions]
    assert [each.checkpoint for each in decisions] == ["prompt", "input", "output"]
    assert tuple(world.generator.calls[0].keyframes[0].picture[5, 5]) == GREEN


def test_one_refused_picture_among_allowed_ones_stops_the_job_before_generation(world, tmp_path):
    job = job_from(world, Capability.FILL, still(tmp_path), still(tmp_path, RED), still(tmp_path))

    outcome = world.pipeline.run(job)

    assert (outcome.status, outcome.decision.checkpoint) == (JobStatus.REFUSED, Checkpoint.INPUT)
    assert world.generator.calls == []
    assert in_force(world.ledger, job.id) == outcome.decision


def test_a_reference_that_was_judged_is_not_judged_again_when_the_job_runs_again(world, tmp_path):
    job = job_from(world, Capability.ANIMATE, still(tmp_path))
    prompt = world.gate.check_prompt(job.prompt, requester="local", job=job.id)
    path = world.shelf.path(job.id, job.task.references[0].sha256)
    judged = world.pipeline.input_gate.check(prompt, path, job=job.id)

    world.pipeline.run(job)

    assert [each.id for each in world.ledger.decisions(job=job.id, checkpoint=Checkpoint.INPUT)] == [judged.id]


def test_an_altered_or_missing_reference_stops_the_job(world, tmp_path):
    job = job_from(world, Capability.ANIMATE, still(tmp_path))
    path = world.shelf.of(job.id).path(job.task.references[0].sha256)
    path.chmod(0o600)
    path.write_bytes(still(tmp_path, RED).read_bytes())

    with pytest.raises(StorageError, match="altered"):
        world.pipeline.run(job)

    world.shelf.discard(job.id)
    with pytest.raises(StorageError, match="not in"):
        world.pipeline.run(job)
    assert world.generator.calls == []


def test_a_job_that_ended_leaves_nothing_on_the_shelf_and_takes_nothing_of_others(world, tmp_path):
    jobs = [job_from(world, Capability.ANIMATE, still(tmp_path), id_=f"video_{number}") for number in (1, 2)]

    class Jobs:
        def __init__(self):
            self.held = {job.id: job for job in jobs}

        def get(self, id_):
            return self.held[id_]

        def set_status(self, id_, status, *, outputs=None, error=""):
            self.held[id_] = replace(self.held[id_], status=status, outputs=outputs or {}, error=error)
            return self.held[id_]

    JobRunner(Jobs(), world.pipeline).run("video_1")

    assert not (world.shelf.root / "video_1").exists()
    assert world.shelf.path("video_2", jobs[1].task.references[0].sha256).is_file()


@pytest.mark.parametrize("fps", [8.0, 24.0, 4.0])
def test_a_given_clip_has_its_length_at_every_rate(world, tmp_path, fps):
    request = world.shelf.load(job_from(world, Capability.EXTEND, moving(tmp_path, 2.0, fps)), 8.0)

    assert request.source.fps == 8.0
    assert request.source.end_s == pytest.approx(2.0 - 1 / fps, abs=0.02)
    assert np.diff(request.source.times_s).max() <= max(1 / 8, 1 / fps) + 0.01


def test_kinds_and_lengths_are_refused_with_what_is_due(world, tmp_path):
    picture, clip = still(tmp_path), moving(tmp_path)

    with pytest.raises(InvalidContent, match="a video is due"):
        world.shelf.inspect(picture, clip=True)
    with pytest.raises(InvalidContent, match="a picture is due"):
        world.shelf.inspect(clip, clip=False)
    with pytest.raises(InvalidContent, match=f"at most {LONGEST_S:g} s"):
        world.shelf.inspect(moving(tmp_path, LONGEST_S + 1, 4.0), clip=True)
    (tmp_path / "noise").write_bytes(b"no picture at all")
    with pytest.raises(UnreadableMedia):
        world.shelf.inspect(tmp_path / "noise", clip=False)


@pytest.mark.parametrize("job", ["../other", "a/b", "", ".", "a b"])
def test_an_id_that_is_no_id_becomes_no_path(world, job):
    with pytest.raises(StorageError, match="letters, digits and underscores"):
        world.shelf.discard(job)


def test_a_held_reference_waits_for_a_reviewer_and_goes_on(tmp_path, monkeypatch):
    from safety.policy import parse_policy
    from tests import world as worlds

    lenient = worlds.POLICY_FILE.replace(
        b'signal = "frame.red"\nthreshold = 0.5\naction = "block"',
        b'signal = "frame.red"\nthreshold = 0.5\naction = "review"',
    )
    monkeypatch.setattr(worlds, "POLICY", parse_policy(lenient))
    world = World(tmp_path)
    try:
        job = job_from(world, Capability.ANIMATE, still(tmp_path, REDDISH))
        outcome = world.pipeline.run(job)
        assert (outcome.status, outcome.decision.checkpoint) == (JobStatus.HELD, Checkpoint.INPUT)

        Review(world.ledger).decide(outcome.decision.id, allow=True, reviewer="bob", reason="a tomato")
        again = world.pipeline.run(replace(job, outputs=outcome.outputs))

        assert again.status is JobStatus.RELEASED
        allowed = world.ledger.decision(again.release.decisions[1])
        assert (allowed.checkpoint, allowed.actor.id) == ("input", "bob")
    finally:
        world.close()
