"""Slips of the fingers in English are mended; names, rare words, other languages and what is right stay as they are."""

from __future__ import annotations

import pytest

from classifiers.disguised_typos import typos
from classifiers.normalize import normalize


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a man muredrs a stranger in the park", "a man murders a stranger in the park"),
        ("blod on the old wall", "blood on the old wall"),
        ("the shooooting of a wedding video in a gardn", "the shooting of a wedding video in a garden"),
        ("a necklase on a beatiful table", "a necklace on a beautiful table"),
        ("the victiim's coat on the stairs", "the victim's coat on the stairs"),
        ("a phishig page that asks for the pasword of a baank", "a phishing page that asks for the password of a bank"),
        ("Muredr at the old mill", "Murder at the old mill"),
    ],
)
def test_a_slip_is_mended_and_called_no_disguise(written, read):
    normalized = normalize(written)

    assert normalized.text == read
    assert not normalized.transforms - {"repeats"}


@pytest.mark.parametrize(
    "text",
    [
        "a teacup and an origami iceberg on a hammock",
        "a bowl of ramen beside Ruriko and Tomasz",
        "un perro corre por la playa con los ninos",
        "yeh ladka aise rahe jaise kuch nahi hua",
        "open https://example.org/muredr and photo_muredr.png",
        "#muredr @muredr muredr-proof",
        "Xyqz",
        "",
    ],
)
def test_what_is_no_slip_in_english_stays(text):
    assert normalize(text).text == text


def test_a_mended_word_leads_back_to_what_was_written():
    text = "a man muredrs a stranger"
    normalized = normalize(text)
    start = normalized.text.index("murders")

    span = normalized.to_original(start, start + len("murders"))

    assert text[span.start : span.end] == "muredrs"


def test_the_work_on_many_unknown_words_is_bounded():
    text = "the old house on the hill and a dog " * 60 + "stranjer " * 200

    assert 0 < len(typos(text)) <= 48
