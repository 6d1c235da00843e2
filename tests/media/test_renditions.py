"""Shapes and wears of clips: what is removed, what is kept, and that both are the same for everybody."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from media.codec import encode_mp4
from media.renditions import (
    CLIP_FRAMES,
    TILE,
    WEARS,
    central_crop,
    first_frames,
    grey,
    shuffled_tiles,
    topic_only,
)

PHOTO = skimage.data.coffee()[:360, :480]


def pan(count):
    return [np.roll(PHOTO, 2 * at, axis=1) for at in range(count)]


@pytest.mark.parametrize(("fps", "written"), [(8.0, 12), (24.0, 36)])
def test_a_clip_of_any_rate_is_thinned_to_ten_frames_an_eighth_of_a_second_apart(tmp_path, fps, written):
    shades = [np.full((64, 64, 3), 6 * at, np.uint8) for at in range(written)]
    encode_mp4(shades, tmp_path / "clip.mp4", fps=fps, crf=1)

    frames = first_frames(tmp_path / "clip.mp4")

    steps = np.diff([float(frame.mean()) for frame in frames])
    assert len(frames) == CLIP_FRAMES
    np.testing.assert_allclose(steps, 6 * fps / 8, atol=2)


def test_large_frames_come_down_to_480_and_small_ones_stay(tmp_path):
    encode_mp4([np.zeros((720, 1280, 3), np.uint8)] * 3, tmp_path / "large.mp4", fps=8.0)
    encode_mp4([np.zeros((144, 256, 3), np.uint8)] * 3, tmp_path / "small.mp4", fps=8.0)

    assert first_frames(tmp_path / "large.mp4")[0].shape[0] == 480
    assert first_frames(tmp_path / "small.mp4")[0].shape[0] == 144


@pytest.mark.parametrize("name", WEARS)
def test_every_wear_changes_the_pixels_a_little_and_keeps_the_picture(name):
    frames = pan(4)

    worn = WEARS[name](frames)

    assert len(worn) == (2 if name == "fps12" else 4)
    before, after = central_crop(frames[0]).astype(float), central_crop(worn[0]).astype(float)
    assert np.abs(before - after).mean() > 0.2
    if name != "crop":
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.9


def test_stronger_compression_loses_more():
    frames = pan(4)
    lost = [np.abs(WEARS[name](frames)[0].astype(float) - frames[0]).mean() for name in ("crf23", "crf28", "crf35")]

    assert lost == sorted(lost)


def test_shuffled_tiles_are_the_same_tiles_elsewhere():
    crop = central_crop(PHOTO)

    mixed = shuffled_tiles(crop, np.random.default_rng(0))

    def tiles(picture):
        side = picture.shape[0] // TILE
        cut = picture.reshape(side, TILE, side, TILE, 3).swapaxes(1, 2).reshape(side * side, -1)
        return sorted(map(bytes, cut))

    assert tiles(mixed) == tiles(crop)
    assert not np.array_equal(mixed, crop)


def test_grey_takes_colour_and_contrast_away_and_topic_takes_texture_away():
    crop = central_crop(PHOTO)

    plain = grey(crop)
    assert np.ptp(plain.astype(int), axis=2).max() == 0
    assert abs(float(plain.mean()) - 127) < 3
    smooth = topic_only(crop)
    assert smooth.shape == crop.shape

    def detail(picture):
        return np.abs(np.diff(picture.astype(float), axis=1)).mean()

    assert detail(smooth) < 0.5 * detail(crop)
