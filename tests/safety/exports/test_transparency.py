"""A transparency report counts each thing once, in its own period, and says what nobody knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sqlalchemy import Engine

from safety.appeals import Appeals
from safety.checkpoints import LogKey
from safety.domain import Action, Checkpoint, Unmeasured
from safety.errors import Conflict
from safety.exports.transparency import report_of, tally
from safety.exports.transparency_page import pages, write_report
from safety.ledger import Ledger
from safety.review import Review
from tests.safety.making import NOON, a_decision

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(engine: Engine, log_key: LogKey, clock: Clock) -> Iterator[Ledger]:
    with Ledger(engine, log_key, clock=clock) as ledger:
        yield ledger


@pytest.fixture
def busy(ledger: Ledger, clock: Clock) -> Ledger:
    """A day: 4 allowed, 3 held (two decided after 2 and 6 hours), 3 refused (two appealed, one overturned)."""
    review, appeals = Review(ledger, clock), Appeals(ledger, clock)
    for number in range(4):
        made = a_decision(number)
        clean = replace(made.verdict, unmeasured=())
        ledger.append_decision(made if number else replace(made, verdict=clean))
    for number in (10, 11, 12):
        made = replace(a_decision(number, action=Action.REVIEW, category="hate"), at=NOON)
        ledger.append_decision(replace(made, verdict=replace(made.verdict, unmeasured=())))
    for number in (20, 21, 22):
        made = replace(a_decision(number, action=Action.BLOCK, checkpoint=Checkpoint.OUTPUT), at=NOON)
        gap = (Unmeasured("frame.gore", "broken"),) if number == 20 else ()
        ledger.append_decision(replace(made, verdict=replace(made.verdict, unmeasured=gap)))
    clock.now = NOON + 2 * HOUR
    review.decide("dec_10", allow=False, reviewer="ada", reason="so", code="violation")
    clock.now = NOON + 6 * HOUR
    review.decide("dec_11", allow=True, reviewer="ada", reason="so", code="no_violation")
    first, second = (appeals.file(id_, by="key_x", reason="why") for id_ in ("dec_20", "dec_21"))
    clock.now += 3 * HOUR
    appeals.answer(first.id, overturn=True, reviewer="bob", reason="so", code="mistake")
    clock.now += 20 * DAY
    appeals.answer(second.id, overturn=False, reviewer="bob", reason="so")
    appeals.file("dec_22", by="key_x", reason="why")
    return ledger


def report(ledger: Ledger, since: datetime = NOON, until: datetime = NOON + 40 * DAY):
    return report_of(tally(ledger, since, until))


def test_volumes_automation_and_categories(busy: Ledger) -> None:
    made = report(busy)

    assert made["decisions"]["by_checkpoint"] == {
        "output": {"allow": 0, "review": 0, "block": 3},
        "prompt": {"allow": 4, "review": 3, "block": 0},
    }
    assert made["decisions"]["total"] == 10
    assert made["decisions"]["by_month"] == {"2025-03": {"allow": 4, "review": 3, "block": 3}}
    alone = made["automation"]["decided_by_policy_alone"]
    assert (alone["k"], alone["n"], alone["value"]) == (7, 10, 0.7)
    assert alone["interval"][0] < 0.7 < alone["interval"][1]
    assert made["automation"]["waiting_at_the_end"] == 1
    assert made["categories"]["hate"] == {
        "allow": 0, "review": 3, "block": 0, "kept": 1, "released": 1, "appealed": 0, "overturned": 0,
    }  # fmt: skip
    assert (made["categories"]["violence"]["appealed"], made["categories"]["violence"]["overturned"]) == (3, 1)


def test_people_their_delays_and_their_reasons(busy: Ledger) -> None:
    reviews = report(busy)["reviews"]

    assert (reviews["decided"], reviews["refused"], reviews["released"], reviews["undone"]) == (2, 1, 1, 0)
    assert reviews["reason_codes"] == {"no_violation": 1, "violation": 1}
    assert reviews["hours"] == {"n": 2, "median": 2.0, "p90": 6.0, "longest": 6.0}


def test_appeals_with_what_is_late_and_what_is_open(busy: Ledger) -> None:
    appeals = report(busy)["appeals"]

    told = {name: appeals[name] for name in ("filed", "upheld", "overturned", "withdrawn", "open", "overdue")}
    assert told == {"filed": 3, "upheld": 1, "overturned": 1, "withdrawn": 0, "open": 1, "overdue": 1}
    assert appeals["answered_late"] == 1
    assert (appeals["overturn_rate"]["k"], appeals["overturn_rate"]["n"]) == (1, 2)
    assert appeals["hours"]["median"] == 3.0
    assert appeals["hours"]["longest"] == 20 * 24 + 3


def test_what_could_not_be_measured_is_counted_by_what_became_of_it(busy: Ledger) -> None:
    unmeasured = report(busy)["unmeasured"]

    assert (unmeasured["decisions"]["k"], unmeasured["decisions"]["n"]) == (4, 10)
    assert unmeasured["by_action"] == {"allow": 3, "review": 0, "block": 1}
    assert unmeasured["by_signal"] == {"frame.nudity": 3, "frame.gore": 1}


def test_what_policies_missed_is_known_from_samples(busy: Ledger, clock: Clock) -> None:
    assert report(busy)["accuracy"]["sampled_allowed_that_people_would_refuse"]["n"] == 0
    for number, allow in enumerate((True, False, True)):
        body = {"decision": f"dec_{number}", "reviewer": "bob", "purpose": "sample", "allow": allow}
        busy.append_event("opinion", f"opi_{number}", {**body, "code": "other", "reason": "so"})

    made = report(busy)

    share = made["accuracy"]["sampled_allowed_that_people_would_refuse"]
    assert (share["k"], share["n"]) == (1, 3)
    assert "| sampled allowed content that a person would have refused | 33.3% | 1 of 3 |" in pages(made)["report.md"]


def test_each_thing_counts_in_the_period_in_which_it_happened(busy: Ledger) -> None:
    middle = NOON + 5 * HOUR
    first, second = report(busy, until=middle), report(busy, since=middle)

    assert (first["decisions"]["total"], second["decisions"]["total"]) == (10, 0)
    assert (first["reviews"]["decided"], second["reviews"]["decided"]) == (1, 1)
    assert second["reviews"]["hours"]["longest"] == 6.0, "a hold of the period before is known"
    assert (first["appeals"]["filed"], second["appeals"]["filed"]) == (0, 3)
    assert first["automation"]["waiting_at_the_end"] == 2
    late = report(busy, since=NOON + 10 * DAY)["appeals"]
    assert (late["filed"], late["upheld"], late["overturned"]) == (1, 1, 0)


def test_a_decision_taken_back_waits_again(ledger: Ledger, clock: Clock) -> None:
    review = Review(ledger, clock)
    ledger.append_decision(a_decision(1, action=Action.REVIEW))
    decided = review.decide("dec_1", allow=False, reviewer="ada", reason="so")
    review.undo(decided.id, reviewer="ada", reason="so")

    made = report(ledger)

    assert (made["reviews"]["decided"], made["reviews"]["undone"], made["automation"]["waiting_at_the_end"]) == (
        1,
        1,
        1,
    )


def test_a_period_without_anything_says_that_nothing_was_measured(ledger: Ledger) -> None:
    made = report(ledger)

    assert made["decisions"]["total"] == 0
    assert made["accuracy"]["holds_that_people_confirmed"] == {"k": 0, "n": 0, "value": None, "interval": None}
    assert "not measured" in pages(made)["report.md"]
    with pytest.raises(Conflict, match="ends before it begins"):
        report(ledger, since=NOON, until=NOON)


def test_the_pages_tell_the_same_figures(busy: Ledger, tmp_path: Path) -> None:
    made = report(busy)
    write_report(made, tmp_path / "report")
    write_report(made, tmp_path / "again")

    files = {path.name: path.read_text() for path in (tmp_path / "report").iterdir()}
    assert files == {path.name: path.read_text() for path in (tmp_path / "again").iterdir()}
    assert json.loads(files["report.json"]) == made
    page = files["report.md"]
    for row in (
        "| prompt | 4 | 3 | 0 | 7 |",
        "| decided by a policy alone | 70.0% | 7 of 10 |",
        "| hate | 0 | 3 | 0 | 1 | 1 | 0 | 0 |",
        "| 3 | 1 | 1 | 0 | 1 | 1 | 1 |",
        "median 2.0 h, 90th percentile 6.0 h, longest 6.0 h (N = 2)",
        "| frame.gore | 1 |",
    ):
        assert row in page, row
    for name in ("months.svg", "categories.svg", "overturned.svg"):
        assert f"({name})" in page
        assert ElementTree.fromstring(files[name]).tag.endswith("svg")  # noqa: S314 - our own
    assert "ada" not in page and "key_x" not in page
