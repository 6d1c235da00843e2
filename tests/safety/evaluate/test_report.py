"""The report holds every group and no text; its pages show its figures; scores and errors name rows by id."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from safety.errors import SafetyError
from safety.evaluate.judging import judge_rows
from safety.evaluate.labels import known_labels
from safety.evaluate.pages import table, write_pages
from safety.evaluate.report import report, worst_errors, write_scores
from safety.evaluate.rows import read_rows
from tests.bench import benign, open_bench, unsafe, write_rows

AT = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
def made(tmp_path):
    """Two sources, judged and reported."""
    bench = open_bench()
    files = [
        write_rows(
            tmp_path / "first.jsonl",
            unsafe("zeppelin v=0.9", "violence", id="stopped"),
            unsafe("zeppelin v=0.3", "violence", id="near miss"),
            unsafe("zeppelin v=0.01", "violence", id="far miss"),
            benign("zeppelin", id="fine"),
        ),
        write_rows(
            tmp_path / "second.jsonl",
            benign("zeppelin v=0.6", id="held"),
            benign("zeppelin v=0.9", id="blocked", scope=["violence"]),
        ),
    ]
    outcomes = judge_rows(open_bench, read_rows(files, known_labels(bench.policy)), bench=bench)
    return bench, outcomes, report(bench, files, outcomes, at=AT, how={"processes": 1})


def test_a_report_says_what_it_depends_on_and_holds_no_text(made):
    bench, _, report = made

    assert report["policy"]["digest"] == bench.policy.digest
    assert report["classifiers"] == {"numbers": "1"}
    assert [each["name"] for each in report["files"]] == ["first.jsonl", "second.jsonl"]
    assert set(report["sources"]) == {"first", "second"}
    assert "zeppelin" not in json.dumps(report)


def test_a_source_without_benign_rows_of_its_own_is_ranked_against_those_of_the_others(made):
    ranking = made[2]["sources"]["first"]["labels"]["violence"]["ranking"]

    assert (ranking["positives"], ranking["negatives"]) == (3, 3)


def test_the_worst_errors_come_first_and_show_texts_only_on_request(made):
    bench, outcomes, _ = made

    errors = worst_errors(bench, outcomes, 5, show_text=False)

    assert [each["id"] for each in errors["misses"]] == ["far miss", "near miss"]
    assert [each["id"] for each in errors["over_refusals"]] == ["blocked", "held"]
    assert errors["misses"][1]["scores"] == {"text.violence": 0.3}
    assert errors["over_refusals"][0]["rules"] == ["violence.block", "violence.review"]
    assert "zeppelin" not in json.dumps(errors)
    assert worst_errors(bench, outcomes, 1, show_text=True)["misses"][0]["text"] == "zeppelin v=0.01"
    assert len(worst_errors(bench, outcomes, 1, show_text=True)["misses"]) == 1


def test_scores_are_one_line_a_row_with_every_signal_and_no_text(made, tmp_path):
    write_scores(tmp_path / "scores.jsonl", made[1])

    text = (tmp_path / "scores.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["id"] for line in lines] == ["stopped", "near miss", "far miss", "fine", "held", "blocked"]
    assert lines[0]["scores"] == {"names.person": 0, "text.evasion": 0, "text.sexual": 0, "text.violence": 0.9}
    assert lines[5]["scope"] == ["violence"]
    assert lines[5]["action"] == "block"
    assert "zeppelin" not in text


def test_pages_show_the_figures_of_the_report_beside_drawable_charts(made, tmp_path):
    bench, outcomes, report = made
    report["errors"] = worst_errors(bench, outcomes, 2, show_text=False)

    paths = write_pages(tmp_path / "out", report, bench.policy, outcomes)

    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    page = (tmp_path / "out" / "report.md").read_text()
    assert "| violence | 3 | 1 | 33.3 % [6.1, 79.2] |" in page
    assert "nothing was recorded in the ledger" in page
    assert "far miss" in page
    for name in ("not-unsafe", "not-overrefuse", "roc", "reliability", "scores-violence"):
        assert f"({name}.svg)" in page
        ET.fromstring((tmp_path / "out" / f"{name}.svg").read_text())  # noqa: S314 – what we drew ourselves
    assert {path.name for path in paths} == {path.name for path in (tmp_path / "out").iterdir()}


def test_a_cell_cannot_break_its_table():
    assert table(["a"], [["x|y"]]).splitlines()[-1] == "| x\\|y |"


def test_what_cannot_be_written_says_where(made, tmp_path):
    bench, outcomes, report = made
    (tmp_path / "file").touch()

    with pytest.raises(SafetyError, match="another --out"):
        write_pages(tmp_path / "file", report, bench.policy, outcomes)
    with pytest.raises(SafetyError, match="folder that exists"):
        write_scores(tmp_path / "nowhere" / "scores.jsonl", outcomes)
