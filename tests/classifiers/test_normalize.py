"""Normalisation undoes disguises, leaves captions alone, is idempotent, and its spans lead back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.base import TextSpan
from classifiers.normalize import normalize

BENIGN = Path(__file__).with_name("benign_prompts.txt").read_text(encoding="utf-8").splitlines()

DISGUISED = [
    ("a n\u200ba\u200bk\u200bed statue", "a naked statue", "zero_width"),
    ("a \uff4e\uff55\uff44\uff45 woman", "a nude woman", "fullwidth"),
    ("\U0001d4c3\U0001d4ca\U0001d4b9\u212f", "nude", "fullwidth"),
    ("n\u0336u\u0336d\u0336e\u0336", "nude", "combining"),
    ("n\u0430k\u0435d", "naked", "confusables"),
    ("\U0001f17a\U0001f178\U0001f17b\U0001f17b", "KILL", "confusables"),
    ("n4k3d w0man", "naked woman", "leetspeak"),
    ("a$$ and sh!t", "ass and shit", "leetspeak"),
    ("f*ck", "fuck", "leetspeak"),
    ("k i l l him", "kill him", "spacing"),
    ("k.i.l.l him", "kill him", "spacing"),
    ("a n a k e d w o m a n", "a naked woman", "spacing"),
    ("k 1 l l", "kill", "leetspeak"),
    ("kiiiill", "kill", "repeats"),
]

ADVERSARIAL = st.text(
    st.sampled_from("kilna ed.-_*103@$!\u200b\u200d\u0336\u0301\uff4e\u0430\u0435\U0001d4c3\n\t\u00e9\ufe0f\U0001f468")
)


@pytest.mark.parametrize(("text", "plain", "transform"), DISGUISED)
def test_a_disguised_word_is_read_and_its_disguise_is_named(text, plain, transform):
    found = normalize(text)
    assert found.text == plain
    assert transform in found.transforms


@pytest.mark.parametrize("text", BENIGN)
def test_a_benign_caption_stays_as_it_is(text):
    found = normalize(text)
    assert (found.text, found.transforms) == (text, frozenset())


@pytest.mark.parametrize(
    "text",
    [
        "Привет, мир",
        "Ελλάδα το καλοκαίρι",
        "夕日の海辺を走る犬",
        "कुत्ता दौड़ता है",
        "می‌خواهم",
        "a family \U0001f468\u200d\U0001f469\u200d\U0001f467 at the beach",
        "F1.8, 35mm, GTA5, PS5, R2D2, C3PO, B-52, H2O, x86, the 21st of May, 60fps",
        "J.R.R. Tolkien at R.E.M. in the U.S.A.",
        "a b c d e f g",
        "café, naïve, Zürich, Łódź, jalapeño",
        "aaah, Zzz, www, Louis XIII",
    ],
)
def test_real_scripts_measures_initials_and_accents_stay(text):
    assert (normalize(text).text, normalize(text).transforms) == (text, frozenset())


def test_white_space_is_folded_without_being_called_evasion():
    found = normalize("  a dog\n\n  on\ta  beach ")
    assert (found.text, found.transforms) == ("a dog on a beach", frozenset())


def test_spans_lead_back_to_what_was_written():
    original = "\u200ba  k.i.l.l.e.r and a n4k3d man"
    found = normalize(original)
    for word, written in [("killer", "k.i.l.l.e.r"), ("naked", "n4k3d"), ("man", "man")]:
        start = found.text.rindex(word)
        span = found.to_original(start, start + len(word))
        assert original[span.start : span.end] == written


@pytest.mark.parametrize(("start", "end"), [(0, 0), (2, 1), (-1, 2), (0, 99)])
def test_a_range_outside_the_text_is_refused(start, end):
    with pytest.raises(ValueError, match="non-empty range"):
        normalize("dog").to_original(start, end)


@given(st.text() | ADVERSARIAL)
@settings(max_examples=500, deadline=None)
def test_normalisation_is_idempotent(text):
    once = normalize(text).text
    assert normalize(once).text == once


@given(st.text() | ADVERSARIAL)
@settings(max_examples=500, deadline=None)
def test_every_character_comes_from_a_place_in_the_original_and_order_is_kept(text):
    found = normalize(text)
    assert len(found.origin) == len(found.text)
    assert all(0 <= start < end <= len(text) for start, end in found.origin)
    assert list(found.origin) == sorted(found.origin)
    if found.text:
        span = found.to_original(0, len(found.text))
        assert span == TextSpan(found.origin[0][0], found.origin[-1][1])


@given(st.text(st.characters(codec="ascii", categories=["L", "Zs"]), min_size=1))
@settings(max_examples=200, deadline=None)
def test_hiding_zero_width_characters_changes_nothing(text):
    assert normalize("\u200b".join(text)).text == normalize(text).text
