"""A release of somebody else's generator names what it was made from, and each of these was judged."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from generator.base import GenerationRequest
from media.codec import encode_mp4
from media.errors import UnreadableMedia
from media.limits import DEFAULT_LIMITS
from provenance.base import ClaimInput, InputRelation
from safety.domain import Checkpoint, JobStatus
from safety.errors import InvalidContent
from safety.framegate import Framegate
from safety.known import ReleaseIndex
from safety.made_from import MOST_INPUTS
from safety.review import Review
from tests.world import World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def framegate(world):
    return Framegate(world.gate, world.desk, DEFAULT_LIMITS, ReleaseIndex(world.ledger))


@pytest.fixture
def raw(world, tmp_path):
    return clip_of(world, "a green field", tmp_path / "raw.mp4")


def clip_of(world, prompt, path):
    clip = world.generator.generate(GenerationRequest(prompt, 0.5, 128, 128))
    encode_mp4(iter(clip.frames), path, fps=clip.fps)
    return path


def still(path, colour):
    path.write_bytes(cv2.imencode(".jpg", np.full((128, 128, 3), colour[::-1], np.uint8))[1].tobytes())
    return path


def test_inputs_stand_in_the_claim_and_their_decisions_in_the_release(world, framegate, raw, tmp_path):
    picture, before = (
        still(tmp_path / "a secret name.jpg", (0, 200, 0)),
        clip_of(world, "a blue sea", tmp_path / "b.mp4"),
    )
    inputs = [
        ClaimInput(picture, InputRelation.INPUT, "reference 1"),
        ClaimInput(before, InputRelation.PARENT, "original"),
    ]
    prompt = framegate.check_prompt("a green field")
    outcome = framegate.release(raw, tmp_path / "out.mp4", prompt=prompt, inputs=inputs)
    claimed = world.signer.claims[0].inputs

    assert outcome.status is JobStatus.RELEASED
    judged = [world.ledger.decision(id_) for id_ in outcome.release.decisions]
    assert [each.checkpoint for each in judged] == [
        Checkpoint.PROMPT,
        Checkpoint.INPUT,
        Checkpoint.INPUT,
        Checkpoint.OUTPUT,
    ]
    assert [(each.relation, each.title) for each in claimed] == [
        (InputRelation.INPUT, "reference 1"),
        (InputRelation.PARENT, "original"),
    ]
    assert not any(
        each.path.name in {picture.name, before.name} for each in claimed
    )  # what was judged, not what is there
    without = framegate.release(raw, tmp_path / "plain.mp4", prompt=prompt)
    assert without.release.id != outcome.release.id


def test_a_refused_input_releases_nothing(world, framegate, raw, tmp_path):
    picture = ClaimInput(still(tmp_path / "red.jpg", (255, 0, 0)), InputRelation.INPUT, "reference 1")
    outcome = framegate.release(
        raw, tmp_path / "out.mp4", prompt=framegate.check_prompt("a green field"), inputs=[picture]
    )

    assert outcome.status is JobStatus.REFUSED
    assert outcome.decision.checkpoint is Checkpoint.INPUT
    assert world.signer.claims == []
    assert not (tmp_path / "out.mp4").exists()


def test_an_input_that_was_refused_goes_on_when_a_reviewer_allowed_it(world, framegate, raw, tmp_path):
    world.redness.broken_after_s = -1.0
    picture = ClaimInput(still(tmp_path / "green.jpg", (0, 200, 0)), InputRelation.INPUT, "reference 1")
    prompt = framegate.check_prompt("a green field")
    stopped = framegate.release(raw, tmp_path / "out.mp4", prompt=prompt, inputs=[picture])
    world.redness.broken_after_s = float("inf")
    still_stopped = framegate.release(raw, tmp_path / "out.mp4", prompt=prompt, inputs=[picture])
    allowed = Review(world.ledger).decide(stopped.decision.id, allow=True, reviewer="ada", reason="looked at it")
    outcome = framegate.release(raw, tmp_path / "out.mp4", prompt=prompt, inputs=[picture])

    assert stopped.status is not JobStatus.RELEASED
    assert still_stopped.decision.id == stopped.decision.id
    assert outcome.status is JobStatus.RELEASED
    assert allowed.id in outcome.release.decisions


def test_an_input_stands_at_the_last_of_what_reviewers_said(world, framegate, raw, tmp_path):
    """A mistake that was taken back neither refuses for ever nor lets through."""
    world.redness.broken_after_s = -1.0
    picture = ClaimInput(still(tmp_path / "green.jpg", (0, 200, 0)), InputRelation.INPUT, "reference 1")
    prompt, review = framegate.check_prompt("a green field"), Review(world.ledger)

    def released():
        return framegate.release(raw, tmp_path / "out.mp4", prompt=prompt, inputs=[picture])

    held = released().decision
    world.redness.broken_after_s = float("inf")
    stood = [held.id]
    said = [JobStatus.HELD]
    for allow in (False, True, True):
        decided = review.decide(stood[-1], allow=allow, reviewer="ada", reason=f"look {len(stood)}")
        if len(stood) == 5:
            break
        refused = None if allow else released()
        undone = review.undo(decided.id, reviewer="ada", reason=f"wrong {len(stood)}")
        again = released()
        assert refused is None or refused.status is JobStatus.REFUSED
        assert again.decision.id == undone.id
        stood += [decided.id, undone.id]
        said.append(again.status)
    outcome = released()

    assert said == [JobStatus.HELD] * 3
    assert outcome.status is JobStatus.RELEASED
    assert decided.id in outcome.release.decisions


def test_what_cannot_be_named_is_refused_before_anything_is_judged(world, framegate, raw, tmp_path):
    (tmp_path / "notes.txt").write_text("not a picture")
    picture = ClaimInput(still(tmp_path / "green.jpg", (0, 200, 0)), InputRelation.INPUT, "x")
    parent = ClaimInput(raw, InputRelation.PARENT, "x")
    prompt = framegate.check_prompt("a green field")
    entries = world.ledger.size()

    for inputs, error, words in (
        ([ClaimInput(tmp_path / "notes.txt", InputRelation.INPUT, "x")], InvalidContent, "no manifest can refer to"),
        ([ClaimInput(tmp_path / "gone.jpg", InputRelation.INPUT, "x")], UnreadableMedia, "cannot be read"),
        ([parent, parent], InvalidContent, "one parent"),
        ([picture] * (MOST_INPUTS + 1), InvalidContent, "at most"),
    ):
        with pytest.raises(error, match=words):
            framegate.release(raw, tmp_path / "out.mp4", prompt=prompt, inputs=inputs)
    assert world.ledger.size() == entries
