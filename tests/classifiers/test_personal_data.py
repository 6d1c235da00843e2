"""What identifies a private person is found by its form and its check digits; dates, prices and examples are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.personal_data import SIGNAL, PersonalDataClassifier

CLASSIFIER = PersonalDataClassifier()


def kinds(text: str) -> list[str]:
    return [score.detail.removeprefix("personal_data:") for score in CLASSIFIER.score(text) if score.value]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to jane.roe@mail-host.co.uk today", "email"),
        ("JANE.ROE @ GMAIL . COM", "email"),
        ("call +49 151 2345 6789 now", "phone"),
        ("Tel. (030) 901 820 44", "phone"),
        ("ring 415-867-5309 2", "phone"),
        ("0044 20 7946 1234", "phone"),
        ("IBAN DE89 3704 0044 0532 0130 00", "iban"),
        ("GB82WEST12345698765432", "iban"),
        ("card 4111 1111 1111 1111 ok", "card"),
        ("she lives at 221 Baker Street, London", "address"),
        ("Hauptstraße 17b in Wien", "address"),
        ("12 rue de Rivoli, Paris", "address"),
        ("Via Garibaldi, 22", "address"),
    ],
)
def test_it_is_found_where_it_stands(text: str, kind: str) -> None:
    (score,) = CLASSIFIER.score(text)

    assert kinds(text) == [kind]
    assert score.value >= 0.7
    assert text[score.span.start : score.span.end].strip()


@pytest.mark.parametrize(
    "text",
    [
        "a red ball on a meadow",
        "the battle of 1066 and the war of 1939-1945",
        "recorded on 2024-11-27 at 12:30:15",
        "price 1,299,000.50 dollars, 37 % off",
        "score 12:34, lap 3 of 20, 1920x1080 at 60 fps",
        "info@example.com, post@shop.test",
        "call 202-555-0147",
        "DE00 3704 0044 0532 0130 00",
        "serial 4111 1111 1111 1112",
        "a street with 20 houses and a place to rest",
        "version 10.4.2.118, model X-200",
        "phone 0000 0000 0000",
        "@somebody likes this",
        "KILL THEM ALL 1488",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert kinds(text) == []
    assert [(score.signal, score.value) for score in CLASSIFIER.score(text)] == [(SIGNAL, 0.0)]


def test_each_place_is_told_once_and_many_are_bounded() -> None:
    assert sorted(kinds("a.b@mail.org and DE89 3704 0044 0532 0130 00")) == ["email", "iban"]
    assert len(CLASSIFIER.score(" ".join(f"user{at}@mail.org" for at in range(40)))) == 16


@given(st.text(max_size=200))
def test_any_text_is_measured_and_places_lie_inside_it(text: str) -> None:
    for score in CLASSIFIER.score(text):
        assert score.signal == SIGNAL
        assert score.span is None or 0 <= score.span.start < score.span.end <= len(text)
