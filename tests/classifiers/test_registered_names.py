"""Registered names are looked for in every text, in the spelling that was written, and none hides behind many."""

from __future__ import annotations

import pytest

from classifiers.base import MeasurementError, Score, TextSpan
from classifiers.registered_names import MAX_PLACES, RegisteredNames, first_word


def over(*registered: tuple[str, str]) -> RegisteredNames:
    return RegisteredNames(lambda words: [each for each in registered if first_word(each[1]) in words])


def test_each_place_of_a_registered_name_is_told():
    text = "orla quarnivek meets Orla Quarnivek"

    scores = over(("out_1", "Orla Quarnivek")).score(text)

    assert scores == [
        Score("names.registered", 1.0, TextSpan(0, 14), "registered:out_1"),
        Score("names.registered", 1.0, TextSpan(21, 35), "registered:out_1"),
    ]


@pytest.mark.parametrize("text", ["a dog", "🎬", "Orla"])
def test_a_text_without_one_scores_zero(text):
    assert over(("out_1", "Orla Quarnivek")).score(text) == [Score("names.registered", 0.0)]


def test_more_places_than_can_be_judged_are_unmeasured():
    with pytest.raises(MeasurementError, match="too many"):
        over(("con_1", "Ada Roe")).score("Ada Roe, " * (MAX_PLACES + 1))
