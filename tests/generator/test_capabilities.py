"""Every capability of the shipped checkpoint, measured on its pixels at the level it reaches."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from generator.base import (
    Capability,
    GenerationCancelled,
    GenerationRequest,
    GeneratorError,
    Keyframe,
    UnsupportedRequest,
)
from generator.delivery import FloatFrames, at_rate, deliver, to_sampled
from generator.embedded import EmbeddedGenerator
from generator.scene import Scene
from generator.training.abilities import given, psnr_db, steps
from generator.training.measure import read
from generator.weave import BACKWARD, CHUNK, FPS, Studio, runs, weave
from media.clip import Clip, Frames

SIDE = 128


@pytest.fixture(scope="module")
def generator() -> EmbeddedGenerator:
    return EmbeddedGenerator()


def make(generator: EmbeddedGenerator, number: int, capability: Capability, **more: object) -> Frames:
    wanted, _ = given(number)
    prompt = str(more.pop("prompt", wanted.scene.caption))
    request = GenerationRequest(prompt, 2.0, SIDE, SIDE, number, capability=capability, **more)  # type: ignore[arg-type]
    return generator.generate(request).frames


def test_an_image_stands_still(generator: EmbeddedGenerator) -> None:
    frames = make(generator, 0, Capability.IMAGE)
    assert frames.shape == (16, SIDE, SIDE, 3)
    assert (frames == frames[0]).all()
    assert frames[0].std() > 20


def test_a_given_picture_is_the_first_frame_and_then_it_moves(generator: EmbeddedGenerator) -> None:
    _, clip = given(1)
    frames = make(generator, 1, Capability.ANIMATE, keyframes=(Keyframe(0.0, clip.frames[0]),))
    assert psnr_db(frames[0], clip.frames[0]) >= 28
    assert steps(frames).max() > 1
    assert read(frames).place == read(clip.frames).place


@pytest.mark.parametrize("capability", [Capability.EXTEND, Capability.EXTEND_BACKWARD])
def test_an_extended_clip_keeps_what_was_given_and_its_seam_is_a_step_like_others(
    generator: EmbeddedGenerator, capability: Capability
) -> None:
    ratios = []
    for number in range(4):
        _, clip = given(number)
        frames = make(generator, number, capability, source=clip)
        kept = frames[:17] if capability is Capability.EXTEND else frames[16:]
        made = frames[17:] if capability is Capability.EXTEND else frames[:16]
        assert len(frames) == 33
        assert psnr_db(kept, clip.frames) > 40
        seam = steps(np.stack([kept[-1], made[0]] if capability is Capability.EXTEND else [made[-1], kept[0]]))[0]
        ratios.append(seam / steps(made).max())
    assert np.median(ratios) < 1.5


def test_a_loop_closes_with_a_step_like_others(generator: EmbeddedGenerator) -> None:
    for seconds in (2.0, 1.9):
        request = GenerationRequest("a red ball over snow", seconds, SIDE, SIDE, 1, capability=Capability.LOOP)
        frames = generator.generate(request).frames
        assert len(frames) == round(seconds * FPS)
        assert steps(np.stack([frames[-1], frames[0]]))[0] <= steps(frames).max() + 1e-6
        assert steps(frames).max() > 0.5


def test_given_pictures_stand_at_their_times_and_the_rest_is_filled_in(generator: EmbeddedGenerator) -> None:
    wanted, clip = given(2)
    places = {0.0: clip.frames[0], 1.0: clip.frames[8], 1.875: clip.frames[15]}
    frames = make(generator, 2, Capability.FILL, keyframes=tuple(Keyframe(at, each) for at, each in places.items()))
    for at_s, picture in places.items():
        assert psnr_db(frames[round(at_s * FPS)], picture) > 40
    between = frames[[3, 4, 5, 11, 12]]
    assert read(between).colour == wanted.scene.colour
    fade = (clip.frames[0].astype(int) + clip.frames[8]) // 2
    assert np.abs(frames[4].astype(int) - fade).max() > 20


def test_an_edit_follows_its_prompt_more_the_stronger_it_is(generator: EmbeddedGenerator) -> None:
    hits, distances = 0, {0.3: 0.0, 0.9: 0.0}
    for number in range(4):
        wanted, clip = given(number)
        prompt = f"a big blue ball {wanted.scene.motion} over snow by day"
        for strength in distances:
            frames = make(generator, number, Capability.EDIT, source=clip, strength=strength, prompt=prompt)
            distances[strength] += float(np.abs(frames.astype(int) - clip.frames).mean())
        hits += read(frames).place == "over snow"
    assert len(frames) == 17
    assert hits >= 3
    assert distances[0.3] < distances[0.9]


@pytest.mark.parametrize("capability", [each for each in Capability if each not in ("text", "image", "loop")])
def test_what_starts_from_something_says_so_when_it_is_missing(
    generator: EmbeddedGenerator, capability: Capability
) -> None:
    with pytest.raises(UnsupportedRequest, match="to start from"):
        generator.generate(GenerationRequest("a ball", 1, SIDE, SIDE, capability=capability))


def test_times_outside_of_the_clip_and_senseless_strengths_are_refused(generator: EmbeddedGenerator) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    late = GenerationRequest("a", 1, SIDE, SIDE, capability=Capability.FILL, keyframes=(Keyframe(1.5, picture),))
    with pytest.raises(UnsupportedRequest, match=r"1\.5 s is not within"):
        generator.check(late)
    for strength in (0.0, -1.0, 1.01, float("nan")):
        with pytest.raises(UnsupportedRequest, match="strength"):
            generator.check(GenerationRequest("a", capability=Capability.EDIT, strength=strength))


def test_cancelling_an_extension_in_the_middle_leaves_nothing(generator: EmbeddedGenerator) -> None:
    _, clip = given(0)

    def stop(share: float) -> None:
        if share > 0.6:
            raise GenerationCancelled("stop")

    request = GenerationRequest("a ball", 3, SIDE, SIDE, capability=Capability.EXTEND, source=clip)
    with pytest.raises(GenerationCancelled):
        generator.generate(request, stop)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate secret words")])
def test_too_little_memory_is_said_without_what_was_asked_for(
    generator: EmbeddedGenerator, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def exhausted(studio: Studio, request: GenerationRequest) -> Clip:
        raise error

    monkeypatch.setattr("generator.embedded.weave", exhausted)
    with pytest.raises(GeneratorError, match="ask for less") as told:
        generator.generate(GenerationRequest("secret words", 1, SIDE, SIDE))
    assert "secret" not in str(told.value)


class Paintbox:
    """Stands for the network: every frame is one step brighter than the last one given."""

    def __init__(self) -> None:
        self.captions: list[str] = []
        self.seeds: list[int] = []

    def __call__(self, *, scene: Scene, frames: int, seed: int, given: tuple[object, ...], **_: object) -> FloatFrames:
        self.captions.append(scene.caption)
        self.seeds.append(seed)
        begun = given[0] if given else np.zeros((1, 64, 64, 3), np.float32)
        ramp = np.arange(1 - len(begun), frames - len(begun) + 1, dtype=np.float32)  # type: ignore[arg-type]
        return np.float32(begun[-1:] + ramp[:, None, None, None] / 1000)  # type: ignore[index]


def paint(request: GenerationRequest) -> tuple[Frames, Paintbox]:
    box = Paintbox()
    studio = Studio(
        box, lambda frames: frames, (64, 64), Scene("big", "red", "ball", "rising", "in space", "by day"), 3
    )  # type: ignore[arg-type]
    return weave(studio, request).frames, box


def test_a_minute_is_made_piece_by_piece_and_memory_holds_what_is_delivered_and_one_piece() -> None:
    request = GenerationRequest("", 60, SIDE, SIDE)
    tracemalloc.start()
    frames, box = paint(request)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(frames) == 480
    assert peak < frames.nbytes + 30 * CHUNK * 64 * 64 * 3 * 4
    assert len(box.seeds) == runs(request) == len(set(box.seeds))
    assert (np.diff(frames[:, 0, 0, 0].astype(int)) >= 0).all()  # each piece goes on from the one before


def test_time_is_turned_for_what_was_before() -> None:
    clip = Clip(np.full((9, 64, 64, 3), 9, np.uint8), np.arange(9) / FPS, FPS)
    request = GenerationRequest("", 2, SIDE, SIDE, capability=Capability.EXTEND_BACKWARD, source=clip)
    frames, box = paint(request)
    assert "falling" in box.captions[0]
    assert len(frames) == 16 + 9
    assert (frames[16:] == 9).all()
    assert all(BACKWARD.get(BACKWARD[word], word) == word for word in BACKWARD if "pan" in word or "zoom" not in word)


@pytest.mark.parametrize("fps", [4.0, 8.0, 25.0])
def test_a_clip_at_another_rate_shows_at_every_moment_what_was_shown_then(fps: float) -> None:
    count = round(2 * fps)
    frames = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    shown = at_rate(Clip(frames, np.arange(count) / fps, fps), FPS)
    assert len(shown) == 16
    assert [int(frame[0, 0, 0]) for frame in shown] == [int(number / FPS * fps + 1e-6) for number in range(16)]


def test_detail_of_a_given_picture_is_carried_on_where_nothing_moves() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    sampled = np.repeat(to_sampled(picture[None], (64, 64)), 3, axis=0)
    sampled[2, 32:] = 1 - sampled[2, 32:]
    delivered = deliver(sampled, SIDE, SIDE, {0: picture})
    assert (delivered[0] == picture).all()
    assert psnr_db(delivered[1], picture) > psnr_db(deliver(sampled, SIDE, SIDE)[1], picture) + 6
    assert psnr_db(delivered[2, 72:], picture[72:]) < 15
