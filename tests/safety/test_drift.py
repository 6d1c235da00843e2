"""Scores that are spread as before do not drift, moved ones do, and few say nothing. On both databases."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from classifiers.base import Score
from safety.database import writing
from safety.domain import Actor
from safety.drift import LEAST, drifts, psi
from safety.ledger import Ledger
from safety.lookup.samples import sample_records
from safety.merkle import leaf_hash
from safety.projections import COLUMNS, DECISION, project
from safety.records import decision_to_record, encode
from safety.tables import entries, metadata
from tests.safety.making import NOON, a_decision

COUNTS = st.lists(st.integers(0, 500), min_size=1, max_size=16)


@given(COUNTS)
def test_equal_spreads_do_not_drift(counts: list[int]) -> None:
    assert psi(counts, counts) == 0


@given(st.integers(1, 16).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 500), min_size=n, max_size=n)] * 2)))
def test_a_drift_is_never_negative_and_the_same_both_ways(both: tuple[list[int], list[int]]) -> None:
    now, before = both

    assert psi(now, before) >= -1e-12
    assert psi(now, before) == pytest.approx(psi(before, now))


def test_the_index_is_the_sum_of_the_formula() -> None:
    # (0.5-0.25)·ln 2 + (0.5-0.75)·ln(2/3), with half a count in each bin of 999 and 999
    assert psi([999_999, 999_999], [499_999, 1_500_001]) == pytest.approx(0.25 * 0.6931472 + 0.25 * 0.4054651, abs=1e-5)


@pytest.mark.parametrize(("now", "before"), [([], []), ([1], [1, 2])])
def test_histograms_that_do_not_fit_are_refused(now: list[int], before: list[int]) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        psi(now, before)


def load(ledger: Ledger, start: int, days_ago: float, values: Sequence[float], kind: str = "policy") -> None:
    """Put decisions with one score each into the tables, at once."""
    rows: dict[str, list[dict[str, object]]] = {"entries": [], **{name: [] for name in COLUMNS}}
    for position, value in enumerate(values, start):
        decision = a_decision(position)
        measurement = replace(decision.measurement, scores=(Score("text.hate", value), Score("text.hate", value / 2)))
        at = NOON - timedelta(days=days_ago)
        record = decision_to_record(replace(decision, at=at, measurement=measurement, actor=Actor(kind, "x")))
        body = encode(DECISION, record)
        stored = (position, decision.id, DECISION, at, body, leaf_hash(body))
        rows["entries"].append(dict(zip(entries.columns.keys(), stored, strict=True)))
        for name, more in project(position, DECISION, record).items():
            rows[name] += [dict(zip(COLUMNS[name], row, strict=True)) for row in more]
    with writing(ledger.engine) as connection:
        for name, each in rows.items():
            if each:
                connection.execute(insert(metadata.tables[name]), each)


def test_a_shift_of_the_last_day_shows_and_chance_does_not(ledger: Ledger) -> None:
    chance = random.Random(3)
    load(ledger, 0, 10, [chance.betavariate(1, 6) for _ in range(600)])
    load(ledger, 600, 0.5, [chance.betavariate(1, 6) for _ in range(300)])
    (calm,) = drifts(ledger, NOON)
    assert (calm.signal, calm.now, calm.before) == ("text.hate", 300, 600)
    assert calm.psi is not None
    assert calm.psi < 0.15

    load(ledger, 900, 0.25, [chance.betavariate(4, 3) for _ in range(300)])
    (moved,) = drifts(ledger, NOON)

    assert moved.psi is not None
    assert moved.psi > 0.5


def test_few_scores_and_those_of_people_say_nothing(ledger: Ledger) -> None:
    load(ledger, 0, 10, [0.1] * LEAST)
    load(ledger, LEAST, 0.5, [0.9] * (LEAST - 1))
    load(ledger, 2 * LEAST, 0.5, [0.9] * LEAST, kind="reviewer")

    (few,) = drifts(ledger, NOON)

    assert (few.psi, few.now) == (None, LEAST - 1)


def test_a_sample_is_even_and_bounded(ledger: Ledger) -> None:
    load(ledger, 0, 0.5, [0.1] * 105)

    found = [
        int(record["id"].removeprefix("dec_"))
        for record in sample_records(ledger.engine, NOON - timedelta(1), NOON, 10)
    ]

    assert len(found) <= 10
    assert {later - earlier for earlier, later in pairwise(found)} == {11}
