"""The mark in clips like those of the embedded generator: it survives, it is keyed, and its loop tells the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.clip import Clip
from media.codec import decode, encode_mp4
from media.errors import EncodingError
from media.quality import LumaLikeness, Quality, psnr_db, ssim
from media.specimens import make as make_specimen
from media.specimens import specimens
from provenance.base import MarkingError, MarkReading
from provenance.watermark import ALGORITHM, FLOOR, SpreadSpectrumWatermark
from provenance.watermark_detector import FALSE_ACCEPT, SpreadSpectrumDetector
from provenance.watermark_trial import Trial

KEY = b"a key of sixteen"
ID = "123456789abc"

MakeClip = Callable[..., Clip]


@pytest.fixture(scope="module")
def watermark() -> SpreadSpectrumWatermark:
    return SpreadSpectrumWatermark(KEY)


@pytest.fixture(scope="module")
def marked(watermark: SpreadSpectrumWatermark, make_clip: MakeClip) -> Clip:
    return watermark.embed(make_clip(), ID)[0]


def compressed(frames: np.ndarray, folder: Path, crf: int) -> np.ndarray:
    encode_mp4(frames, folder / "attacked.mp4", fps=12.0, crf=crf)
    return np.stack([frame for _, frame in decode(folder / "attacked.mp4")])


def resized(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in frames])


def read(watermark: SpreadSpectrumWatermark, frames: np.ndarray) -> MarkReading | None:
    detector = watermark.detector()
    detector.add(np.ascontiguousarray(frames))
    return detector.read()


def framed(frames: np.ndarray) -> np.ndarray:
    """A player's window: a bar on top, grey around."""
    count, height, width = frames.shape[:3]
    screen = np.full((count, height + 48, width + 64, 3), 60, np.uint8)
    screen[:, :16] = 30
    screen[:, 24 : 24 + height, 32 : 32 + width] = frames  # frames whose edges stand out from the grey
    return screen


ATTACKS: dict[str, tuple[Callable[[np.ndarray, Path], np.ndarray], str]] = {
    "nothing": (lambda frames, folder: frames, "identity"),
    "crf 28": (lambda frames, folder: compressed(frames, folder, 28), "identity"),
    "crf 28 twice": (lambda frames, folder: compressed(compressed(frames, folder, 28), folder, 28), "identity"),
    "half size": (lambda frames, folder: resized(frames, 128, 128), "identity"),
    "half size and crf 23": (lambda frames, folder: compressed(resized(frames, 128, 128), folder, 23), "identity"),
    "other shape": (lambda frames, folder: compressed(resized(frames, 200, 320), folder, 23), "identity"),
    "every third frame": (lambda frames, folder: frames[1::3], "identity"),
    "the last half": (lambda frames, folder: frames[12:], "identity"),
    "mirrored": (lambda frames, folder: compressed(frames[:, :, ::-1].copy(), folder, 23), "flip"),
    "10 % cropped around": (lambda frames, folder: compressed(frames[:, 12:244, 12:244].copy(), folder, 23), "crop"),
    "10 % cropped at a corner": (lambda frames, folder: compressed(frames[:, 26:, 26:].copy(), folder, 23), "crop"),
    "20 % cropped at one side": (lambda frames, folder: compressed(frames[:, :, :204].copy(), folder, 23), "crop"),
    "30 % cropped": (lambda frames, folder: compressed(frames[:, 30:210, 50:230].copy(), folder, 23), "crop"),
    "cropped and mirrored": (lambda frames, folder: frames[:, 12:244, 12:244][:, :, ::-1], "crop"),
    "in a frame": (lambda frames, folder: compressed(framed(frames), folder, 18), "unframed"),
    "in a frame and mirrored": (lambda frames, folder: framed(frames[:, :, ::-1]), "unframed"),
    "brighter": (lambda frames, folder: np.clip(frames * 1.2 + 10, 0, 255).astype(np.uint8), "identity"),
    "grey": (lambda frames, folder: np.repeat(frames.mean(3, keepdims=True), 3, 3).astype(np.uint8), "identity"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_mark_survives(attack: str, watermark: SpreadSpectrumWatermark, marked: Clip, tmp_path: Path) -> None:
    change, geometry = ATTACKS[attack]
    reading = read(watermark, change(marked.frames, tmp_path))

    assert reading is not None
    assert reading.id_hex == ID
    assert geometry in reading.geometry


def test_another_key_reads_nothing(marked: Clip) -> None:
    assert read(SpreadSpectrumWatermark(b"another key 0123"), marked.frames) is None


@pytest.mark.parametrize("seed", range(3))
def test_an_unmarked_clip_reads_nothing(seed: int, watermark: SpreadSpectrumWatermark, make_clip: MakeClip) -> None:
    assert read(watermark, make_clip(seed=seed, count=6).frames) is None


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_an_unmarked_flat_clip_reads_nothing(level: int, watermark: SpreadSpectrumWatermark) -> None:
    assert read(watermark, np.full((3, 256, 256, 3), level, np.uint8)) is None


def test_the_false_accept_bound_is_below_one_in_a_million() -> None:
    assert FALSE_ACCEPT < 1e-6


def test_a_detector_that_saw_nothing_reads_nothing(watermark: SpreadSpectrumWatermark) -> None:
    assert watermark.detector().read() is None


def test_frames_may_come_in_portions(watermark: SpreadSpectrumWatermark, marked: Clip) -> None:
    detector = watermark.detector()
    for start in range(0, len(marked.frames), 5):
        detector.add(marked.frames[start : start + 5])
    reading = detector.read()

    assert reading is not None
    assert (reading.id_hex, reading.frames) == (ID, len(marked.frames))


@pytest.mark.parametrize(
    ("height", "width", "count"), [(192, 192, 17), (256, 256, 49), (360, 640, 17), (480, 270, 24), (256, 256, 4)]
)
def test_sizes_and_lengths_of_the_generator_can_be_marked(
    height: int, width: int, count: int, watermark: SpreadSpectrumWatermark, make_clip: MakeClip
) -> None:
    clip = make_clip(height, width, count, 3)
    marked, mark = watermark.embed(clip, ID)

    assert marked.frames.shape == clip.frames.shape
    assert np.array_equal(marked.times_s, clip.times_s)
    assert mark.psnr_db >= 38
    assert mark.psnr_db == pytest.approx(psnr_db(clip.frames, marked.frames))
    assert ssim(clip.frames, marked.frames) >= 0.98
    reading = read(watermark, marked.frames)
    assert reading is not None
    assert reading.id_hex == ID


@pytest.mark.parametrize("level", [0, 16, 128, 255])
def test_a_flat_clip_is_marked_even_at_black_and_white(level: int, watermark: SpreadSpectrumWatermark) -> None:
    """At black and white half of the mark is cut off by the range of pixels; the other half is enough."""
    clip = Clip(np.full((24, 256, 256, 3), level, np.uint8), np.arange(24) / 12, 12.0)
    marked, mark = watermark.embed(clip, ID)
    reading = read(watermark, marked.frames)

    assert reading is not None
    assert reading.id_hex == ID
    assert mark.psnr_db >= 38


def hard_clip(count: int = 24) -> Clip:
    """Moving fine texture: what H.264 at half size destroys first."""
    texture = cv2.GaussianBlur(np.random.default_rng(2).normal(128, 90, (256, 640)), (0, 0), 1.2)
    texture = np.clip(texture, 0, 255).astype(np.uint8)
    frames = np.stack([np.repeat(texture[:, 3 * n : 3 * n + 256, None], 3, 2) for n in range(count)])
    return Clip(frames, np.arange(count) / 12, 12.0)


def test_the_loop_raises_the_strength_of_a_harder_clip(watermark: SpreadSpectrumWatermark, make_clip: MakeClip) -> None:
    tried: list[int] = []

    def harsh(lumas: np.ndarray, fps: float) -> np.ndarray:
        tried.append(len(lumas))
        noise = np.random.default_rng(0).normal(0, 45, lumas[:1].shape)
        return np.clip(lumas[:1] + noise, 0, 255).astype(np.uint8)

    _, easy = SpreadSpectrumWatermark(KEY, attack=lambda lumas, fps: lumas).embed(make_clip(), ID)
    _, hard = SpreadSpectrumWatermark(KEY, attack=harsh).embed(make_clip(), ID)

    assert len(tried) > 1
    assert hard.strength > easy.strength
    assert hard.psnr_db < easy.psnr_db
    assert not hard.robust


def test_a_mark_that_reads_but_cannot_survive_is_said_to_be_not_robust(watermark: SpreadSpectrumWatermark) -> None:
    marked, mark = watermark.embed(hard_clip(), ID)

    assert not mark.robust
    assert mark.psnr_db >= FLOOR.psnr_db
    detector = watermark.detector()
    detector.add(marked.frames)
    assert detector.read().id_hex == ID


def test_a_mark_that_survives_is_said_to_be_robust(watermark: SpreadSpectrumWatermark, make_clip: MakeClip) -> None:
    assert watermark.embed(make_clip(), ID)[1].robust


@pytest.mark.parametrize(("side", "count"), [(96, 17), (256, 1)])
def test_a_clip_too_small_or_too_short_for_a_robust_mark_says_so(
    side: int, count: int, watermark: SpreadSpectrumWatermark, make_clip: MakeClip
) -> None:
    assert not watermark.embed(make_clip(side, side, count), ID)[1].robust


def test_a_mark_that_cannot_be_read_at_all_is_refused(make_clip: MakeClip) -> None:
    """A floor that leaves the mark no room: nothing is marked in vain."""
    with pytest.raises(MarkingError, match="cannot be read at 70 dB"):
        SpreadSpectrumWatermark(KEY, floor=Quality(70.0, 0.9)).embed(make_clip(), ID)


def test_an_attack_that_cannot_run_is_no_success(make_clip: MakeClip) -> None:
    def broken(lumas: np.ndarray, fps: float) -> np.ndarray:
        raise EncodingError("no encoder")

    with pytest.raises(MarkingError, match="could not be tried: no encoder"):
        SpreadSpectrumWatermark(KEY, attack=broken).embed(make_clip(), ID)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=6, max_size=6).map(bytes.hex))
def test_any_id_comes_back(make_clip: MakeClip, id_hex: str) -> None:
    watermark = SpreadSpectrumWatermark(KEY, attack=lambda lumas, fps: lumas)
    marked, mark = watermark.embed(make_clip(128, 128, 2, 4), id_hex)
    reading = read(watermark, marked.frames)

    assert reading is not None
    assert reading.id_hex == mark.id_hex == id_hex


def test_an_id_in_capitals_is_read_in_small_letters(watermark: SpreadSpectrumWatermark, make_clip: MakeClip) -> None:
    _, mark = watermark.embed(make_clip(count=8), "ABCDEF012345")

    assert mark.id_hex == "abcdef012345"


@pytest.mark.parametrize("wrong", ["", "12345", "not hex at a"])
def test_a_malformed_id_is_refused(wrong: str, watermark: SpreadSpectrumWatermark, make_clip: MakeClip) -> None:
    with pytest.raises(MarkingError):
        watermark.embed(make_clip(count=1), wrong)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(MarkingError, match="at least 16"):
        SpreadSpectrumWatermark(b"short")


def test_marking_is_deterministic(watermark: SpreadSpectrumWatermark, make_clip: MakeClip, marked: Clip) -> None:
    again, _ = watermark.embed(make_clip(), ID)

    assert np.array_equal(again.frames, marked.frames)


def test_a_clip_that_nobody_needs_is_marked_in_place(
    watermark: SpreadSpectrumWatermark, make_clip: MakeClip, marked: Clip
) -> None:
    clip = make_clip()
    spent, mark = watermark.embed(clip, ID, overwrite=True)

    assert spent.frames is clip.frames
    assert np.array_equal(spent.frames, marked.frames)
    assert mark.psnr_db == pytest.approx(psnr_db(make_clip().frames, marked.frames))


def test_a_clip_is_left_as_it_was(watermark: SpreadSpectrumWatermark, make_clip: MakeClip) -> None:
    clip = make_clip(count=4)
    watermark.embed(clip, ID)

    assert np.array_equal(clip.frames, make_clip(count=4).frames)


def test_whatever_the_sample_promises_the_whole_clip_keeps_the_floor(
    watermark: SpreadSpectrumWatermark, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stretches that were not sampled may be darker or busier; then nobody tried the mark as it is."""
    monkeypatch.setattr(Trial, "strongest", lambda *_: 30.0)
    clip = make_clip(count=6)
    marked, mark = watermark.embed(clip, ID)

    assert mark.strength < 15
    assert FLOOR.psnr_db <= mark.psnr_db < FLOOR.psnr_db + 1
    assert mark.psnr_db == pytest.approx(psnr_db(clip.frames, marked.frames))
    assert not mark.robust


def test_the_names(watermark: SpreadSpectrumWatermark) -> None:
    assert watermark.algorithm == ALGORITHM == "io.framegate.spread-spectrum.2"
    assert isinstance(watermark.detector(), SpreadSpectrumDetector)


@pytest.mark.parametrize("name", ["palace, pan", "flower, dark", "cartoon"])
def test_clips_of_many_kinds_are_marked_near_the_quality_that_is_allowed(
    name: str, watermark: SpreadSpectrumWatermark
) -> None:
    """Whatever the first guess at a strength comes to: above the target at once, or far from it."""
    clip = make_specimen(next(each for each in specimens() if each.name == name), 8)
    marked, mark = watermark.embed(clip, ID)

    assert FLOOR.psnr_db <= mark.psnr_db < 49
    assert 0.98 <= ssim(clip.frames, marked.frames) < 0.995
    assert read(watermark, marked.frames) is not None


@pytest.mark.parametrize("reached", [0.9851, 0.9999])
def test_the_search_for_a_strength_ends_whatever_it_measures(
    reached: float,
    watermark: SpreadSpectrumWatermark,
    make_clip: MakeClip,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A quality that never changes with the strength, just above or far above what is wanted."""
    monkeypatch.setattr(LumaLikeness, "changed_by", lambda *_: Quality(45.0, reached))
    clip = make_clip(count=4)
    _, mark = watermark.embed(clip, ID)

    assert 0 < mark.strength < 1000
    assert np.isfinite(mark.psnr_db)
