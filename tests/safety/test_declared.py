"""What tags declare, and what they merely name."""

from __future__ import annotations

import json

import pytest

from safety.declared import declared
from safety.domain import Origin, Strength
from safety.origin import fuse


@pytest.mark.parametrize(
    ("tags", "origin", "strength"),
    [
        ({"xmp:digitalsourcetype": "http://cv/trainedAlgorithmicMedia"}, Origin.SYNTHETIC, Strength.DECLARATION),
        ({"comment": "digitalsourcetype/compositeWithTrainedAlgorithmicMedia"}, Origin.SYNTHETIC, Strength.DECLARATION),
        ({"aigc": json.dumps({"Label": "1"})}, Origin.SYNTHETIC, Strength.DECLARATION),
        ({"aigc": "yes"}, Origin.SYNTHETIC, Strength.DECLARATION),
        ({"aigc": json.dumps({"Label": "3"})}, Origin.SYNTHETIC, Strength.HINT),
        ({"xmp:digitalsourcetype": "digitalsourcetype/digitalCapture"}, Origin.CAPTURED, Strength.HINT),
        ({"software": "Runway Gen-3 Alpha"}, Origin.SYNTHETIC, Strength.HINT),
        ({"comment": "made with Kling"}, Origin.SYNTHETIC, Strength.HINT),
        ({"prompt": '{"3": {"class_type": "KSampler"}}'}, Origin.SYNTHETIC, Strength.HINT),
        ({"encoder": "Lavf61.7.100"}, Origin.UNKNOWN, Strength.HINT),
    ],
)  # fmt: skip
def test_each_tag_is_as_strong_as_what_it_says(tags, origin, strength):
    (evidence,) = declared(tags)

    assert (evidence.points_to, evidence.strength) == (origin, strength)


@pytest.mark.parametrize("value", ["Pikachu on the beach", "the pikas of Tibet", "runways at dawn", "lumafly", ""])
def test_words_that_only_contain_a_name_are_nothing(value):
    assert declared({"title": value}) == []


def test_a_prompt_that_a_generator_wrote_into_a_tag_is_not_repeated():
    (evidence,) = declared({"comment": "Sora: a secret zeppelin over Paris"})

    assert "zeppelin" not in evidence.summary + repr(evidence.detail)
    assert evidence.detail["generator"] == "sora"


def test_an_unsigned_word_about_a_camera_carries_nothing():
    evidence = declared({"xmp:digitalsourcetype": "digitalCapture"})

    assert fuse(evidence, None).origin is Origin.UNKNOWN
