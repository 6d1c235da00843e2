from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.domain import Action, Evidence, Finding, Tier
from safety.severity import gravest, severity_of, tier_of

bases = st.integers(1, 7)
shares = st.floats(0.01, 1)


def of(base: int, score: float | None, threshold: float = 0.4) -> int | None:
    return severity_of(base, [Evidence("a", threshold, score)])


@pytest.mark.parametrize(("score", "severity"), [(0.4, 3), (0.59, 3), (0.61, 4), (0.79, 4), (0.81, 5), (1.0, 5)])
def test_a_third_of_the_way_over_the_threshold_is_one_step(score, severity):
    assert of(4, score) == severity


def test_it_stays_between_one_and_seven():
    assert of(1, 0.4) == 1
    assert of(6, 1.0) == 7


def test_the_gravest_category_is_grave_whatever_the_score():
    assert of(7, 0.4) == 7


def test_a_threshold_of_one_is_wholly_reached():
    assert of(3, 1.0, threshold=1.0) == 4


def test_a_conjunction_is_as_grave_as_its_weakest_condition_and_its_strongest_place():
    strong, weak = Evidence("a", 0.4, 1.0), Evidence("b", 0.4, 0.45)

    assert severity_of(4, [strong, weak]) == 3
    assert severity_of(4, [strong, weak, Evidence("b", 0.4, 0.9)]) == 5


def test_what_is_unmeasured_has_no_severity_and_is_never_called_harmless():
    assert of(7, None) is None
    assert severity_of(7, [Evidence("a", 0.4, 1.0), Evidence("b", 0.4, None)]) is None
    assert tier_of(None) is Tier.UNKNOWN


@given(bases, shares, shares, shares)
def test_a_higher_score_never_lowers_it(base, threshold, one, other):
    low, high = sorted((max(one, threshold), max(other, threshold)))

    assert of(base, low, threshold) <= of(base, high, threshold)


@given(bases, shares, shares, shares)
def test_a_lower_threshold_never_lowers_it(base, score, one, other):
    low, high = sorted((min(one, score), min(other, score)))

    assert of(base, score, low) >= of(base, score, high)


@given(bases, shares, shares)
def test_a_graver_category_is_never_less_grave(base, threshold, score):
    assert of(min(7, base + 1), max(score, threshold), threshold) >= of(base, max(score, threshold), threshold)


def test_a_verdict_is_as_grave_as_its_gravest_finding():
    findings = [Finding("r", "x", Action.REVIEW, "No.", (), severity) for severity in (None, 2, 6)]

    assert gravest(Action.REVIEW, findings) == 6
    assert gravest(Action.REVIEW, findings[:1]) is None
    assert gravest(Action.REVIEW, []) is None
    assert gravest(Action.ALLOW, []) == 0


def test_every_severity_has_a_tier():
    assert [tier_of(severity).value for severity in range(8)] == [
        "none", "low", "low", "medium", "medium", "high", "high", "critical",
    ]  # fmt: skip
