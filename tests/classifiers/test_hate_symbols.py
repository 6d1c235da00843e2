"""Hate symbols: what is drawn on photographs ranks above what looks like it, frame by frame, and above plain scenes."""

from __future__ import annotations

import numpy as np
import pytest

from classifiers.base import is_frame_classifier
from classifiers.frame_encoder import FrameEncoder
from classifiers.hate_symbols import HateSymbolClassifier
from classifiers.training.compose_symbols import Composer, grounds
from classifiers.training.draw_symbols import HATE
from media.clip import Clip


@pytest.fixture(scope="module")
def classifier():
    return HateSymbolClassifier(FrameEncoder())


def drawn(*names, seed):
    """Large symbols in the middle of photographs, of a seed that nothing was learned from."""
    composer, chance = Composer(grounds(None)), np.random.default_rng(seed)
    ground = [composer.ground(chance, 224) for _ in names]
    return np.stack(
        [
            composer.drawn(chance, each, name, share=(0.6, 0.8), wander=0.05)
            for each, name in zip(ground, names, strict=True)
        ]
    )


def test_hooked_crosses_rank_above_what_is_none(classifier):
    names = ["hook"] * 6 + ["peace", "star", "letters", "wheel", "cross", "rings"]
    clip = Clip(drawn(*names, seed=991), np.arange(12) * 0.5, fps=2.0)

    values = [score.value for score in classifier.score(clip)]

    assert np.median(values[:6]) > np.median(values[6:]) + 0.1


def test_every_frame_has_its_score_and_its_time(classifier):
    clip = Clip(drawn(*list(HATE)[:2], seed=992), np.array([3.0, 3.5]), fps=2.0)

    scores = classifier.score(clip)

    assert is_frame_classifier(classifier)
    assert classifier.lasting_s > 0, "what is seen in one frame and in none near it is chance"
    assert [(score.span.start_s, score.span.end_s) for score in scores] == [(3.0, 3.0), (3.5, 3.5)]
