"""Names are found where they mean their bearer, and ordinary words that are also names are left alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from classifiers.base import ClassifierError, MeasurementError, TextSpan
from classifiers.entities import SIGNALS, NamesClassifier
from classifiers.phrases import words_of
from classifiers.vocabulary import LISTS

BENIGN = Path(__file__).with_name("benign_prompts.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def names():
    return NamesClassifier()


def found(names, text):
    return {score.signal for score in names.score(text) if score.value}


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("Taylor Swift walks a dog", "names.public_figure"),
        ("elon musk eating an apple", "names.public_figure"),
        ("EMMANUEL MACRON ON A BIKE", "names.public_figure"),
        ("Beyoncé's new video", "names.public_figure"),
        ("beyonce on stage", "names.public_figure"),
        ("Mr Trump plays golf", "names.public_figure"),
        ("Robert Downey Jr. in a kitchen", "names.public_figure"),
        ("spiderman swings through a city", "names.character"),
        ("Spider-Man swings through a city", "names.character"),
        ("Mickey Mouse cooks pasta", "names.character"),
        ("pikachu on a surfboard", "names.character"),
        ("a Pixar style short about a lamp", "names.brand"),
        ("the Apple logo on a wall", "names.brand"),
        ("a wall with the logo of Quarnivex on it", "names.brand"),
        ("a forest painted by Greg Rutkowski", "names.artist_style"),
        ("castle, matte painting, in the style of simon stålenhag", "names.artist_style"),
        ("Abraham Lincoln delivers a speech", "names.historical"),
        ("a village in the style of Van Gogh", "names.historical"),
    ],
)
def test_a_name_is_found(names, text, signal):
    assert found(names, text) == {signal}


@pytest.mark.parametrize(
    "text",
    [
        "an apple, a puma and a jaguar on a target near the shell",
        "The Amazon river and a ford across it",
        "a trump card and musk ox",
        "Musk oxen graze on the tundra",
        "a swift flies over the drake in the pond",
        "a joker card and a nemo-like fish",
        "a black widow spider and a black panther at night",
        "Black Widow spiders spin webs",
        "a big logo on a plain wall",
        "A logo spins in space",
        "orange logo, minimal",
        "a woman called Marta Kowalczyk bakes bread",
        "Cavalier King Charles spaniels on a sofa",
    ],
)
def test_an_ordinary_word_is_no_name(names, text):
    assert found(names, text) == set()


def test_no_entry_hits_a_benign_prompt(names):
    """At this size one hit would already be more than one in a thousand prompts."""
    assert Counter(score.detail for text in BENIGN for score in names.score(text) if score.value) == {}


def test_an_artist_counts_only_where_the_style_is_asked_for(names):
    assert found(names, "a documentary on the day Greg Rutkowski bought a boat") == set()


def test_a_disguised_name_is_found_with_the_span_that_was_written(names):
    text = "T\u0430ylor Sw\u200bift waves"
    (hit,) = [score for score in names.score(text) if score.value]
    assert hit.detail == "public_figure:Taylor Swift"
    assert isinstance(hit.span, TextSpan)
    assert text[hit.span.start : hit.span.end] == "T\u0430ylor Sw\u200bift"


def test_the_longest_name_wins(names):
    details = [score.detail for score in names.score("Donald Trump Jr gives a talk") if score.value]
    assert details == ["public_figure:Donald Trump Jr"]


@pytest.mark.parametrize("text", ["a dog on a beach", "Batman meets Joe Biden at the Nike store"])
def test_each_signal_is_reported_and_no_other(names, text):
    assert {score.signal for score in names.score(text)} == SIGNALS == names.signals


def test_names_in_other_languages_of_latin_script_are_read(names):
    assert found(names, "Donald Trump marche dans la rue avec un chien") == {"names.public_figure"}


@pytest.mark.parametrize("text", ["", "🎬", "Дональд Трамп на улице", "泰勒·斯威夫特在唱歌"])
def test_what_it_cannot_read_is_unmeasured_and_not_clean(names, text):
    with pytest.raises(MeasurementError):
        names.score(text)


def test_no_compiled_name_is_a_single_everyday_word_that_counts_by_itself(names):
    rows = [line.split("\t") for line in (LISTS / "names_compiled.tsv").read_text(encoding="utf-8").splitlines()]
    assert not [row for row in rows if len(row) == 4 and row[2] == "any" and len(words_of(row[1])) < 2]


def test_every_compiled_name_has_a_permissive_source():
    lines = (LISTS / "names_compiled.tsv").read_text(encoding="utf-8").splitlines()
    licences = {line.split("\t")[3].rpartition("(")[2] for line in lines if not line.startswith("#")}
    assert licences == {"CC0)", "CC-BY-4.0)", "MIT)", "MPL-2.0)"}


def test_missing_lists_are_refused(tmp_path):
    with pytest.raises(ClassifierError, match="not readable"):
        NamesClassifier(tmp_path)
