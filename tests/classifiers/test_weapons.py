"""Weapons: every frame is scored, and the head must be the one that was pinned."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from classifiers.base import WeightsError
from classifiers.frame_encoder import FrameEncoder
from classifiers.linear_head import CONFIG_FILE, WEIGHTS_FILE, load_head
from classifiers.weapons import WeaponClassifier
from classifiers.weights import EMBEDDED
from media.clip import Clip


class Drawn(FrameEncoder):
    """An encoder whose embeddings are chosen: frame i lies `distances[i]` along the head's own direction."""

    def __init__(self, distances):
        super().__init__()
        weight = load_file(EMBEDDED / "weapons" / WEIGHTS_FILE)["weight"]
        self.rows = np.outer(distances, weight / np.linalg.norm(weight)).astype(np.float32)

    def encode(self, clip):
        return self.rows


def scored(*distances):
    frames = np.zeros((len(distances), 8, 8, 3), dtype=np.uint8)
    clip = Clip(frames, 4.0 + np.arange(len(distances)), fps=1.0)
    return WeaponClassifier(Drawn(distances)).score(clip)


def test_each_frame_is_scored_at_its_time_in_order():
    scores = scored(-1, 8, -1)

    assert [score.span.start_s for score in scores] == [score.span.end_s for score in scores] == [4.0, 5.0, 6.0]
    assert scores[1].value > 0.9 > scores[0].value
    assert scores[0].value == pytest.approx(scores[2].value)


def test_more_of_a_weapon_never_lowers_the_score():
    values = [score.value for score in scored(-1, 0, 1, 3, 9)]

    assert values == sorted(values)


def test_a_frame_does_not_count_alone():
    """The highest of many frames is what chance picks."""
    assert WeaponClassifier(Drawn([0])).lasting_s > 0


def load(folder):
    """Load a head with the digests it has, for encoder 111…"""
    weights, config = (hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (WEIGHTS_FILE, CONFIG_FILE))
    return load_head(folder, weights_sha256=weights, config_sha256=config, encoder_sha256="1" * 64)


def test_a_head_of_another_encoder_is_refused(tmp_path):
    save_file(
        {"weight": np.zeros(512, dtype=np.float32), "bias": np.zeros(1, dtype=np.float32)}, tmp_path / WEIGHTS_FILE
    )
    (tmp_path / CONFIG_FILE).write_text(json.dumps({"encoder_sha256": "0" * 64}))

    with pytest.raises(WeightsError, match="trained on encoder 000000000000"):
        load(tmp_path)


def test_a_file_that_is_no_head_is_refused_by_name(tmp_path):
    (tmp_path / WEIGHTS_FILE).write_bytes(b"not a head")
    (tmp_path / CONFIG_FILE).write_text(json.dumps({"encoder_sha256": "1" * 64}))

    with pytest.raises(WeightsError, match="not a safetensors file"):
        load(tmp_path)
