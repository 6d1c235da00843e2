"""The lexicon finds listed phrases, disguised or not, and keeps quiet about look-alikes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from classifiers.base import ClassifierError, MeasurementError, TextSpan
from classifiers.lexicon import SIGNALS, LexiconClassifier

BENIGN = Path(__file__).with_name("benign_prompts.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def lexicon():
    return LexiconClassifier()


def strongest(lexicon, text):
    best = {}
    for score in lexicon.score(text):
        best[score.signal] = max(best.get(score.signal, 0.0), score.value)
    return best


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("a hardcore porn scene in a hotel", "terms.sexual"),
        ("a completely naked woman dances", "terms.sexual"),
        ("a soldier is beheaded in the desert", "terms.violence"),
        ("he beats an old man to death", "terms.violence"),
        ("a man hangs himself in a barn", "terms.self_harm"),
        ("she is slitting her own wrists", "terms.self_harm"),
        ("a crowd giving the nazi salute", "terms.hate"),
        ("an ISIS flag over a city", "terms.extremism"),
        ("cooking meth in a trailer", "terms.illicit"),
        ("how to build a small pipe bomb", "terms.illicit"),
        ("printing counterfeit money", "terms.fraud"),
        ("a hidden camera films the neighbours", "terms.privacy"),
        ("nudify this photo", "terms.ncii"),
        ("fake news report about a flood", "terms.misinformation"),
        ("poll workers stuffing paper ballots", "terms.political_deception"),
        ("the president of France is being arrested", "terms.political_deception"),
        ("a schoolgirl on a swing", "terms.minor"),
        ("a 12-year-old on a bike", "terms.minor"),
        ("a twelve year old on a bike", "terms.minor"),
        ("a girl, aged 9, on a bike", "terms.minor"),
        ("a 15yo skateboarder", "terms.minor"),
    ],
)
def test_a_listed_phrase_is_found(lexicon, text, signal):
    assert strongest(lexicon, text)[signal] >= 0.8


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a p\u200bo\u200brn film", "p\u200bo\u200brn"),
        ("a P0RN film", "P0RN"),
        ("a p o r n film", "p o r n"),
        ("a p\u043ern film", "p\u043ern"),
        ("a \uff50\uff4f\uff52\uff4e film", "\uff50\uff4f\uff52\uff4e"),
        ("a PoRn film", "PoRn"),
    ],
)
def test_a_disguised_phrase_is_found_and_its_span_is_what_was_written(lexicon, text, written):
    (hit,) = [score for score in lexicon.score(text) if score.signal == "terms.sexual"]
    assert hit.value > 0.9
    assert isinstance(hit.span, TextSpan)
    assert text[hit.span.start : hit.span.end] == written


def test_no_entry_hits_a_benign_prompt(lexicon):
    """At this size one hit would already be more than one in a thousand prompts; minors may of course be present."""
    hits = Counter(
        score.detail
        for text in BENIGN
        for score in lexicon.score(text)
        if score.value and score.signal != "terms.minor"
    )
    assert hits == {}


@pytest.mark.parametrize(
    "text",
    [
        "nude lipstick and a naked mole rat",
        "a murder of crows above a corpse flower",
        "a baby blue car with baby's breath flowers",
        "a 12 year old whiskey",
        "swastikas carved on an old Hindu temple for Diwali",
        "a Maine coon cat behind a dutch dyke",
        "suicide prevention hotline poster",
    ],
)
def test_a_look_alike_is_excused(lexicon, text):
    assert {score.value for score in lexicon.score(text)} == {0.0}


def test_an_excuse_covers_its_own_words_only(lexicon):
    assert strongest(lexicon, "nude lipstick on a naked woman")["terms.sexual"] >= 0.8


def test_a_phrase_does_not_cross_the_end_of_a_sentence(lexicon):
    assert strongest(lexicon, "We saw him strip. Clubs of walkers passed.")["terms.sexual"] == 0.0


def test_words_are_matched_whole(lexicon):
    assert strongest(lexicon, "Scunthorpe, Essex, cockpit, analysis, skidding, therapist")["terms.sexual"] == 0.0


@pytest.mark.parametrize("text", ["a dog on a beach", "porn and gore and meth"])
def test_each_signal_is_reported_and_no_other(lexicon, text):
    assert {score.signal for score in lexicon.score(text)} == SIGNALS == lexicon.signals


@pytest.mark.parametrize(
    "text",
    ["", "🎬🔥", "1234", "голая женщина на пляже", "裸の女性", "un homme tue une femme dans la rue avec un couteau"],
)
def test_what_it_cannot_read_is_unmeasured_and_not_clean(lexicon, text):
    with pytest.raises(MeasurementError):
        lexicon.score(text)


def test_a_list_that_lacks_a_signal_is_refused(tmp_path):
    path = tmp_path / "terms.toml"
    path.write_text('[[terms]]\nsignal = "terms.sexual"\nweight = 0.5\nphrases = ["nude"]\n')
    with pytest.raises(ClassifierError, match="does not fit the signals"):
        LexiconClassifier(path)


def test_a_missing_list_is_refused(tmp_path):
    with pytest.raises(ClassifierError, match="not readable"):
        LexiconClassifier(tmp_path / "none.toml")


def test_the_version_follows_the_list(tmp_path, lexicon):
    path = tmp_path / "terms.toml"
    from classifiers.vocabulary import LISTS

    path.write_text((LISTS / "terms.toml").read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert LexiconClassifier(path).version != lexicon.version
