"""Passages cover the text, keep their way back, and are bounded in number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.normalize import normalize
from classifiers.passages import LONG, MAX_PASSAGES, MAX_STRETCHES, STRETCH, after_frame, passages, stretches


def test_sentences_and_scripts_are_passages_of_their_own():
    normalized = normalize("A calm morning. Собака бежит и a man sleeps")

    assert [passage.text for passage in passages(normalized)] == ["A calm morning. ", "Собака бежит и ", "a man sleeps"]


def test_a_passage_leads_back_to_the_original():
    text = "One. Дв\u200bа."
    second = passages(normalize(text))[1]

    span = second.to_original(0, 3)

    assert text[span.start : span.end] == "Дв\u200bа"


@given(st.text(alphabet="ab дж.!\n", max_size=120))
def test_no_letter_is_lost_and_the_number_is_bounded(text):
    normalized = normalize(text)
    found = passages(normalized)

    assert len(found) <= MAX_PASSAGES
    assert [c for p in found for c in p.text if c.isalpha()] == [c for c in normalized.text if c.isalpha()]


@given(
    st.lists(st.sampled_from(["a calm sea. ", "b", "word ", "One! ", "it rains and rains and rains; "]), max_size=2000)
)
def test_stretches_cover_a_long_text_and_none_is_short_or_too_many(pieces):
    normalized = normalize("".join(pieces))
    found = stretches(normalized)

    assert len(normalized.text) >= LONG or not found
    assert "".join(stretch.text for stretch in found) in ("", normalized.text)
    assert len(found) <= MAX_STRETCHES
    assert all(len(stretch.text) >= STRETCH for stretch in found)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("A scene from a fantasy novel: two men fight", "two men fight"),
        ("A calm morning by the sea", None),
        ("Note: two men fight", None),
        ("A poster that says: Hello", None),
    ],
)
def test_what_follows_a_frame_is_a_part(text, rest):
    part = after_frame(normalize(text))

    assert (part and part.text) == rest
