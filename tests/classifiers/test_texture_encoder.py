"""The small network that ships: what it says depends on texture, on any size, and little on where things stand."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from classifiers.texture_encoder import CHANNELS, NETWORK, TextureEncoder
from classifiers.weights import EMBEDDED
from media.renditions import shuffled_tiles


@pytest.fixture(scope="module")
def encoder():
    return TextureEncoder()


def test_a_frame_is_described_by_means_and_spreads_of_every_channel(encoder):
    looks = encoder.look([skimage.data.astronaut()[:192, :192], skimage.data.coffee()[:144, :180]])

    assert looks.shape == (2, 2 * sum(CHANNELS))
    assert looks.dtype == np.float32
    start = 0
    for channels in CHANNELS:
        assert (looks[:, start + channels : start + 2 * channels] >= 0).all(), "spreads are never negative"
        start += 2 * channels


def test_a_frame_says_the_same_whoever_stands_beside_it(encoder):
    frames = [skimage.data.astronaut()[:192, :192], skimage.data.coffee()[:192, :192]]

    np.testing.assert_array_equal(encoder.look(frames)[1], encoder.look(frames[1:])[0])


def test_texture_is_seen_and_order_hardly(encoder):
    crop = skimage.data.grass()[:192, :192, None].repeat(3, axis=2)
    smooth = np.full_like(crop, round(float(crop.mean())))
    whole, shuffled, plain = encoder.look([crop, shuffled_tiles(crop, np.random.default_rng(0)), smooth])

    assert np.linalg.norm(whole - shuffled) < 0.5 * np.linalg.norm(whole - plain)


def test_it_is_small_enough_to_ship():
    assert (EMBEDDED / NETWORK).stat().st_size < 3_000_000
