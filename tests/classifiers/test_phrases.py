"""Phrases are matched word by word, with the three pattern signs, inside one sentence."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import ClassifierError
from classifiers.phrases import PhraseIndex, fold, words_of


def found(pattern, text):
    return [text[hit.start : hit.end] for hit in PhraseIndex([pattern]).find(words_of(text))]


@pytest.mark.parametrize(
    ("pattern", "text", "hits"),
    [
        ("killer whale", "two Killer-Whales, one killer whale", ["killer whale"]),
        ("behead*", "beheads, beheading and a head", ["beheads", "beheading"]),
        ("slit .. wrist*", "slit both of her own wrists", ["slit both of her own wrists"]),
        ("slit .. wrist*", "slit one two three four five wrists", []),
        ("{age} year old", "a 17-year-old and an 18-year-old", ["17-year-old"]),
        ("{age} yo", "a 9yo", ["9yo"]),
        ("Beyoncé", "BEYONCE", ["BEYONCE"]),
        ("J.R.R. Tolkien", "by J. R. R. Tolkien himself", ["J. R. R. Tolkien"]),
        ("red car", "It was red. Car horns sounded.", []),
        (
            "fake|forg* .. video|clip*",
            "forged holiday clips, a fake long video, a real clip",
            ["forged holiday clips", "fake long video"],
        ),
        ("poll worker|clerk*", "a poll clerk, poll workers, a poll worker", ["poll clerk", "poll worker"]),
        ("fake|fak* news", "fake news", ["fake news"]),
        ("o'brien", "Conan O’Brien", ["O’Brien"]),
    ],
)
def test_a_pattern_matches_what_it_says(pattern, text, hits):
    assert found(pattern, text) == hits


@pytest.mark.parametrize("pattern", ["", "..", ".. dog", "a*", "!"])
def test_a_pattern_that_would_match_anything_is_refused(pattern):
    with pytest.raises(ClassifierError, match="must start with a word"):
        PhraseIndex([pattern])


@pytest.mark.parametrize("pattern", ["fake|o'brien news", "fake| news", "a 1|1st prize"])
def test_an_alternative_that_is_no_single_word_is_refused(pattern):
    with pytest.raises(ClassifierError, match="must be a single word"):
        PhraseIndex([pattern])


@given(st.text())
def test_words_lie_where_they_say_in_order(text):
    words = words_of(text)
    assert all(fold(text[word.start : word.end]) == word.folded for word in words)
    assert all(left.end <= right.start for left, right in pairwise(words))
