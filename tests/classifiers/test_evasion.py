"""Disguised text is noticed, ordinary text is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifiers.base import MeasurementError
from classifiers.evasion import EvasionClassifier

BENIGN = Path(__file__).with_name("benign_prompts.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("text", ["n4k3d w0man", "n\u0430ked woman", "k i l l him", "n\u0336u\u0336d\u0336e\u0336"])
def test_a_disguise_is_noticed(text):
    (score,) = EvasionClassifier().score(text)
    assert score.signal == "text.evasion"
    assert score.value >= 0.5
    assert score.detail


def test_two_disguises_weigh_more_than_one():
    classifier = EvasionClassifier()
    one, two = classifier.score("n4k3d woman"), classifier.score("n4k3d w\u043eman")
    assert two[0].value > one[0].value


def test_no_benign_caption_looks_disguised():
    classifier = EvasionClassifier()
    assert {classifier.score(text)[0].value for text in BENIGN} == {0.0}


@pytest.mark.parametrize("text", ["Привет, мир", "夕日の海辺を走る犬", "🎬🐕"])
def test_other_scripts_are_measured_and_are_no_disguise(text):
    assert EvasionClassifier().score(text)[0].value == 0.0


@pytest.mark.parametrize("text", ["", "  \n", "\u200b\u200b"])
def test_invisible_text_is_not_measured(text):
    with pytest.raises(MeasurementError, match="nothing"):
        EvasionClassifier().score(text)
