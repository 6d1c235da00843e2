from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from generator.base import GeneratorError, Revision, UnsupportedRequest
from media.errors import StorageError
from media.limits import DEFAULT_LIMITS
from provenance.base import CredentialState, SigningError
from safety.domain import Action, Checkpoint, JobStatus
from safety.errors import Conflict, InvalidContent, LedgerError, ReleaseError
from safety.framegate import Framegate
from safety.in_force import in_force
from safety.known import ReleaseIndex
from safety.review import Review
from safety.revisions import Revisions
from tests.world import World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def test_a_benign_prompt_is_released_with_its_decisions_mark_and_file(world):
    outcome = world.pipeline.run(world.job("a green field"))

    assert outcome.status is JobStatus.RELEASED
    release = world.ledger.release_of_job("video_1")
    assert release == outcome.release
    assert [world.ledger.decision(id_).checkpoint for id_ in release.decisions] == ["prompt", "output"]
    assert world.blobs.path(release.sha256).stat().st_size == release.size_bytes
    assert world.ledger.release_by_watermark(release.watermark) == release
    assert release.fingerprint


def test_the_record_says_who_asked_and_what_it_was_derived_from(world):
    outcome = world.pipeline.run(world.job("an odd field", requester="key_ada", parent="rel_1"))

    recorded = world.ledger.decision(outcome.decision.id)
    assert (recorded.requester, recorded.parent) == ("key_ada", "rel_1")
    reviewed = Review(world.ledger).decide(recorded.id, allow=True, reviewer="bob", reason="only odd")
    assert (reviewed.requester, reviewed.parent) == ("key_ada", "rel_1")


def test_a_harmful_prompt_is_refused_before_generation(world):
    outcome = world.pipeline.run(world.job("a pool of blood"))

    assert outcome.status is JobStatus.REFUSED
    assert outcome.decision.verdict.findings[0].category == "violence"
    assert world.generator.calls == []
    assert world.ledger.release_of_job("video_1") is None


def test_a_harmful_output_is_refused_although_its_prompt_was_not(world):
    outcome = world.pipeline.run(world.job("a red field"))

    assert outcome.status is JobStatus.REFUSED
    assert outcome.decision.checkpoint is Checkpoint.OUTPUT
    assert world.signer.claims == []


def test_a_broken_prompt_classifier_holds_the_job(world):
    world.words.broken = True

    outcome = world.pipeline.run(world.job("a green field"))

    assert outcome.status is JobStatus.HELD
    assert world.generator.calls == []


def test_a_frame_classifier_that_fails_on_one_window_holds_the_job(world):
    world.redness.broken_after_s = 0.9

    outcome = world.pipeline.run(world.job("a green field", seconds=3.0))

    assert outcome.status is JobStatus.HELD
    assert outcome.decision.checkpoint is Checkpoint.OUTPUT
    assert world.signer.claims == []


def test_a_held_job_goes_on_where_it_stopped_when_a_reviewer_allows_it(world):
    job = world.job("an odd green field")
    held = world.pipeline.run(job)

    Review(world.ledger).decide(held.decision.id, allow=True, reviewer="ada", reason="only odd")
    outcome = world.pipeline.run(replace(job, outputs=held.outputs))

    assert outcome.status is JobStatus.RELEASED
    assert world.ledger.decision(outcome.release.decisions[0]).actor.id == "ada"


def test_the_file_that_was_reviewed_is_the_file_that_leaves(world):
    world.redness.broken_after_s = 0.9
    job = world.job("a green field", seconds=3.0)
    held = world.pipeline.run(job)
    Review(world.ledger).decide(held.decision.id, allow=True, reviewer="ada", reason="looked at it")

    outcome = world.pipeline.run(replace(job, outputs=held.outputs))

    assert len(world.generator.calls) == 1
    reviewed = world.blobs.path(held.outputs["mark"]["sha256"]).read_bytes()
    assert world.blobs.path(outcome.release.sha256).read_bytes().startswith(reviewed)


def test_a_held_job_that_a_reviewer_refuses_stays_refused(world):
    job = world.job("an odd green field")
    held = world.pipeline.run(job)
    Review(world.ledger).decide(held.decision.id, allow=False, reviewer="ada", reason="too odd")

    assert world.pipeline.run(replace(job, outputs=held.outputs)).status is JobStatus.REFUSED


def test_no_release_when_the_watermark_does_not_decode(world):
    world.watermark.forgets = True

    with pytest.raises(ReleaseError, match="watermark"):
        world.pipeline.run(world.job("a green field"))

    assert world.ledger.release_of_job("video_1") is None
    assert world.signer.claims == []


@pytest.mark.parametrize("state", [s for s in CredentialState if s is not CredentialState.TRUSTED])
def test_no_release_when_the_signature_is_not_trusted(world, state):
    world.signer.state = state

    with pytest.raises(ReleaseError, match="not trusted"):
        world.pipeline.run(world.job("a green field"))

    assert world.ledger.release_of_job("video_1") is None


def test_no_release_of_a_file_that_was_changed_after_it_was_judged(world):
    def tamper(name, work):
        output = work()
        if name == "screen":
            path = world.blobs.path(world.marked["sha256"])
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:-1] + b"x")
        if name == "mark":
            world.marked = output
        return output

    with pytest.raises(StorageError):
        world.pipeline.run(world.job("a green field"), tamper)

    assert world.signer.claims == []
    assert world.ledger.releases() == []


def test_an_old_allow_does_not_let_another_file_pass(world):
    """A repeated run that makes other pixels is judged anew."""
    world.signer.broken = True
    with pytest.raises(SigningError):
        world.pipeline.run(world.job("a green field"))
    world.signer.broken = False
    object.__setattr__(world.desk, "label", lambda clip: replace(clip, frames=np.full_like(clip.frames, (230, 20, 20))))

    outcome = world.pipeline.run(world.job("a green field"))

    assert outcome.status is JobStatus.REFUSED
    assert world.ledger.releases() == []


def test_no_release_when_signing_fails(world):
    world.signer.broken = True

    with pytest.raises(SigningError):
        world.pipeline.run(world.job("a green field"))

    assert world.ledger.release_of_job("video_1") is None


def test_no_release_when_generation_fails(world):
    world.generator.broken = True

    with pytest.raises(GeneratorError):
        world.pipeline.run(world.job("a green field"))

    assert world.ledger.release_of_job("video_1") is None


def test_an_impossible_request_is_refused_before_anything_is_recorded(world):
    with pytest.raises(UnsupportedRequest, match="at most 10"):
        world.pipeline.run(world.job("a green field", seconds=60.0))

    assert world.ledger.size() == 0


def test_running_a_job_twice_gives_one_release(world):
    job = world.job("a green field")

    first, second = world.pipeline.run(job), world.pipeline.run(job)

    assert first.release == second.release
    assert len(world.ledger.releases()) == 1


def test_a_step_that_was_remembered_is_not_done_again(world):
    seen = []

    def step(name, work):
        seen.append(name)
        return work()

    world.pipeline.run(world.job("a green field"), step)

    assert seen == ["prompt", "mark", "screen", "sign"]


def test_the_prompt_is_nowhere_in_the_ledger(world):
    world.pipeline.run(world.job("a very particular green field"))

    assert not any(b"particular" in entry.body for entry in world.ledger.entries())


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), (" \n", "empty"), ("x" * 1001, "1001 characters"), ("a\x00b", "control"), ("\ud800", "surrogate")],
)
def test_what_is_not_a_prompt_is_an_error_that_does_not_repeat_it(world, text, words):
    with pytest.raises(InvalidContent, match=words) as caught:
        world.gate.check_prompt(text)

    assert world.ledger.size() == 0
    assert "xxx" not in str(caught.value)


class TestTheLibraryDoor:
    @pytest.fixture
    def framegate(self, world):
        return Framegate(world.gate, world.desk, DEFAULT_LIMITS, ReleaseIndex(world.ledger))

    @pytest.fixture
    def raw(self, world, tmp_path):
        from media.codec import encode_mp4

        clip = world.generator.generate(_request("a green field"))
        path = tmp_path / "raw.mp4"
        encode_mp4(iter(clip.frames), path, fps=clip.fps)
        return path

    def test_a_team_with_its_own_generator_gets_a_release(self, world, framegate, raw, tmp_path):
        prompt = framegate.check_prompt("a green field")
        outcome = framegate.release(raw, tmp_path / "out.mp4", prompt=prompt)

        assert outcome.release.decisions[0] == prompt.id
        assert (tmp_path / "out.mp4").read_bytes() == world.blobs.path(outcome.release.sha256).read_bytes()

    def test_a_refused_prompt_releases_nothing(self, framegate, raw, tmp_path):
        prompt = framegate.check_prompt("a pool of blood")

        assert prompt.verdict.action is Action.BLOCK
        with pytest.raises(Conflict, match="does not allow"):
            framegate.release(raw, tmp_path / "out.mp4", prompt=prompt)
        assert not (tmp_path / "out.mp4").exists()

    def test_a_decision_that_was_made_up_releases_nothing(self, framegate, raw, tmp_path):
        prompt = framegate.check_prompt("a green field")

        with pytest.raises(Conflict, match="not a recorded decision"):
            framegate.release(raw, tmp_path / "out.mp4", prompt=replace(prompt, id="dec_made_up"))

    def test_a_held_prompt_goes_on_when_a_reviewer_allowed_it(self, world, framegate, raw, tmp_path):
        prompt = framegate.check_prompt("an odd green field")
        with pytest.raises(Conflict, match="does not allow"):
            framegate.release(raw, tmp_path / "out.mp4", prompt=prompt)
        allowed = Review(world.ledger).decide(prompt.id, allow=True, reviewer="ada", reason="only odd")

        outcome = framegate.release(raw, tmp_path / "out.mp4", prompt=prompt)

        assert outcome.release.decisions[0] == allowed.id

    def test_a_held_video_goes_on_when_a_reviewer_allowed_it(self, world, framegate, raw, tmp_path):
        world.redness.broken_after_s = 0.5
        prompt = framegate.check_prompt("a green field")
        held = framegate.release(raw, tmp_path / "out.mp4", prompt=prompt)
        Review(world.ledger).decide(held.decision.id, allow=True, reviewer="ada", reason="looked at it")

        outcome = framegate.release(raw, tmp_path / "out.mp4", prompt=prompt)

        assert held.status is JobStatus.HELD
        assert outcome.status is JobStatus.RELEASED
        assert (tmp_path / "out.mp4").exists()

    def test_a_refused_video_leaves_no_file(self, framegate, world, tmp_path):
        from media.codec import encode_mp4

        clip = world.generator.generate(_request("a red field"))
        encode_mp4(iter(clip.frames), tmp_path / "raw.mp4", fps=clip.fps)
        outcome = framegate.release(
            tmp_path / "raw.mp4", tmp_path / "out.mp4", prompt=framegate.check_prompt("a green field")
        )

        assert outcome.status is JobStatus.REFUSED
        assert not (tmp_path / "out.mp4").exists()


def _request(prompt: str):
    from generator.base import GenerationRequest

    return GenerationRequest(prompt, 1.0, 256, 256)


class Writer:
    """A prompt expander that answers as it is told."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), []

    def revise(self, prompt: str, seed: int) -> Revision:
        self.asked.append((prompt, seed))
        return Revision(self.answers[min(len(self.asked), len(self.answers)) - 1], "writer", ("green",), ("quite",))


class Kept(dict):
    """Records of revisions in memory."""

    def revision(self, id_: str) -> Revision | None:
        return self.get(id_)

    def keep_revision(self, id_: str, revision: Revision) -> Revision:
        return self.setdefault(id_, revision)


def expanding(world, *answers):
    return replace(world.pipeline, revisions=Revisions(Writer(*answers), Kept()))


def test_an_expanded_prompt_is_judged_recorded_and_drawn(world):
    outcome = expanding(world, "a wide green field at noon").run(world.job("quite green"))

    assert outcome.status is JobStatus.RELEASED
    assert [call.prompt for call in world.generator.calls] == ["a wide green field at noon"]
    original, revised, _ = (world.ledger.decision(id_) for id_ in outcome.release.decisions)
    assert (original.checkpoint, revised.checkpoint) == ("prompt", "prompt")
    assert revised.parent == original.id
    assert revised.subject == f"sha256:{hashlib.sha256(b'a wide green field at noon').hexdigest()}"
    assert outcome.outputs["revise"] == {"decision": revised.id}, "a text in the outputs would not be erased"


def test_nothing_is_drawn_from_an_expansion_that_is_refused(world):
    outcome = expanding(world, "a field of blood").run(world.job("a green field"))

    assert outcome.status is JobStatus.REFUSED
    assert outcome.decision.verdict.findings[0].category == "violence"
    assert in_force(world.ledger, "video_1") == outcome.decision
    assert world.generator.calls == []


def test_a_refused_prompt_is_not_expanded(world):
    pipeline = expanding(world, "a green field")

    assert pipeline.run(world.job("a pool of blood")).status is JobStatus.REFUSED
    assert pipeline.revisions.expander.asked == []


def test_an_expansion_that_waits_for_a_person_is_drawn_after_the_review_and_not_written_again(world):
    pipeline = expanding(world, "an odd field", "another odd field")
    held = pipeline.run(world.job("a green field"))
    assert held.status is JobStatus.HELD
    Review(world.ledger).decide(held.decision.id, allow=True, reviewer="ada", reason="only odd")

    outcome = pipeline.run(world.job("a green field", outputs=held.outputs))

    assert outcome.status is JobStatus.RELEASED
    assert [call.prompt for call in world.generator.calls] == ["an odd field"]
    assert len(pipeline.revisions.expander.asked) == 1


def test_an_expansion_equal_to_its_prompt_is_the_same_decision(world):
    outcome = expanding(world, "a green field").run(world.job("a green field"))

    assert len(outcome.release.decisions) == 2


class Forgetful(Kept):
    """Loses what it kept."""

    def revision(self, id_: str) -> Revision | None:
        return None


def test_nothing_is_drawn_but_the_very_text_that_was_judged(world):
    pipeline = replace(world.pipeline, revisions=Revisions(Writer("a green field", "another"), Forgetful()))
    pipeline.revisions.records.keep_revision = lambda _, revision: revision

    with pytest.raises(LedgerError, match="not what was judged"):
        pipeline.run(world.job("a field"))

    assert world.generator.calls == []
