"""Kappa is agreement beyond chance: symmetric, 1 for the same answers, and undefined where there is only one answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from safety.agreement import agreement

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def test_a_known_table() -> None:
    """20 both yes, 15 both no, 5 and 10 apart: observed 0.7, expected 0.5."""
    pairs = [(True, True)] * 20 + [(False, False)] * 15 + [(True, False)] * 5 + [(False, True)] * 10

    told = agreement(pairs)

    assert (told.pairs, told.observed) == (50, 0.7)
    assert told.kappa == pytest.approx(0.4)
    assert told.interval == pytest.approx((0.4 - 1.96 * 0.1296, 0.4 + 1.96 * 0.1296), abs=1e-3)


@given(PAIRS)
def test_it_is_what_others_compute_and_symmetric(pairs: list[tuple[bool, bool]]) -> None:
    told, turned = agreement(pairs), agreement([(second, first) for first, second in pairs])

    assert (told.kappa is None) == (turned.kappa is None)
    if told.kappa is None:
        assert len({answer for pair in pairs for answer in pair}) == 1
        return
    assert told.kappa == pytest.approx(turned.kappa)
    assert told.kappa == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True), labels=[False, True]))
    assert told.interval is not None
    assert -1 <= told.interval[0] <= told.kappa <= told.interval[1] <= 1


@given(st.lists(st.booleans(), min_size=2, max_size=40).filter(lambda answers: len(set(answers)) == 2))
def test_the_same_answers_agree_wholly(answers: list[bool]) -> None:
    assert agreement([(each, each) for each in answers]).kappa == 1


def test_without_pairs_nothing_is_measured() -> None:
    assert agreement([]) == agreement(iter(()))
    assert agreement([]).kappa is None
