"""Weapons: two frames must agree, and the head must be the one that was pinned."""

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

    def embed(self, frames):
        return self.rows


def scored(*distances):
    frames = np.zeros((len(distances), 8, 8, 3), dtype=np.uint8)
    clip = Clip(frames, 4.0 + np.arange(len(distances)), fps=1.0)
    (score,) = WeaponClassifier(Drawn(distances)).score(clip)
    return score


def test_one_frame_alone_cannot_raise_the_alarm():
    assert scored(-1, 9, -1, -1).value == pytest.approx(scored(-1).value)
    assert scored(-1, 9, 9, -1).value == pytest.approx(scored(9).value)


def test_the_span_reaches_from_one_agreeing_frame_to_the_other():
    span = scored(-1, 8, -1, 9, -1).span

    assert (span.start_s, span.end_s) == (5.0, 7.0)


def test_a_single_frame_counts_alone():
    score = scored(9)

    assert score.value > 0.9
    assert score.span.start_s == score.span.end_s == 4.0


def test_more_of_a_weapon_never_lowers_the_score():
    values = [scored(*([-1] * (4 - k) + [3] * k)).value for k in range(5)]

    assert values == sorted(values)


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
