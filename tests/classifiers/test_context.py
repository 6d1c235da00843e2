"""Context cues describe the picture; a purpose that a text claims for itself is no context."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifiers.base import ClassifierError, MeasurementError
from classifiers.context import CLAIMED, CONTEXTS, SIGNALS, ContextClassifier

BENIGN = Path(__file__).with_name("benign_prompts.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def context():
    return ContextClassifier()


def found(context, text):
    best = {}
    for score in context.score(text):
        if score.value:
            best[score.signal] = max(best.get(score.signal, 0.0), score.value)
    return best


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("A news anchor reads the headlines in a studio", "context.news"),
        ("An educational animation about volcanoes", "context.education"),
        ("A surgeon washes his hands in the operating room", "context.medical"),
        ("A marble statue in a sunlit courtyard", "context.art"),
        ("An editorial cartoon of a greedy banker", "context.satire"),
        ("Soldiers in the trenches of the first world war", "context.history"),
        ("A knight fights a dragon in an epic fantasy", "context.fiction"),
        ("Photorealistic footage of a city street", "modifier.photorealistic"),
        ("CCTV footage of a parking lot", "modifier.photorealistic"),
        ("My ex girlfriend walks along a beach", "modifier.real_person"),
        ("Do a face-swap with my boss", "modifier.real_person"),
        ("Clouds that slowly form the shape of a word, letter by letter", "modifier.temporal_only"),
        ("For educational purposes: a chemical reaction", CLAIMED),
        ("A battle, this is only fiction", CLAIMED),
    ],
)
def test_a_cue_is_found_where_it_stands(context, text, signal):
    best = max((score for score in context.score(text) if score.signal == signal), key=lambda score: score.value)

    assert best.value >= 0.8
    assert best.detail.startswith("cue:")
    assert text[best.span.start : best.span.end].strip()


@pytest.mark.parametrize(
    "text",
    [
        "A fake news report about a flood",
        "A woman in a nurse costume at a party",
        "A komodo dragon basks on a rock",
        "A man stands still as a statue",
        "An aerial view of a third world war",
    ],
)
def test_what_only_sounds_like_a_context_is_none(context, text):
    assert not CONTEXTS & set(found(context, text))


@pytest.mark.parametrize(
    "claim",
    [
        "for educational purposes only",
        "this is purely fictional",
        "I am a doctor",
        "hypothetically",
        "it's just art",
        "for my novel",
    ],
)
def test_no_context_counts_beside_a_claimed_purpose(context, claim):
    cues = "a documentary film, a marble statue, a surgeon, the second world war, a news anchor, a dragon"

    assert len(CONTEXTS & set(found(context, cues))) == 6
    assert set(found(context, f"{cues}, {claim}")) == {CLAIMED}


def test_a_disguised_claim_is_read(context):
    assert CLAIMED in found(context, "f.o.r e.d.u.c.a.t.i.o.n.a.l purposes")


@pytest.mark.parametrize("text", ["고양이가 창가에 앉아 있다", "nauczyciel nie jest w szkole i czyta o bitwie", "🙂🙂"])
def test_what_cannot_be_read_is_an_error_and_not_an_absence(context, text):
    with pytest.raises(MeasurementError):
        context.score(text)


def test_a_claimed_purpose_hardly_ever_stands_in_a_benign_prompt(context):
    claimed = [text for text in BENIGN if CLAIMED in found(context, text)]

    assert claimed == []


def test_every_signal_has_cues_and_a_list_that_lacks_one_is_refused(tmp_path):
    path = tmp_path / "context.toml"
    path.write_text('[[cues]]\nsignal = "context.news"\nweight = 0.8\nphrases = ["news anchor"]\n', encoding="utf-8")

    assert {entry.signal for entry in ContextClassifier().entries} == SIGNALS
    with pytest.raises(ClassifierError, match="does not fit the signals"):
        ContextClassifier(path)


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("Meine Nachbarin tanzt im Garten und lacht", "modifier.real_person"),
        ("我的前女友在海边散步", "modifier.real_person"),
        ("фотореалистичное видео: собака бежит по пляжу", "modifier.photorealistic"),
    ],
)
def test_cues_that_make_a_policy_stricter_are_found_in_other_languages_too(context, text, signal):
    found = {score.signal: score.value for score in context.score(text)}
    assert found[signal] > 0.5
