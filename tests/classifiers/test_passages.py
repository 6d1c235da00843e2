"""Passages cover the text, keep their way back, and are bounded in number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifiers.normalize import normalize
from classifiers.passages import MAX_PASSAGES, passages


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
