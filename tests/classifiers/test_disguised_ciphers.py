"""A text of one to three words that is all cipher is read; names and ordinary words are not."""

from __future__ import annotations

import pytest

from classifiers.normalize import normalize


@pytest.mark.parametrize(
    ("written", "read", "cipher"),
    [
        ("esuohthgil", "lighthouse", "reversed"),
        ("yvtugubhfr", "lighthouse", "rot13"),
        ("tnalp a", "a plant", "reversed"),
        ("n cynag", "a plant", "rot13"),
        ("oljkwkrxvh", "lighthouse", "caesar"),
    ],
)
def test_a_text_of_a_few_ciphered_words_is_read(written, read, cipher):
    normalized = normalize(written)

    assert normalized.text == read
    assert cipher in normalized.transforms


@pytest.mark.parametrize("text", ["Nevaeh", "Trebor", "Zelda", "lager", "diaper", "Taylor Swift", "iceberg", "xkcd"])
def test_names_and_words_are_not_turned(text):
    assert normalize(text).text == text
