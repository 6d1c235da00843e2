"""Origin: what a window must have to be estimated, and what may not influence the estimate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from classifiers import forensics
from classifiers.base import MeasurementError, WeightsError
from classifiers.forensics import LARGE, SMALL, ForensicClassifier, at_hand, small
from classifiers.frame_encoder import LOOK_DIMENSIONS, FrameEncoder
from classifiers.linear_head import WEIGHTS_FILE
from classifiers.weights import EMBEDDED
from media.clip import Clip
from media.renditions import CROP, central_crop


class Watched:
    """Keeps what it was shown and answers with looks that are cheap and depend on the pixels."""

    version = "1"

    def __init__(self):
        self.shown = []

    def look(self, frames):
        self.shown = list(frames)
        return np.stack([np.full(LOOK_DIMENSIONS, frame.mean() / 255, dtype=np.float32) for frame in self.shown])


def clip_of(frames, start_s=0.0):
    return Clip(np.stack(frames), start_s + np.arange(len(frames)) / 8, fps=24.0)


def photographs(count, shape=(300, 400)):
    """A pan over a photograph."""
    picture = skimage.data.coffee()
    return [picture[at : at + shape[0], at : at + shape[1]] for at in range(count)]


@pytest.fixture
def encoder():
    return Watched()


@pytest.fixture(scope="module", params=["clip", "small"])
def classifier(request):
    return ForensicClassifier(FrameEncoder()) if request.param == "clip" else small()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_few_frames_are_unmeasured(encoder, count):
    with pytest.raises(MeasurementError, match=f"{count} frames are too few"):
        ForensicClassifier(encoder).score(clip_of(photographs(count)))


def test_frames_without_enough_pixels_are_unmeasured(encoder):
    with pytest.raises(MeasurementError, match="400x100 are too small"):
        ForensicClassifier(encoder).score(clip_of(photographs(4, shape=(100, 400))))


def test_the_span_is_the_whole_window(encoder):
    (score,) = ForensicClassifier(encoder).score(clip_of(photographs(8), start_s=12.0))

    assert (score.span.start_s, score.span.end_s) == (12.0, 12.875)


@pytest.mark.parametrize("count", [4, 10, 11, 37])
def test_the_first_and_the_last_frame_of_a_window_are_looked_at(encoder, count):
    frames = photographs(count)

    ForensicClassifier(encoder).score(clip_of(frames))

    assert len(encoder.shown) == 2
    np.testing.assert_array_equal(encoder.shown[0], central_crop(frames[0]))
    np.testing.assert_array_equal(encoder.shown[-1], central_crop(frames[-1]))


@settings(max_examples=25, deadline=None)
@given(st.integers(128, 1100), st.integers(128, 1100))
def test_every_frame_size_gives_a_square_and_nothing_is_enlarged(height, width):
    frame = np.zeros((height, width, 3), dtype=np.uint8)
    side = min(CROP, height, width)

    assert central_crop(frame).shape == (side, side, 3)


def test_a_mark_in_a_corner_cannot_be_seen():
    """Platforms put their marks there: learning them would be learning the platform, not the synthesis."""
    clean = skimage.data.astronaut()
    marked = clean.copy()
    side = 512 // 11
    for top in (0, 512 - side):
        for left in (0, 512 - side):
            marked[top : top + side, left : left + side] = (255, 255, 0)

    np.testing.assert_array_equal(central_crop(clean), central_crop(marked))


def test_the_score_is_the_head_on_the_mean_look(encoder):
    tensors = load_file(EMBEDDED / "forensics" / WEIGHTS_FILE)
    frames = photographs(5)
    mean = np.mean([central_crop(frames[at]).mean() / 255 for at in (0, 4)])
    expected = 1 / (1 + np.exp(-(float(tensors["weight"].sum()) * mean + float(tensors["bias"][0]))))

    (score,) = ForensicClassifier(encoder).score(clip_of(frames))

    assert score.value == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "rocket"])
def test_a_pan_over_a_photograph_is_not_taken_for_synthesis_with_confidence(classifier, name):
    picture = getattr(skimage.data, name)()
    frames = [picture[:, 3 * at : picture.shape[1] - 12 + 3 * at] for at in range(4)]

    (score,) = classifier.score(clip_of(frames))

    assert score.value < classifier.false_alarms.threshold(0.01), "one real video in a hundred"


def test_the_head_says_which_files_it_learned_from(classifier):
    """So that an evaluation on them says that it is none."""
    assert len(classifier.trained_on) == 297
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in classifier.trained_on)


def test_without_the_package_the_small_network_serves_under_the_same_name(monkeypatch):
    with_package = at_hand(FrameEncoder)
    monkeypatch.setattr(forensics, "find_spec", lambda _: None)

    def no_encoder():
        raise AssertionError("the large network is not there")

    without = at_hand(no_encoder)

    assert (without.name, without.signals) == (with_package.name, with_package.signals)
    assert without.version == small().version != with_package.version


def test_a_head_of_another_network_is_refused():
    with pytest.raises(WeightsError):
        ForensicClassifier(FrameEncoder(), head=replace(LARGE, network_sha256=SMALL.network_sha256))
