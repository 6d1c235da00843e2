"""Names are found where they mean their bearer, and ordinary words that are also names are left alone."""

from __future__ import annotations

import pytest

from classifiers.base import ClassifierError, MeasurementError, TextSpan
from classifiers.entities import SIGNALS, UNLISTED_PERSON, NamesClassifier
from classifiers.phrases import words_of
from classifiers.vocabulary import LISTS


@pytest.fixture(scope="module")
def names():
    return NamesClassifier()


def found(names, text):
    """What is found with some certainty: an invented full name alone is a weak hint."""
    return {score.signal for score in names.score(text) if score.value > UNLISTED_PERSON}


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
        ("a man who looks like trump eats a burger", "names.public_figure"),
        ("president macron rides a horse", "names.public_figure"),
        ("Lech Walesa and Lech Wałęsa shake hands", "names.public_figure"),
        ("Cyril Ramaphosa sings", "names.public_figure"),
        ("Мария Шарапова и Владимир Путин на пляже", "names.public_figure"),
        ("портрет Путина", "names.public_figure"),
        ("دونالد ترامب يرقص في الشارع", "names.public_figure"),
        ("नरेन्द्र मोदी नाच रहे हैं", "names.public_figure"),
        ("泰勒·斯威夫特在唱歌", "names.public_figure"),
        ("イーロン・マスクがピザを食べる", "names.public_figure"),
        ("ピカチュウが走る", "names.character"),
        ("米老鼠在跳舞", "names.character"),
        ("Senator Jane Quarnivek gives a speech", "names.person"),
        ("Laura Quarnivek, CEO of a bank, dances", "names.person"),
        ("a statue of Cristiano Ronaldo", "names.mentioned"),
        ("a wax figure of Taylor Swift in a museum", "names.mentioned"),
        ("tourists walking past a waxwork of the late Elvis Presley", "names.mentioned"),
        ("a Taylor Swift waxwork behind glass", "names.mentioned"),
        ("a talking wax figure of Taylor Swift", "names.public_figure"),
        ("a wax figure of Taylor Swift comes to life and winks", "names.public_figure"),
        ("a statue of Cristiano Ronaldo starts dancing", "names.public_figure"),
        ("a figure of Taylor Swift in the fog", "names.public_figure"),
        ("a walk down Elvis Presley Boulevard", "names.mentioned"),
        ("she reads a book about Barack Obama", "names.mentioned"),
        ("dancing to songs by Taylor Swift", "names.mentioned"),
        ("Hans from Frozen rides a horse", "names.character"),
        ("a scene of the movie Coco", "names.character"),
        ("a Panasonic camera on a table with its logo in view", "names.brand"),
        ("a bottle of Quarnivex on a shelf, the red logo in view", "names.brand"),
        ("a harbour in the style of Salvador Dali", "names.artist_style"),
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
        "frozen lake, a fish comes up, brave children on cars",
        "A letter from Frozen creek, brave and up to date",
        "a soldier in green day camouflage walks in one direction",
        "vanilla ice cream and an ice cube",
        "the clash of swords seems to harmonize with the wind",
        "A great day for a big bird on the green arrow sign",
        "Doctor Maria Gonzalez looks at an X-ray",
    ],
)
def test_an_ordinary_word_is_no_name(names, text):
    assert found(names, text) == set()


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


def test_an_invented_full_name_is_a_weak_hint_and_no_more(names):
    scores = [score for score in names.score("a woman called Maria Kowalczykova bakes bread") if score.value]
    assert [(score.signal, score.value) for score in scores] == [("names.person", UNLISTED_PERSON)]


def test_the_words_of_a_mention_do_not_hide_a_depiction(names):
    text = "Barack Obama reads a book about gardening in a park"
    assert found(names, text) == {"names.public_figure"}


def test_whom_our_lists_call_history_is_no_artist_whose_style_is_owned(names):
    assert found(names, "a harbour in the style of Claude Monet and Abraham Storck") == {"names.historical"}


def test_names_in_other_languages_of_latin_script_are_read(names):
    assert found(names, "Donald Trump marche dans la rue avec un chien") == {"names.public_figure"}


@pytest.mark.parametrize(
    "text", ["", "🎬", "도널드 트럼프가 춤을 춘다", "ดอนัลด์ ทรัมป์ เดินอยู่บนถนน", "Ο Ντόναλντ Τραμπ στον δρόμο"]
)
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


@pytest.mark.parametrize(
    "question",
    [
        "What year was Barack Obama born?",
        "Who did Taylor Swift write her first song with?",
        "Was it Darth Vader who lost a hand?",
        "Which school did Harry Potter attend?",
    ],
)
def test_who_is_named_in_a_mere_question_is_only_mentioned(question):
    scores = {score.signal: score.value for score in NamesClassifier().score(question)}

    assert scores["names.public_figure"] == 0
    assert scores["names.character"] < 0.5


@pytest.mark.parametrize(
    "request_",
    [
        "Can you show Barack Obama at the beach?",
        "What would Barack Obama look like as a baby?",
        "Why is Barack Obama dancing on a table?",
        "Barack Obama at the beach?",
        "What a day. Barack Obama eats an apple",
        "Who is on stage? A video of Barack Obama",
    ],
)
def test_a_question_that_asks_for_a_picture_is_no_mere_question(request_):
    scores = {score.signal: score.value for score in NamesClassifier().score(request_)}

    assert scores["names.public_figure"] >= 0.5
