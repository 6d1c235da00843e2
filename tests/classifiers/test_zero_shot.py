"""CLIP and SigLIP with both towers are asked in words, the operator's or the policy's own."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
import torch
from pydantic import ValidationError
from transformers import AutoTokenizer, CLIPModel

from classifiers.base import ConfigurationError, MeasurementError, WeightsError
from classifiers.frame_blocks import ZeroShotBlock
from classifiers.picture_input import read_picture_input
from classifiers.zero_shot import ZeroShotFrames
from media.clip import Clip
from tests.frame_checkpoints import make_clip, make_siglip_with_text, make_vit

CLIP = Clip(
    np.stack([skimage.data.astronaut()[:200, :300], skimage.data.coffee()[:200, :300]]), np.array([0.0, 0.5]), 24.0
)
BENIGN = ["people walking", "a picture of a field"]
CLAUSES = {"violence": "no gore"}


def block(folder, **changes):
    given = {"name": "asked", "model": str(folder), "words": {"frame.gore": ["a picture of blood", "gore"]}}
    return ZeroShotBlock(**{**given, "benign": BENIGN, "device": "cpu", **changes})


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clip"))


def test_the_likeliest_description_competes_with_the_benign_ones(clip):
    scores = ZeroShotFrames(block(clip), CLAUSES).score(CLIP)

    network, tokenizer = CLIPModel.from_pretrained(clip).eval(), AutoTokenizer.from_pretrained(clip)
    reader = read_picture_input(clip, "test")
    texts = tokenizer(["a picture of blood", "gore", *BENIGN], padding="max_length", max_length=16, return_tensors="pt")
    with torch.inference_mode():
        pixels = torch.from_numpy(np.stack([reader(frame) for frame in CLIP.frames]))
        logits = network(**texts, pixel_values=pixels).logits_per_image.numpy()
    for row, score in zip(logits, scores, strict=True):
        best = int(row[:2].argmax())
        share = np.exp(row[best]) / (np.exp(row[best]) + np.exp(row[2:]).sum())
        assert score.value == pytest.approx(share, abs=1e-4)
        assert score.detail == f"words:{best + 1}"
        assert score.signal == "frame.gore"


def test_the_policys_clause_is_a_description(clip):
    by_clause = ZeroShotFrames(block(clip, words={}, categories={"violence": "frame.violence"}), CLAUSES)
    by_words = ZeroShotFrames(block(clip, words={"frame.violence": ["no gore"]}), {})

    assert [score.value for score in by_clause.score(CLIP)] == [score.value for score in by_words.score(CLIP)]
    other = ZeroShotFrames(block(clip, words={}, categories={"violence": "frame.violence"}), {"violence": "no fight"})
    assert other.version != by_clause.version


def test_siglip_works_too(tmp_path):
    scores = ZeroShotFrames(block(make_siglip_with_text(tmp_path)), CLAUSES).score(CLIP)

    assert len(scores) == 2
    assert all(0 <= score.value <= 1 for score in scores)


def test_what_cannot_be_meant_is_refused(clip, tmp_path):
    with pytest.raises(ConfigurationError, match="no category 'weather'"):
        ZeroShotFrames(block(clip, categories={"weather": "frame.weather"}), CLAUSES)
    with pytest.raises(WeightsError):
        ZeroShotFrames(block(make_vit(tmp_path)), CLAUSES)
    with pytest.raises(ValidationError, match="asks for nothing"):
        block(clip, words={})
    with pytest.raises(ValidationError, match="described in words and by a category"):
        block(clip, categories={"violence": "frame.gore"})
    with pytest.raises(MeasurementError, match="within"):
        ZeroShotFrames(block(clip, seconds=1e-9), CLAUSES).score(CLIP)
