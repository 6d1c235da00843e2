"""Who looked at much has to rest: a budget in any 24 hours, and a break after an hour without one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.errors import Conflict
from safety.exposure import Budget, Exposure, standing
from safety.ledger import Ledger
from safety.lookup.desk import DeskReader
from tests.safety.making import NOON

MINUTE = timedelta(minutes=1)
BUDGET = Budget(looks_a_day=5, stretch=60 * MINUTE, rest=10 * MINUTE)


def at(*minutes: float) -> list:
    return [NOON + each * MINUTE for each in minutes]


def test_who_looked_at_little_goes_on() -> None:
    told = standing(at(0, 5), NOON + 6 * MINUTE, BUDGET)

    assert (told.looks, told.working_since, told.wait_until) == (2, NOON, None)
    assert standing([], NOON, BUDGET).looks == 0


def test_an_hour_without_a_rest_asks_for_one() -> None:
    looks = at(0, 9, 18, 27)
    budget = Budget(looks_a_day=0, stretch=30 * MINUTE, rest=10 * MINUTE)

    assert standing(looks, NOON + 29 * MINUTE, budget).wait_until is None
    told = standing(looks, NOON + 30 * MINUTE, budget)
    assert told.wait_until == NOON + 37 * MINUTE
    assert "30 minutes of looking ask for a break" in told.why
    assert standing(looks, NOON + 37 * MINUTE, budget).wait_until is None, "rested"
    assert standing(at(0, 9, 19, 28), NOON + 30 * MINUTE, budget).working_since == NOON + 19 * MINUTE


def test_the_budget_of_a_day_is_of_any_24_hours() -> None:
    looks = at(0, 60, 120, 180, 240)

    told = standing(looks, NOON + 300 * MINUTE, BUDGET)

    assert told.wait_until == NOON + timedelta(hours=24)
    assert standing(looks, NOON + timedelta(hours=24), BUDGET).wait_until is None


@given(
    st.lists(st.integers(0, 3000), max_size=40), st.integers(1, 20), st.integers(1, 90), st.integers(1, 30),
    st.integers(0, 3000),
)  # fmt: skip
def test_waiting_as_long_as_it_says_is_enough(
    minutes: list[int], looks: int, stretch: int, rest: int, now: int
) -> None:
    budget = Budget(looks, stretch * MINUTE, rest * MINUTE)
    told = standing(at(*sorted(minutes)), NOON + now * MINUTE, budget)

    if told.wait_until is not None:
        assert told.wait_until > NOON + now * MINUTE
        later = [each for each in at(*sorted(minutes)) if each <= NOON + now * MINUTE]
        assert standing(later, told.wait_until, budget).wait_until is None


def test_the_record_says_how_much_a_reviewer_looked_at(ledger: Ledger) -> None:
    clock = [NOON]
    exposure = Exposure(DeskReader(ledger.engine), lambda: clock[0], Budget(looks_a_day=2))
    for number in range(2):
        ledger.append_event(
            "reveal", f"look_{number}", {"decision": "d", "job": None, "reviewer": "ada", "what": "file"}
        )
    clock[0] = DeskReader(ledger.engine).looks("ada", NOON)[-1] + MINUTE

    with pytest.raises(Conflict, match=r"2 looks in 24 hours are the budget of a day: look at the next one from"):
        exposure.require("ada")
    exposure.require("bob")
    clock[0] += timedelta(hours=24)
    exposure.require("ada")
