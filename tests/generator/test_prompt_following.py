"""Does the shipped checkpoint do what it is told? Measured on its pixels, at the level it reaches."""

from __future__ import annotations

import numpy as np
import pytest

from generator import GenerationRequest
from generator.embedded import EmbeddedGenerator
from generator.training.measure import object_colour
from media.clip import Frames

SEEDS = range(4)


@pytest.fixture(scope="module")
def generator() -> EmbeddedGenerator:
    return EmbeddedGenerator()


def clips(generator: EmbeddedGenerator, prompt: str) -> list[Frames]:
    return [generator.generate(GenerationRequest(prompt, 2, 128, 128, seed)).frames for seed in SEEDS]


def warm_minus_cold(frames: Frames) -> float:
    """Mean over the clip of red minus blue, in 8-bit steps."""
    return float(frames[..., 0].astype(float).mean() - frames[..., 2].astype(float).mean())


def test_a_red_and_a_blue_ball_on_a_green_meadow_differ_in_hue(generator: EmbeddedGenerator) -> None:
    red, blue = (clips(generator, f"a {colour} ball on a green meadow") for colour in ("red", "blue"))
    for one, other in zip(red, blue, strict=True):
        assert warm_minus_cold(one) > warm_minus_cold(other) + 5
    assert sum(object_colour(clip) == "red" for clip in red) >= 3
    assert sum(object_colour(clip) == "blue" for clip in blue) >= 3


def test_night_is_darker_than_day(generator: EmbeddedGenerator) -> None:
    day, night = (clips(generator, f"a yellow star over the ocean {time}") for time in ("by day", "at night"))
    for bright, dark in zip(day, night, strict=True):
        assert bright.mean() > dark.mean() + 40


def test_the_ground_has_the_colour_of_the_place(generator: EmbeddedGenerator) -> None:
    for place, channel in (("over a meadow", 1), ("over the ocean", 2)):
        for frames in clips(generator, f"a small white ring standing still {place} by day"):
            ground = np.median(frames[:, -16:].reshape(-1, 3), axis=0)
            assert int(ground.argmax()) == channel
