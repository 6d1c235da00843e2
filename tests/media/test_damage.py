"""Every damage is real and does what its name says."""

from __future__ import annotations

import numpy as np
import pytest

from media.clip import Clip
from media.damage import DAMAGES, re_encoded
from media.quality import psnr_db

BY_NAME = {damage.name: damage for damage in DAMAGES}


@pytest.fixture(scope="module")
def clip() -> Clip:
    """A ramp that moves: 96x160, 60 frames at 24 a second."""
    rows, columns = np.mgrid[0:96, 0:160]
    frames = [
        np.stack([(columns + 2 * n) % 256, rows * 2, np.full_like(rows, 90)], axis=2).astype(np.uint8)
        for n in range(60)
    ]
    return Clip(np.stack(frames), np.arange(60) / 24, 24.0)


def test_the_names_are_unique_and_the_common_ones_marked() -> None:
    assert len(BY_NAME) == len(DAMAGES) == 20
    assert {damage.name for damage in DAMAGES if damage.common} == {
        "strip", "crf 23", "crf 28", "half size", "crop 10 %", "crop 10 %, corner", "mirror",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shape", "fps"),
    [
        ("strip", (60, 96, 160), 24.0),
        ("half size", (60, 48, 80), 24.0),
        ("third of the size", (60, 32, 54), 24.0),
        ("crop 10 %", (60, 86, 144), 24.0),
        ("crop 30 %, off centre", (60, 66, 112), 24.0),
        ("half the frames", (30, 96, 160), 12.0),
        ("trim to 2 s", (48, 96, 160), 24.0),
        ("screenshot", (60, 84, 134), 24.0),
    ],
)
def test_size_length_and_rate(clip: Clip, name: str, shape: tuple[int, int, int], fps: float) -> None:
    damaged = BY_NAME[name].apply(clip)

    assert (damaged.frames.shape[:3], damaged.fps) == (shape, fps)
    assert damaged.times_s[-1] == pytest.approx((shape[0] - 1) / fps)


def test_stripping_leaves_the_pixels_and_mirroring_turns_them(clip: Clip) -> None:
    assert np.array_equal(BY_NAME["strip"].apply(clip).frames, clip.frames)
    mirrored = BY_NAME["mirror"].apply(clip).frames
    assert psnr_db(clip.frames[:, :, ::-1], mirrored) > 30 > psnr_db(clip.frames, mirrored)


@pytest.mark.parametrize("name", ["rotate 2 degrees", "hue and contrast", "caption", "shared 5 times", "vp9", "av1"])
def test_the_picture_changes_and_stays_recognisable(clip: Clip, name: str) -> None:
    short = Clip(clip.frames[:8], clip.times_s[:8], clip.fps)
    damaged = BY_NAME[name].apply(short)
    height, width = damaged.frames.shape[1:3]

    assert 10 < psnr_db(short.frames[:, :height, :width], damaged.frames[:, :96, :160]) < 45


def test_equal_clips_give_equal_damage(clip: Clip) -> None:
    short = Clip(clip.frames[:6], clip.times_s[:6], clip.fps)

    assert np.array_equal(BY_NAME["crf 28"].apply(short).frames, BY_NAME["crf 28"].apply(short).frames)


def test_a_stronger_crf_costs_more(clip: Clip) -> None:
    losses = [psnr_db(clip.frames, re_encoded(clip, "h264-fast", crf).frames) for crf in (18, 28, 38)]

    assert losses == sorted(losses, reverse=True)
