from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from generator.scene import STEADY, choices
from generator.training.measure import read
from generator.training.render_clips import example, object_mask, render


def test_the_same_index_is_the_same_clip() -> None:
    one, two = example(7), example(7)
    assert one == two
    assert np.array_equal(render(one.scene, one.layout, 64, 48, 5), render(two.scene, two.layout, 64, 48, 5))


def test_indices_and_data_sets_differ() -> None:
    assert len({example(index).caption for index in range(50)}) > 40
    assert example(3, seed=0) != example(3, seed=77)


@pytest.mark.parametrize(("width", "height", "frames"), [(64, 64, 17), (96, 64, 1), (64, 96, 9), (128, 128, 5)])
def test_clips_have_the_size_asked_for(width: int, height: int, frames: int) -> None:
    clip = example(1)
    drawn = render(clip.scene, clip.layout, width, height, frames)
    assert drawn.shape == (frames, height, width, 3)
    assert drawn.dtype == np.uint8
    assert object_mask(clip.scene, clip.layout, width, height, frames).shape == drawn.shape[:3]


def test_the_same_scene_at_two_sizes_is_the_same_picture() -> None:
    clip = example(11)
    large = render(clip.scene, clip.layout, 128, 128, 1)[0].astype(float)
    small = render(clip.scene, clip.layout, 64, 64, 1)[0].astype(float)
    halved = large.reshape(64, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(halved - small).mean() < 6


def test_the_object_is_where_the_mask_says() -> None:
    clip = example(4)
    scene = replace(clip.scene, camera=STEADY)  # a moving camera changes everything else too
    frames = render(scene, clip.layout, 64, 64, 9)
    mask = object_mask(scene, clip.layout, 64, 64, 9)
    changes = np.abs(np.diff(frames.astype(int), axis=0)).max(-1) > 0
    assert not (changes & ~mask[1:] & ~mask[:-1]).any()


def test_captions_name_the_place_of_their_scene() -> None:
    for index in range(100):
        clip = example(index)
        assert clip.scene.place in clip.caption
        assert clip.scene.motion in clip.caption
        assert sum(place in clip.caption for place in choices("place")) == 1


def test_the_measurement_reads_true_renders_back() -> None:
    """The ceiling of every figure of the card: measured far above what is asserted here."""
    hits = dict.fromkeys(("colour", "shape", "motion", "place", "time"), 0)
    for number in range(40):
        clip = example(number, seed=77)
        found = read(render(clip.scene, clip.layout, 128, 128, 16))
        for slot in hits:
            hits[slot] += getattr(found, slot) == getattr(clip.scene, slot)
    assert min(hits.values()) >= 32
