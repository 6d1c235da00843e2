"""Stills of strangers: decoded in isolation, upright, whole, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from media.errors import MediaLimitExceeded, UnreadableMedia
from media.isolation import open_video
from media.limits import DEFAULT_LIMITS


@pytest.fixture
def picture() -> Image.Image:
    halves = np.zeros((64, 96, 3), np.uint8)
    halves[:, :48] = (250, 0, 0)
    return Image.fromarray(halves)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_a_still_is_a_video_of_one_frame(picture: Image.Image, tmp_path: Path, name: str) -> None:
    picture.save(tmp_path / name)

    with open_video(tmp_path / name, pictures=True) as video:
        (clip,) = video
    assert clip.frames.shape == (1, 64, 96, 3)
    left, right = clip.frames[0, 32, 10, 0], clip.frames[0, 32, 90, 0]
    assert (left > 200, right < 50) == (True, True)
    assert (video.coverage.frames_seen, video.coverage.frames_total) == (1, 1)
    assert "resource_limits" in video.confined


def test_a_still_is_turned_upright(picture: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    picture.save(tmp_path / "a.jpg", exif=exif)

    with open_video(tmp_path / "a.jpg", pictures=True) as video:
        (clip,) = video
    assert clip.frames.shape == (1, 96, 64, 3)


def test_what_lies_under_transparency_is_seen(picture: Image.Image, tmp_path: Path) -> None:
    picture.putalpha(0)
    picture.save(tmp_path / "a.png")

    with open_video(tmp_path / "a.png", pictures=True) as video:
        (clip,) = video
    assert clip.frames[0, 32, 10, 0] > 200


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_an_animation_is_refused(picture: Image.Image, tmp_path: Path, name: str) -> None:
    picture.save(tmp_path / name, save_all=True, append_images=[picture.rotate(180)], duration=100)

    with pytest.raises(UnreadableMedia, match="animated"):
        open_video(tmp_path / name, pictures=True)


def test_too_many_pixels_are_refused_before_they_are_decoded(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "a.png")

    with pytest.raises(MediaLimitExceeded, match="96x64"):
        open_video(tmp_path / "a.png", pictures=True, limits=replace(DEFAULT_LIMITS, max_pixels=96 * 63))


@pytest.mark.parametrize("keep", [20, 60, 120])
def test_a_cut_off_still_is_refused(picture: Image.Image, tmp_path: Path, keep: int) -> None:
    picture.save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:keep])

    with pytest.raises(UnreadableMedia):
        open_video(tmp_path / "b.png", pictures=True)


def test_stills_are_taken_only_where_they_are_asked_for(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "a.png")

    with pytest.raises(UnreadableMedia):
        open_video(tmp_path / "a.png")
