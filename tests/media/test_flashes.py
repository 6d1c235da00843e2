"""Flashing is counted as broadcasters count it: opposing changes over a quarter of the picture, in a second."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codec import encode_mp4
from media.flashes import Flashing, FlashMeter
from media.isolation import open_video
from media.sampling import SamplingPlan

FPS = 30


def picture(level: int, share: float = 1.0, base: int = 20, colour: tuple[int, int, int] = (1, 1, 1)) -> np.ndarray:
    """A dark picture of which the first rows, `share` of it, have another level."""
    frame = np.full((32, 32, 3), base, np.uint8)
    frame[: round(32 * share)] = np.array(colour, np.uint8) * level
    return frame


def metered(frames: list[np.ndarray], fps: float = FPS, start_s: float = 0.0) -> list[Flashing]:
    meter = FlashMeter()
    for at, frame in enumerate(frames):
        meter.offer(start_s + at / fps, frame)
    return meter.taken(rest=True)


def flashing(hertz: float, seconds: float = 2.0, level: int = 220, share: float = 1.0) -> list[np.ndarray]:
    return [
        picture(level if math.floor(2 * hertz * (at + 0.5) / FPS) % 2 else 20, share)
        for at in range(int(seconds * FPS))
    ]


@pytest.mark.parametrize("hertz", [3, 4, 5, 7.5, 10, 15])
def test_the_number_of_flashes_in_a_second_is_counted(hertz: float) -> None:
    (found,) = metered(flashing(hertz))

    assert found.kind == "general"
    assert found.per_second in {math.floor(hertz), math.ceil(hertz)}
    assert found.start_s <= 1 / hertz
    assert found.end_s >= 2.0 - 1 / hertz - 0.05


@pytest.mark.parametrize(
    "frames",
    [
        flashing(1),
        flashing(10, level=40),
        flashing(10, share=0.2),
        [picture(220)] * 60,
        [picture(20)] * 30 + [picture(220)] * 30,
        [picture(min(255, 4 * at)) for at in range(60)],
        [picture(level) for _ in range(15) for level in (250, 235)],
    ],
    ids=["once a second", "faint", "a fifth of the picture", "still", "a cut", "a fade", "bright on bright"],
)
def test_what_is_slow_faint_small_or_bright_all_along_is_not_flashing(frames: list[np.ndarray]) -> None:
    assert metered(frames) == []


def test_saturated_red_counts_where_luminance_does_not() -> None:
    red = [picture(level, base=0, colour=(1, 0, 0)) for _ in range(15) for level in (0, 110)]
    blue = [picture(level, base=0, colour=(0, 0, 1)) for _ in range(15) for level in (0, 160)]

    assert {each.kind for each in metered(red)} == {"red"}
    assert metered(blue) == []


def test_a_flash_blended_over_frames_counts_and_a_pause_begins_anew() -> None:
    blended = [picture(level) for _ in range(8) for level in (20, 90, 160, 220, 160, 90)]
    (found,) = metered(blended)
    assert 4 <= found.per_second <= 6

    two = metered(flashing(5, 1.0) + [picture(20)] * 90 + flashing(8, 1.0))
    assert [each.per_second >= 4 for each in two] == [True, True]
    assert two[0].end_s < 1.1
    assert two[1].start_s > 3.9


def test_stretches_are_told_once_when_they_are_over() -> None:
    meter = FlashMeter()
    told = []
    for at, frame in enumerate(flashing(5, 1.0) + [picture(20)] * 120 + flashing(5, 1.0)):
        meter.offer(at / FPS, frame)
        told += meter.taken()
    assert len(told) == 1
    assert len(meter.taken(rest=True)) == 1
    assert meter.taken(rest=True) == []


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0, 3600))
def test_the_clock_does_not_matter_and_noise_below_the_step_never_flashes(seed: int, start_s: float) -> None:
    random = np.random.default_rng(seed)
    noise = [np.clip(90 + random.normal(0, 6, (32, 32, 3)), 0, 255).astype(np.uint8) for _ in range(60)]

    assert metered(noise, start_s=start_s) == []
    assert [each.per_second for each in metered(flashing(5), start_s=start_s)] == [5]


def test_a_strobe_between_sampled_frames_is_found_in_a_file_and_a_calm_file_has_none(tmp_path) -> None:
    """1/15 s is far below the sampling grid: only every frame shows it."""
    calm = np.full((96, 128, 3), 30, np.uint8)
    bright = np.full((96, 128, 3), 230, np.uint8)
    strobe = [bright if 40 <= at < 70 and at % 3 == 0 else calm for at in range(100)]
    encode_mp4(strobe, tmp_path / "strobe.mp4", fps=30.0, crf=23)
    encode_mp4([calm] * 60, tmp_path / "calm.mp4", fps=30.0, crf=23)

    with open_video(tmp_path / "strobe.mp4", plan=SamplingPlan(window_frames=4)) as video:
        clips = list(video)
    (found,) = [each for clip in clips for each in clip.flashes]
    assert found.kind == "general"
    assert found.per_second >= 8
    assert abs(found.start_s - 40 / 30) < 0.1
    assert abs(found.end_s - 68 / 30) < 0.1
    with open_video(tmp_path / "calm.mp4") as video:
        assert [clip.flashes for clip in video] == [()]
