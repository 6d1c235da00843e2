"""Fights: evidence is averaged over a second on both sides, and a gesture alone carries little."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from classifiers.base import is_frame_classifier
from classifiers.frame_encoder import FrameEncoder
from classifiers.linear_head import WEIGHTS_FILE
from classifiers.violence import AROUND_S, LIVELY, ViolenceClassifier, smoothed, stillness
from classifiers.weights import EMBEDDED
from media.clip import Clip


class Drawn(FrameEncoder):
    """An encoder whose embeddings are chosen: frame i brings `distances[i]` of log odds along the head's direction."""

    def __init__(self, distances):
        super().__init__()
        weight = load_file(EMBEDDED / "violence" / WEIGHTS_FILE)["weight"]
        self.rows = np.outer(distances, weight / np.square(weight).sum()).astype(np.float32)

    def encode(self, clip):
        return self.rows


def moving(count, share=1.0, step_s=0.5, start_s=4.0):
    """Frames of which a share of the pixels flickers between black and white."""
    frames = np.full((count, 36, 64, 3), 90, dtype=np.uint8)
    frames[::2, :, : round(64 * share)] = 255
    return Clip(frames, start_s + step_s * np.arange(count), fps=1 / step_s)


def scored(*distances, step_s=0.5, share=1.0):
    clip = moving(len(distances), share, step_s)
    return ViolenceClassifier(Drawn(distances)).score(clip)


def test_every_frame_has_its_score_and_its_time():
    scores = scored(0, 1, 2)

    assert [score.span.start_s for score in scores] == [4.0, 4.5, 5.0]
    assert is_frame_classifier(ViolenceClassifier(Drawn([0])))


def test_a_gesture_of_one_frame_counts_less_than_a_fight_that_lasts():
    gesture = max(score.value for score in scored(0, 0, 3, 0, 0))
    fight = max(score.value for score in scored(3, 3, 3, 3, 3))

    assert gesture < fight
    assert gesture == pytest.approx(scored(1)[0].value, abs=1e-6), "at most one of three frames within a second"


def test_what_lies_further_away_than_a_second_does_not_count():
    alone = scored(2)[0].value

    assert scored(2, -9, step_s=AROUND_S + 0.01)[0].value == pytest.approx(alone)
    assert scored(2, -9, step_s=AROUND_S)[0].value < alone


@given(st.lists(st.floats(0, 100), min_size=1, max_size=12, unique=True))
def test_smoothing_keeps_what_is_constant_and_stays_between_the_extremes(times):
    times_s = np.sort(np.array(times))
    rows = np.stack([np.linspace(-1, 1, len(times)), np.full(len(times), 0.25)], axis=1).astype(np.float32)

    means = smoothed(rows, times_s)

    np.testing.assert_allclose(means[:, 1], 0.25, atol=1e-6)
    assert rows[:, 0].min() - 1e-6 <= means[:, 0].min() <= means[:, 0].max() <= rows[:, 0].max() + 1e-6


def test_where_nothing_moves_nobody_fights_and_that_much_moves_says_nothing():
    still, lively, wild = (max(each.value for each in scored(2, 2, 2, 2, share=share)) for share in (0.0, 0.3, 1.0))

    assert still < lively == wild


def test_stillness_is_none_where_there_is_nothing_to_compare():
    assert stillness(moving(1)).tolist() == [0.0]
    assert stillness(moving(2, 0.0, step_s=1.2)).tolist() == [0.0, 0.0], "further apart than frames are compared"
    assert (stillness(moving(4, 0.0)) > 3).all()
    assert stillness(moving(4, LIVELY * 1.5)).max() == 0.0


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_motion_never_makes_it_stiller(one, other):
    less, more = sorted((one, other))

    assert (stillness(moving(4, more)) <= stillness(moving(4, less)) + 1e-9).all()
