"""A soft copy shows the same at the same times, without colour, detail or sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from media.codec import decode, encode_mp4, probe
from media.errors import UnreadableMedia
from media.limits import DEFAULT_LIMITS
from media.softening import SOFT_FPS, SOFT_SIDE, soft_frame, soften


def test_a_soft_copy_is_small_grey_and_as_long(tmp_path: Path) -> None:
    red, blue = np.zeros((2, 320, 480, 3), np.uint8)
    red[..., 0], blue[..., 2] = 220, 220
    encode_mp4([red] * 24 + [blue] * 24, tmp_path / "a.mp4", fps=24.0)

    soften(tmp_path / "a.mp4", tmp_path / "soft.mp4", DEFAULT_LIMITS)

    info = probe(tmp_path / "soft.mp4")
    assert (info.width, info.height, info.fps) == (360, SOFT_SIDE, SOFT_FPS)
    frames = [frame.astype(int) for _, frame in decode(tmp_path / "soft.mp4")]
    assert abs(len(frames) / SOFT_FPS - 2.0) <= 0.2
    for frame in frames:
        assert np.abs(frame - frame.mean(axis=2, keepdims=True)).max() < 12, "no colour is left"
    levels = [frame.mean() for frame in frames]
    assert levels[0] - levels[-1] > 20, "red is lighter than blue: the change is there"
    change = next(number for number, level in enumerate(levels) if level < (levels[0] + levels[-1]) / 2)
    assert abs(change / SOFT_FPS - 1.0) <= 0.2


def test_detail_is_gone() -> None:
    stripes = np.zeros((240, 320, 3), np.uint8)
    stripes[:, ::4] = 255

    assert int(np.ptp(soft_frame(stripes)[20:-20, 20:-20])) < 60


@pytest.mark.parametrize("shape", [(241, 321, 3), (1, 50, 3), (2, 2, 3)])
def test_odd_and_tiny_frames_become_even(shape: tuple[int, int, int]) -> None:
    height, width, _ = soft_frame(np.full(shape, 90, np.uint8)).shape

    assert (height % 2, width % 2) == (0, 0)


def test_a_picture_is_a_video_of_one_frame(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), (200, 10, 10)).save(tmp_path / "a.png")

    soften(tmp_path / "a.png", tmp_path / "soft.mp4", DEFAULT_LIMITS)

    assert len(list(decode(tmp_path / "soft.mp4"))) == 1


def test_what_is_no_video_gives_no_copy(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video at all")

    with pytest.raises(UnreadableMedia):
        soften(tmp_path / "a.mp4", tmp_path / "soft.mp4", DEFAULT_LIMITS)
    assert not (tmp_path / "soft.mp4").exists()
