"""Flashes a second become a probability; what nobody looked at frame by frame is unmeasured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classifiers.base import MeasurementError, TimeSpan
from classifiers.flashes import FlashClassifier
from media.clip import Clip
from media.flashes import Flashing

CLIP = Clip(np.zeros((2, 32, 32, 3), np.uint8), np.array([0.0, 0.5]), 24.0)


def test_three_flashes_a_second_are_a_half_and_more_are_more():
    stretches = tuple(Flashing("general", 1.0 * at, at + 0.5, at, at + 0.4) for at in (2, 3, 10))
    scores = FlashClassifier().score(replace(CLIP, flashes=stretches))

    general = [score for score in scores if score.signal == "video.temporal.flashes"]
    assert [round(score.value, 3) for score in general] == [0.4, 0.5, 0.769]
    assert general[1].span == TimeSpan(3.0, 3.5, peak_s=3.4)
    assert general[1].detail == "flashes:3/s"
    assert [score.value for score in scores if score.signal == "video.temporal.red_flashes"] == [0.0]


def test_no_flash_is_measured_and_no_look_is_not():
    assert {score.value for score in FlashClassifier().score(replace(CLIP, flashes=()))} == {0.0}
    with pytest.raises(MeasurementError, match="every frame"):
        FlashClassifier().score(CLIP)
