from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.domain import Action, Evidence, Finding, TextSpan, Verdict
from safety.rewrite import FEWEST_WORDS, propose

SIGNALS = {
    "person": "names.public_figure",
    "character": "names.character",
    "brand": "names.brand",
    "artist": "names.artist_style",
    "phrase": "terms.violence",
}


def found(text: str, *marks: tuple[str, str], rewrite: bool = True, score: float | None = 0.9) -> Verdict:
    """A refusal on account of these (kind, words) of the text, each place of them."""
    evidence = []
    for kind, words in marks:
        start = text.find(words)
        while start >= 0:
            span = TextSpan(start, start + len(words))
            evidence.append(Evidence(SIGNALS[kind], 0.5, score, span, f"{kind}:{words}"))
            start = text.find(words, start + 1)
    finding = Finding("r", "x", Action.BLOCK, "No.", tuple(evidence), 3, rewrite=rewrite)
    return Verdict(Action.BLOCK, (finding,), (), "sha256:0")


@pytest.mark.parametrize(
    ("text", "marks", "told"),
    [
        (
            "Ada Star gives a speech, waving his hands",
            [("person", "Ada Star")],
            "A tall man in a suit gives a speech, waving his hands",
        ),
        (
            "a stage on which former president Ada Star sings her song",
            [("person", "Ada Star")],
            "a stage on which a woman in a long coat sings her song",
        ),
        (
            "Ada Star meets Bo Moon at sea, Ada Star laughs",
            [("person", "Ada Star"), ("person", "Bo Moon")],
            "A person in a grey coat meets another person in a blue coat at sea, the person laughs",
        ),
        (
            "Milo Mouse rides a bicycle downhill",
            [("character", "Milo Mouse")],
            "An original cartoon mouse rides a bicycle downhill",
        ),
        ("the Zorg drinks coffee at a bar", [("character", "Zorg")], "an original character drinks coffee at a bar"),
        (
            "Bim from the Zorg Film walks over a hill. Bim, a small green bird, sings",
            [("character", "Zorg Film")],
            "An original character walks over a hill. The character, a small green bird, sings",
        ),
        (
            "a meadow with Bim from zorgworld, Bim sleeps",
            [("character", "zorgworld")],
            "a meadow with an original character, the character sleeps",
        ),
        (
            "the vivid Fizz logo on a wall, a Fizz lamp under it",
            [("brand", "Fizz")],
            "the vivid invented logo on a wall, an unbranded lamp under it",
        ),
        (
            "an interview with Pia Ada Star in a hall, Star laughs",
            [("person", "Ada Star")],
            "an interview with a person in a grey coat in a hall, the person laughs",
        ),
        ("a house with the KB Fizz Group logo in Rome", [("brand", "Fizz")], "a house with the invented logo in Rome"),
        ("a Fizz can on a table", [("brand", "Fizz")], "an unbranded can on a table"),
        ("the Fizz logo on a red wall", [("brand", "Fizz")], "the invented logo on a red wall"),
        ("a red wall with the sign of Fizz", [("brand", "Fizz")], "a red wall with the sign of an invented brand"),
        (
            "a lighthouse at night in the style of Pia Paint",
            [("artist", "Pia Paint")],
            "a lighthouse at night in a painterly style",
        ),
        (
            "a castle by Pia Paint, Rob Brush and Lou Line, detailed",
            [("artist", "Pia Paint"), ("artist", "Rob Brush"), ("artist", "Lou Line")],
            "a castle in a painterly style, detailed",
        ),
        ("a castle in Pia Paint's style at dawn", [("artist", "Pia Paint")], "a castle in a painterly style at dawn"),
        ("A knight on a hill, grisly wounds, at dusk", [("phrase", "grisly wounds")], "A knight on a hill, at dusk"),
        ("Gore all over, a knight on a hill", [("phrase", "Gore all over")], "a knight on a hill"),
        ("An awful knight stands on a hill", [("phrase", "awful")], "A knight stands on a hill"),
        ("a field in spring with lots of blood", [("phrase", "blood")], "a field in spring"),
    ],
)
def test_what_was_found_is_made_generic_or_left_out(text, marks, told):
    rewrite = propose(text, found(text, *marks))

    assert rewrite is not None
    assert rewrite.text == told


def test_nothing_is_proposed_where_one_finding_may_not_be_rewritten():
    text = "Ada Star gives a speech in a hall"
    allowed, never = found(text, ("person", "Ada Star")), found(text, ("phrase", "speech"), rewrite=False)
    both = Verdict(Action.BLOCK, (*allowed.findings, *never.findings), (), "sha256:0")

    assert propose(text, allowed) is not None
    assert propose(text, both) is None


def test_nothing_is_proposed_for_what_nobody_measured():
    text = "Ada Star gives a speech in a hall"

    assert propose(text, found(text, ("person", "Ada Star"), score=None)) is None
    assert propose(text, Verdict(Action.REVIEW, (), (), "sha256:0")) is None


def test_nothing_is_proposed_for_what_passes():
    assert propose("a field in spring", Verdict(Action.ALLOW, (), (), "sha256:0")) is None


def test_nothing_is_proposed_when_no_scene_would_be_left():
    text = "a man is stabbed, grisly wounds"

    assert propose(text, found(text, ("phrase", "stabbed"), ("phrase", "grisly wounds"))) is None


def test_a_verdict_about_a_longer_text_is_not_applied():
    assert propose("a field", found("a field in spring with Ada Star", ("person", "Ada Star"))) is None


words = st.lists(st.sampled_from(["a", "the", "field", "Ada", "in", "style", "by", "and", "of", ",", "with", "dawn"]))


@given(words, st.lists(st.tuples(st.integers(0, 80), st.integers(1, 9), st.sampled_from(sorted(SIGNALS))), max_size=5))
def test_edits_are_in_order_apart_and_make_the_text(pieces, places):
    text = " ".join(pieces)
    evidence = tuple(
        Evidence(SIGNALS[kind], 0.5, 0.9, TextSpan(start, start + length), f"{kind}:x")
        for start, length, kind in places
        if start + length <= len(text)
    )
    verdict = Verdict(Action.BLOCK, (Finding("r", "x", Action.BLOCK, "No.", evidence, 3, rewrite=True),), (), "p")

    rewrite = propose(text, verdict)

    if rewrite is None:
        return
    made, at = "", 0
    for edit in rewrite.edits:
        assert at <= edit.start <= edit.end <= len(text)
        made += text[at : edit.start] + edit.replacement
        at = edit.end
    assert made + text[at:] == rewrite.text
    assert len(rewrite.text.split()) >= FEWEST_WORDS
    assert all(
        any(edit.start < each.span.end and each.span.start < edit.end for edit in rewrite.edits) for each in evidence
    )
