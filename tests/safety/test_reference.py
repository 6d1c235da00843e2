"""The input gate: text and reference judged together, stills as well as videos, and what they were made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classifiers.base import TimeSpan
from media.clip import Clip
from media.codec import encode_mp4
from media.errors import UnreadableMedia
from safety.domain import Action, Checkpoint
from safety.errors import Conflict
from safety.known import ReleaseIndex
from safety.policy import parse_policy
from safety.reference import InputGate
from safety.session import Sessions
from safety.withdrawals import Withdrawals
from tests.fakes import FrameRedness
from tests.media.leaves import cropped, on_a_screen, scene, written_over
from tests.safety.making import a_decision, a_release_of, allowed
from tests.world import POLICY, POLICY_FILE, World

ALONE = (b'id = "prompt.review"', b'id = "input.block"')
"""Rules of the test policy that one input alone sets off."""

JOINT = parse_policy(
    b"[[rules]]\n".join(block for block in POLICY_FILE.split(b"[[rules]]\n") if not block.startswith(ALONE))
    + b"""
[[rules]]
id = "input.joint"
checkpoint = "input"
category = "violence"
all = [{ signal = "text.odd", threshold = 0.5 }, { signal = "frame.red", threshold = 0.5 }]
action = "block"
[[rules]]
id = "input.derived"
checkpoint = "input"
category = "violence"
signal = "session.derived"
threshold = 0.5
action = "review"
"""
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def inputs(world: World, policy=POLICY) -> InputGate:
    gate = replace(world.gate, policy=policy, sessions=Sessions(world.ledger, lambda _: b"s" * 32))
    return InputGate(gate, world.watermark, ReleaseIndex(world.ledger))


def still(folder: Path, colour: str, name: str = "still.png", **options) -> Path:
    path = folder / name
    Image.new("RGB", (320, 200), colour).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["still.png", "still.jpg", "still.webp"])
def test_a_harmless_text_does_not_excuse_a_harmful_picture(world: World, tmp_path: Path, name: str) -> None:
    door = inputs(world)
    prompt = door.gate.check_prompt("let it move gently")

    refused = door.check(prompt, still(tmp_path, "red", name))
    allowed = door.check(prompt, still(tmp_path, "green", f"other-{name}"))

    assert refused.checkpoint is Checkpoint.INPUT
    assert (refused.verdict.action, allowed.verdict.action) == (Action.BLOCK, Action.ALLOW)
    assert refused.verdict.findings[0].evidence[0].signal == "frame.red"
    assert world.ledger.decision(refused.id) == refused
    assert refused.subject != allowed.subject


def test_text_and_picture_that_are_harmless_alone_are_refused_together(world: World, tmp_path: Path) -> None:
    door = inputs(world, JOINT)
    plain, odd = (door.gate.check_prompt(text) for text in ("a field", "an odd field"))
    red, green = still(tmp_path, "red", "red.png"), still(tmp_path, "green", "green.png")

    actions = {(p is odd, r is red): door.check(p, r).verdict.action for p in (plain, odd) for r in (red, green)}

    assert actions.pop((True, True)) is Action.BLOCK
    assert set(actions.values()) == {Action.ALLOW}


def test_a_video_is_judged_on_every_sampled_second(world: World, tmp_path: Path) -> None:
    frames = np.full((16, 128, 160, 3), (60, 160, 60), np.uint8)
    frames[12:] = (230, 20, 20)
    encode_mp4(iter(frames), tmp_path / "video.mp4", fps=8.0)
    door = inputs(world)

    decision = door.check(door.gate.check_prompt("a field"), tmp_path / "video.mp4")

    assert decision.verdict.action is Action.BLOCK
    assert decision.measurement.coverage is not None
    assert decision.measurement.coverage.frames_total == 16


def test_what_is_found_in_a_reference_video_has_a_beginning_an_end_and_a_picture(world: World, tmp_path: Path) -> None:
    frames = np.full((32, 128, 160, 3), (60, 160, 60), np.uint8)
    frames[11:15, 40:80, 40:100] = (230, 20, 20)
    encode_mp4(iter(frames), tmp_path / "video.mp4", fps=8.0)
    door = inputs(world)
    door = replace(door, gate=replace(door.gate, instruments=replace(door.gate.instruments, clip=[FrameRedness()])))

    decision = door.check(door.gate.check_prompt("a field"), tmp_path / "video.mp4")

    assert decision.verdict.action is Action.BLOCK
    span = decision.verdict.findings[0].evidence[0].span
    assert isinstance(span, TimeSpan)
    assert (span.start_s, span.end_s) == (pytest.approx(11 / 8), pytest.approx(15 / 8))
    (kept,) = decision.measurement.stills
    assert world.blobs.contains(kept.sha256)
    assert decision.measurement.coverage is not None
    assert decision.measurement.coverage.seconds_seen == decision.measurement.coverage.seconds_total == 4


def test_a_harmless_text_with_a_harmless_photograph_of_a_known_person_is_a_likeness(
    world: World, tmp_path: Path
) -> None:
    """The classifier knows a face where it sees red; nothing about the picture or the text is harmful."""
    rule = b'id = "input.block"\ncheckpoint = "input"\ncategory = '
    file = POLICY_FILE.replace(b"frame.red", b"frame.known_person").replace(rule + b'"violence"', rule + b'"likeness"')
    policy = parse_policy(file + b'\n[categories.likeness]\nclause = "No likeness without consent."\n')
    door = inputs(world, policy)
    knows = FrameRedness(signal="frame.known_person", name="faces")
    gate = replace(door.gate, instruments=replace(door.gate.instruments, clip=[knows]))
    door, prompt = replace(door, gate=gate), gate.check_prompt("she waves at the camera")

    known, stranger = (door.check(prompt, still(tmp_path, colour, f"{colour}.png")) for colour in ("red", "green"))

    assert prompt.verdict.action is stranger.verdict.action is Action.ALLOW
    assert known.verdict.action is Action.BLOCK
    assert known.verdict.findings[0].category == "likeness"


def test_our_own_release_is_recognised_as_a_video_and_as_a_still(world: World, tmp_path: Path) -> None:
    release = world.pipeline.run(world.job("a green field")).release
    assert release is not None
    door = inputs(world, JOINT)
    video = world.blobs.path(release.sha256)
    frame = _first_frame(video)
    Image.fromarray(frame).save(tmp_path / "frame.png")

    for reference in (video, tmp_path / "frame.png"):
        decision = door.check(door.gate.check_prompt("go on"), reference)
        assert decision.parent == release.id
        assert {s.signal: s.value for s in decision.measurement.scores}["origin.ours"] == 1.0
        assert decision.verdict.action is Action.ALLOW
    assert door.check(door.gate.check_prompt("go on"), still(tmp_path, "green")).parent is None


def test_a_screenshot_of_a_release_is_recognised_and_a_withdrawn_near_copy_hides_none(
    world: World, tmp_path: Path
) -> None:
    decisions = allowed(world.ledger)
    for number, shown in enumerate((scene(1), written_over(scene(1)), scene(2))):
        world.ledger.append_release(a_release_of([shown], number, decisions=decisions))
    door = inputs(world, JOINT)
    Image.fromarray(on_a_screen(written_over(scene(1)))).save(tmp_path / "screen.png")
    Image.fromarray(written_over(scene(1))).save(tmp_path / "copy.png")

    def parents() -> list[str | None]:
        prompt = door.gate.check_prompt("go on")
        return [door.check(prompt, tmp_path / name).parent for name in ("screen.png", "copy.png")]

    before = parents()
    Withdrawals(world.ledger, world.blobs, lambda _: ()).withdraw("rel_1", by="ada", reason="why", code="person")

    assert before == ["rel_1", "rel_1"]
    assert parents() == ["rel_0", "rel_1"], "the written-over picture's own hash leads to it alone"


def test_every_release_that_a_reference_shows_counts_for_what_was_refused_before(world: World, tmp_path: Path) -> None:
    world.ledger.append_decision(a_decision(7, action=Action.BLOCK, job="video_0"))
    first = allowed(world.ledger)
    other = world.ledger.append_decision(a_decision(902, checkpoint=Checkpoint.OUTPUT, job="video_0")).id
    world.ledger.append_release(a_release_of([scene(1)], 1, decisions=first))
    second = a_release_of([written_over(scene(1))], 2, decisions=(first[0], other))
    world.ledger.append_release(replace(second, job="video_0"))
    door = inputs(world, JOINT)
    Image.fromarray(cropped(scene(1))).save(tmp_path / "part.png")

    decision = door.check(door.gate.check_prompt("go on"), tmp_path / "part.png")

    assert decision.parent == "rel_1"
    assert decision.verdict.findings[0].rule == "input.derived"


def test_a_release_that_stands_does_not_hide_what_was_refused_behind_a_withdrawn_one(
    world: World, tmp_path: Path
) -> None:
    world.ledger.append_decision(a_decision(7, action=Action.BLOCK, job="video_0"))
    first = allowed(world.ledger)
    other = world.ledger.append_decision(a_decision(902, checkpoint=Checkpoint.OUTPUT, job="video_0")).id
    gone = a_release_of([scene(1)], 1, decisions=(first[0], other))
    world.ledger.append_release(replace(gone, job="video_0"))
    world.ledger.append_release(a_release_of([written_over(scene(1))], 2, decisions=first))
    door = inputs(world, JOINT)
    Image.fromarray(written_over(scene(1))).save(tmp_path / "copy.png")
    prompt = door.gate.check_prompt("go on")
    before = door.check(prompt, tmp_path / "copy.png")
    Withdrawals(world.ledger, world.blobs, lambda _: ()).withdraw("rel_1", by="ada", reason="why", code="person")

    after = door.check(prompt, tmp_path / "copy.png")

    assert (before.parent, before.verdict.findings) == ("rel_2", ())
    assert after.parent == "rel_2"
    assert [each.rule for each in after.verdict.findings] == ["input.derived"]


def test_a_reference_whose_lineage_was_refused_is_held(world: World) -> None:
    world.ledger.append_decision(a_decision(7, action=Action.BLOCK, job="video_0"))
    release = world.pipeline.run(world.job("a green field", parent="video_0")).release
    assert release is not None
    door = inputs(world, JOINT)

    decision = door.check(door.gate.check_prompt("go on"), world.blobs.path(release.sha256))

    assert decision.verdict.action is Action.REVIEW
    assert decision.verdict.findings[0].rule == "input.derived"


def test_a_broken_classifier_of_frames_is_never_an_allow(world: World, tmp_path: Path) -> None:
    world.redness.broken_after_s = -1.0
    door = inputs(world)

    assert door.check(door.gate.check_prompt("a field"), still(tmp_path, "green")).verdict.action is Action.REVIEW


def test_a_prompt_decision_that_was_made_up_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="check_prompt"):
        inputs(world).check(a_decision(), still(tmp_path, "green"))


def test_what_is_no_reference_is_an_error_and_nothing_is_recorded(world: World, tmp_path: Path) -> None:
    door = inputs(world)
    prompt = door.gate.check_prompt("a field")
    (tmp_path / "notes.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")

    with pytest.raises(UnreadableMedia):
        door.check(prompt, tmp_path / "notes.png")
    assert world.ledger.decisions(checkpoint=Checkpoint.INPUT) == []


def _first_frame(path: Path) -> np.ndarray:
    from media.limits import DEFAULT_LIMITS
    from safety.framegate import load_clip

    clip: Clip = load_clip(path, DEFAULT_LIMITS)
    return clip.frames[0]
