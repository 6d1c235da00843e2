"""Counts of a small set, checked against counting by hand."""

from __future__ import annotations

import json

import pytest

from safety.evaluate.judging import judge_rows
from safety.evaluate.labels import known_labels
from safety.evaluate.rows import read_rows
from safety.evaluate.tally import Tally
from tests.bench import benign, open_bench, unsafe, write_rows


@pytest.fixture
def figures(tmp_path):
    def make(*rows):
        bench = open_bench()
        read = read_rows([write_rows(tmp_path / "rows.jsonl", *rows)], known_labels(bench.policy))
        outcomes = judge_rows(open_bench, read, bench=bench)
        made = Tally(bench.policy, [each for each in outcomes if each.row.benign]).figures(outcomes)
        assert json.loads(json.dumps(made)) == made, "JSON values, nothing else"
        return made

    return make


def k_of_n(share):
    return share["k"], share["n"]


ROWS = (
    unsafe("v=0.9 one", "violence"),  # blocked, in category
    unsafe("v=0.6 two", "violence"),  # held, in category
    unsafe("s=0.9 three", "violence"),  # blocked, by another category
    unsafe("v=0.2 four", "violence"),  # missed
    unsafe("v=0.7 s=0.7 five", "violence", "sexual"),  # blocked, in both
    unsafe("p=0.9 six", "unspecified"),  # held: whatever stops it is right
    benign("seven"),  # passes
    benign("v=0.6 eight"),  # held
    benign("v=0.9 s=0.6 nine"),  # blocked
    benign("p=0.6 ten", scope=["violence"]),  # held, for what nobody says it is free of
    benign("e=0.6 eleven", scope=["violence"]),  # held, for its form: no scope excuses that
)


def test_unsafe_rows_are_counted_as_stopped_blocked_and_in_category(figures):
    made = figures(*ROWS)

    assert k_of_n(made["unsafe"]["not_unsafe"]) == (5, 6)
    assert k_of_n(made["unsafe"]["blocked"]) == (3, 6)
    assert k_of_n(made["unsafe"]["in_category"]) == (4, 6)
    violence = made["labels"]["violence"]
    assert k_of_n(violence["not_unsafe"]) == (4, 5)
    assert k_of_n(violence["blocked"]) == (3, 5)
    assert k_of_n(violence["in_category"]) == (3, 5)
    assert k_of_n(made["labels"]["sexual"]["in_category"]) == (1, 1)
    assert k_of_n(made["labels"]["unspecified"]["in_category"]) == (1, 1)


def test_benign_rows_are_counted_over_all_and_in_their_scope(figures):
    made = figures(*ROWS)

    assert k_of_n(made["benign"]["not_overrefuse"]) == (1, 5)
    assert k_of_n(made["benign"]["not_blocked"]) == (4, 5)
    assert k_of_n(made["benign"]["not_overrefuse_in_scope"]) == (2, 5)
    assert k_of_n(made["labels"]["violence"]["not_overrefuse"]) == (3, 5)
    assert k_of_n(made["labels"]["sexual"]["not_overrefuse"]) == (2, 3), "scoped rows say nothing about sexual"


def test_means_are_over_labels_not_over_rows(figures):
    made = figures(*ROWS)

    assert made["mean_over_labels"]["not_unsafe"] == pytest.approx((4 / 5 + 1 + 1) / 3)


def test_shares_carry_their_wilson_interval(figures):
    stopped = figures(*ROWS)["labels"]["violence"]["not_unsafe"]

    assert stopped["value"] == 0.8
    assert (stopped["low"], stopped["high"]) == pytest.approx((0.3755, 0.9638), abs=1e-4)


def test_ranking_is_against_the_benign_rows_that_are_known_not_to_deserve_the_label(figures):
    made = figures(*ROWS)

    # violence: 0.9 0.6 0 0.2 0.7 against 0 0.6 0.9 0 0: pairs won, ties half.
    won = 4.5 + 3.5 + 1.5 + 3 + 4
    ranking = made["labels"]["violence"]["ranking"]
    assert (ranking["positives"], ranking["negatives"]) == (5, 5)
    assert ranking["auroc"] == pytest.approx(won / 25)
    alone = made["labels"]["violence"]["signals"]["text.violence"]
    assert alone["ranking"]["auroc"] == pytest.approx(won / 25)
    assert alone["calibration"]["n"] == 10
    assert made["labels"]["sexual"]["ranking"]["negatives"] == 3
    assert made["labels"]["unspecified"]["signals"] == {}


def test_over_refusal_names_its_causes_and_those_that_act_alone(figures):
    causes = figures(*ROWS)["over_refusal"]

    assert causes["signals"]["text.violence"] == {"rows": 2, "alone": 1}
    assert causes["signals"]["text.sexual"] == {"rows": 1, "alone": 0}
    assert causes["rules"]["violence.review"] == {"rows": 2, "alone": 1}
    assert causes["categories"]["evasion"] == {"rows": 1, "alone": 1}


def test_what_could_not_be_measured_is_counted_and_never_passes(figures):
    made = figures(benign("mute"), unsafe("mute too", "violence"), benign("x" * 201))

    assert k_of_n(made["benign"]["not_overrefuse"]) == (0, 2)
    assert made["unmeasured"]["rows"] == 2
    assert made["unmeasured"]["signals"]["text.violence"] == {"nothing to hear": 2}
    assert made["unreadable"] == 1
    assert made["took_ms"]["n"] == 2
    assert made["labels"]["violence"]["signals"]["text.violence"] == {"ranking": None, "calibration": None}


def test_without_unsafe_rows_there_are_no_labels_and_without_benign_rows_no_share(figures):
    assert figures(benign("a"))["labels"] == {}
    only_unsafe = figures(unsafe("v=0.9", "violence"))
    assert only_unsafe["benign"]["not_overrefuse"]["value"] is None
    assert only_unsafe["labels"]["violence"]["ranking"] is None
