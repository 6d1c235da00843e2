"""Normalisation undoes disguises, leaves captions alone, is idempotent, and its spans lead back."""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from codecs import encode
from pathlib import Path
from random import Random
from string import ascii_lowercase
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.base import MeasurementError, TextSpan
from classifiers.normalize import REMEMBERED, normalize

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
    ("nnaakkeedd", "naked", "repeats"),
    ("v10l3n7 m4n 5t4b5 4 w0m4n", "violent man stabs a woman", "leetspeak"),
    ("7h3 m4n 15 1n 4 p001 0f bl00d", "the man is in a pool of blood", "leetspeak"),
    ("+h3 m@n k!ll$ @ wom@n", "the man kills a woman", "leetspeak"),
    ("5yringe in an arm", "syringe in an arm", "leetspeak"),
    ("\u13aaBU\u13dae", "ABUSe", "confusables"),
    ("n\u03b1k\u0435d m\u0585b", "naked mob", "confusables"),
    ("the man with a \u0441\u0430\u0440", "the man with a cap", "confusables"),
    ("\U0001f1f3\U0001f1fa\U0001f1e9\U0001f1ea woman", "nude woman", "confusables"),
    ("the wöman ïs näked ön the bëach", "the woman is naked on the beach", "combining"),
    ("k--i--l--l h--i--m", "kill him", "spacing"),
    ("k\U0001f525i\U0001f525l\U0001f525l him", "kill him", "spacing"),
    ("k\ni\nl\nl\n \nh\ni\nm", "kill him", "spacing"),
    ("kil\nling\na\nman", "killing a man", "spacing"),
    ("kil ling a man", "killing a man", "spacing"),
    ("mur-der in the hall", "murder in the hall", "spacing"),
    ("a na ked wo man ly ing on the be ach", "a naked woman lying on the beach", "spacing"),
    ("anakedwomanlyingonabed", "a naked woman lying on a bed", "spacing"),
    ("NakedWomanOnTheBed", "Naked Woman On The Bed", "spacing"),
    (".elddim eht ni namow dekan A", "A naked woman in the middle.", "reversed"),
    ("dekan namow no eht hcaeb", "naked woman on the beach", "reversed"),
    ("a film of a dekan woman", "a film of a naked woman", "reversed"),
    ("n anxrq jbzna va gur zvqqyr", "a naked woman in the middle", "rot13"),
    ("d qdnhg zrpdq lq wkh pluuru", "a naked woman in the mirror", "caesar"),
    ("gsv pmruv rm gsv szmw", "the knife in the hand", "atbash"),
    ("YSBuYWtlZCB3b21hbiBvbiBhIGJlZA==", "a naked woman on a bed", "base64"),
    ("VjI5dFlXND0=", "Woman", "base64"),
    ("YQ== bmFrZWQ= d29tYW4= b24= YQ== YmVk", "a naked woman on a bed", "base64"),
    ("film this: bmFrZWQgd29tYW4", "film this: naked woman", "base64"),
    ("MEQG4YLLMVSCA53PNVQW4===", "a naked woman", "base32"),
    ("6e616b656420776f6d616e", "naked woman", "hex"),
    ("6e 61 6b 65 64 20 77 6f 6d 61 6e", "naked woman", "hex"),
    ("01101110 01110101 01100100 01100101", "nude", "binary"),
    ("110 117 100 101 32 119 111 109 97 110", "nude woman", "decimal"),
    ("a%20n%61ked%20woman", "a naked woman", "percent"),
    ("n%252561ked", "naked", "percent"),
    (
        "https://example.com/?q=a%20naked%20woman%20on%20a%20bed",
        "https://example.com/?q=a naked woman on a bed",
        "percent",
    ),
    ("n&#97;k&#x65;d", "naked", "entities"),
    ("n&amp;#97;ked", "naked", "entities"),
    ("n\\u0061k\\x65d", "naked", "escapes"),
    ("U+006EU+0075U+0064U+0065", "nude", "escapes"),
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
        "shot on 35mm, f/1.8, ISO 800, 4k, 8K, 24fps, --ar 16:9 --v 6.1 --style raw",
        "((masterpiece:1.2)), (best quality), [soft light], <lora:detail_tweaker_v2:0.8>",
        "https://www.example.com/watch?v=dQw4w9WgXcQ&t=42s and user@example.org",
        "#goldenhour #cinematography by @studio_north, seed 1234567890, model SDXL-1.0",
        "a DJI Mavic 3, an iPhone15Pro, a Boeing 747-8 and a BMW i8 beside the A7R5",
        "MP4, H.264, #ff8800, 0xDEADBEEF, e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "550e8400-e29b-41d4-a716-446655440000",
        "a 100% cotton shirt, 50%off, AT&T and R&D, Q&A; C++ and F#",
        "the rapist therapist, an expert in analysis of peacocks, cocktails and Scunthorpe",
        "hmm, brrr, a bookkeeper in the Mississippi",
        "Ein Mann fährt mit dem Rad durch die alte Stadt und hat nur eine Kamera dabei",
        "Une femme marche dans la rue et porte un grand sac à la main pour les enfants",
        "Una mujer camina por la calle con un perro que no es de ella y el sol se pone",
        "Bir adam sokakta köpeğiyle yürüyor ve güneş batıyor",
        "Xiaomi, Kyrgyzstan, Llanfairpwllgwyngyll, Reykjavik, Nguyen Thi Minh Khai",
        "a state-of-the-art, black-and-white, hand-in-hand, once-in-a-lifetime photo",
        "a b/w photo, w/o people, 3x3 grid, 2nd unit, 1/2 speed, rock 'n' roll",
        "No lemon, no melon; was it a car or a cat I saw; live evil star rats",
        "lorem ipsum dolor sit amet consectetur adipiscing elit",
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


HARMLESS = ("a dog on the beach", "two children fly a kite", "rain over the old harbour at night")
HARMFUL = ("naked", "murder", "corpse", "beheaded", "rape", "torture")
CODES = {
    "base64": lambda text: b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "percent": quote,
    "rot13": lambda text: encode(text, "rot13"),
    "reversed": lambda text: text[::-1],
    "spaced": " ".join,
    "leetspeak": lambda text: text.translate(str.maketrans("aeios", "43105")),
    "torn": lambda text: " ".join(word[:2] + "-" + word[2:] for word in text.split()),
    "full width": lambda text: "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text),
}


@pytest.mark.parametrize("harmful", HARMFUL)
@pytest.mark.parametrize("harmless", HARMLESS)
@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_a_plain_harmful_word_beside_a_harmless_code_stays_in_sight(code, harmless, harmful):
    for text in (
        f"{code(harmless)} {harmful}",
        f"{harmful}, {code(harmless)}",
        f"a {harmful} {code(harmless)} {harmful}",
    ):
        assert harmful in re.findall("[a-z]+", normalize(text).text)


@pytest.mark.parametrize("harmless", HARMLESS)
@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_a_sentence_in_plain_words_is_never_read_as_a_code(code, harmless):
    plain = "the man kills his wife with a knife"
    assert plain in normalize(f"{code(harmless)}. {plain}. {code(harmless)}").text


def test_spans_in_reversed_text_lead_to_the_letters_of_the_word():
    original = ".elddim eht ni namow dekan A"
    found = normalize(original)
    start = found.text.index("naked")
    span = found.to_original(start, start + 5)
    assert original[span.start : span.end] == "dekan"


def test_spans_of_a_code_lead_to_the_whole_code():
    original = "film this: bmFrZWQgd29tYW4 at noon"
    found = normalize(original)
    start = found.text.index("woman")
    span = found.to_original(start, start + 5)
    assert original[span.start : span.end] == "bmFrZWQgd29tYW4"


def test_text_in_too_many_layers_is_unmeasured_and_not_called_clean():
    text = "a naked woman on a bed"
    for _ in range(20):
        text = "".join(f"\\x{ord(char):02x}" if char in "\\a" else char for char in text)
    with pytest.raises(MeasurementError, match="layers"):
        normalize(text)


HOSTILE = {
    "spaced": " ".join("k" * 2000),
    "run together": "naked" * 800,
    "random letters": "".join(Random(0).choices(ascii_lowercase, k=4000)),
    "random words": " ".join("".join(Random(seed).choices(ascii_lowercase, k=5)) for seed in range(666)),
    "leetspeak": " ".join("".join(Random(seed).choices("abet0134578@$!+*", k=7)) for seed in range(500)),
    "percent": "%2525" * 800,
    "entities": "&amp;" * 800,
    "mixed": "n\u0430" * 2000,
    "stars": "f*" * 2000,
    "dots": "a.b" * 1333,
    "marks": "n\u0336" * 2000,
    "hex": "ab " * 1333,
    "stretched": "aabb " * 800,
    "backslashes": "\\x5c" * 1000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_four_thousand_hostile_characters_cost_bounded_work(text):
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        normalize(text)
    except MeasurementError:
        pass
    finally:
        sys.setprofile(None)
    assert calls < 400_000  # measured: 4 to 90 thousand; quadratic work would take millions


WORDS = st.sampled_from(["a", "the", "man", "naked", "kill", "dog", "of", "on", "beach", "Rome", "35mm", "nude", "is"])
CODED = st.builds(
    lambda words, code: CODES[code](" ".join(words)),
    st.lists(WORDS, min_size=1, max_size=6),
    st.sampled_from(sorted(CODES)),
)
LAYERED = st.lists(CODED | WORDS, min_size=1, max_size=5).map(" ".join)
"""Sentences in codes, beside each other and beside plain words."""


@given(st.text() | ADVERSARIAL | LAYERED)
@settings(max_examples=200, deadline=None)
def test_normalisation_is_idempotent(text):
    once = normalize(text).text
    assert normalize(once).text == once


@given(st.text() | ADVERSARIAL | LAYERED)
@settings(max_examples=200, deadline=None)
def test_every_character_comes_from_a_place_in_the_original_and_order_is_kept(text):
    found = normalize(text)
    assert len(found.origin) == len(found.text)
    assert all(0 <= start < end <= len(text) for start, end in found.origin)
    if found.transforms.isdisjoint({"reversed"}):
        assert list(found.origin) == sorted(found.origin)
    if found.text and "reversed" not in found.transforms:
        span = found.to_original(0, len(found.text))
        assert span == TextSpan(found.origin[0][0], found.origin[-1][1])


@given(st.text(st.characters(codec="ascii", categories=["L", "Zs"]), min_size=1))
@settings(max_examples=200, deadline=None)
def test_hiding_zero_width_characters_changes_nothing(text):
    assert normalize("\u200b".join(text)).text == normalize(text).text


def test_a_text_that_several_classifiers_read_is_undone_once_and_memory_is_bounded():
    text = "the f\u200boremost text of its kind"

    assert normalize(text) is normalize(text)
    for number in range(REMEMBERED):
        normalize(f"{text} {number}")
    assert normalize.cache_info().currsize <= REMEMBERED


def test_an_accent_of_another_language_is_no_disguise():
    text = "Altın rengi bir köpek gün batımında sahilde koşuyor."
    assert normalize(text).text == text
    assert normalize("a man with a gün in the street").text == "a man with a gun in the street"


def test_small_words_of_another_language_are_no_pieces_of_english_words():
    text = "Des bulletins de vote sont posés sur la table, le light est dans un verre"
    assert normalize(text).text == text
    assert normalize("a man is kil ling a dog").text == "a man is killing a dog"
