"""Emoji that touch words are parted from them, and stand for spaces where the text has no others."""

from __future__ import annotations

import pytest

from classifiers.normalize import normalize


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a🔥great💫blue🌈heron, ✨bird", "a great blue heron, ✨ bird"),
        ("parking🎬lot,🎬front✨view", "parking lot, front view"),
        ("🎬parking lot🔥", "🎬 parking lot 🔥"),
        ("love❤️you", "love ❤ you"),
        ("a 🔥 b and 🐒 c", "a 🔥 b and 🐒 c"),
        ("20°C and © 2026", "20°C and © 2026"),
        ("k🔥i🔥l🔥l him", "kill him"),
        ("kil🔥ling him", "killing him"),
    ],
)
def test_emoji_beside_words_are_parted_from_them(written, read):
    assert normalize(written).text == read


def test_a_word_after_an_emoji_leads_back_to_its_own_letters():
    text = "a🔥great💫blue🌈heron"
    normalized = normalize(text)
    start = normalized.text.index("heron")

    span = normalized.to_original(start, start + len("heron"))

    assert text[span.start : span.end] == "heron"
