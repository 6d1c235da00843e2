"""Figures about frames: what is counted, against what, and what a reader is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.evaluate.frame_judging import judge_media
from safety.evaluate.frame_pages import write_frame_pages
from safety.evaluate.frame_report import frame_report, worst_frames, write_frame_scores
from safety.evaluate.frame_rows import read_media
from safety.evaluate.frame_tally import at_budget
from tests.safety.evaluate.frame_set import clip, open_bench, picture, table


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    lines = ["file,label,benign,source,kind,scope"]
    for at, red in enumerate((250, 200, 40)):
        picture(folder / f"w{at}.png", red, 0, at)
        lines.append(f"w{at}.png,weapon,,web,{'pistol' if at else 'rifle'},")
    for at, (red, green) in enumerate(((20, 0), (60, 0), (150, 0), (30, 180))):
        picture(folder / f"b{at}.png", red, green, at)
        lines.append(f"b{at}.png,,true,home,,{'nudity' if at == 2 else ''}")
    clip(folder / "calm.mp4", (30, 30, 30))
    lines.append("calm.mp4,nofight,,home,,")
    picture(folder / "gore.png", 33, 0, 77)
    lines.append("gore.png,gore,,web,,")
    (folder / "broken.png").write_bytes(b"no picture")
    lines.append("broken.png,,true,home,,")
    bench = open_bench()
    media = read_media(table(folder / "set.csv", *lines), bench.policy)
    outcomes = judge_media(open_bench, media.rows, bench=bench)
    made = frame_report(bench, media, outcomes, at=datetime(2026, 1, 2, tzinfo=UTC), how={"seed": None})
    return bench, media, outcomes, made


def test_recall_and_false_positives_are_those_of_the_labels_own_signals(judged):
    weapon = judged[3]["all"]["labels"]["weapon"]

    assert (weapon["found"]["k"], weapon["found"]["n"]) == (2, 3)
    assert weapon["blocked"]["k"] == 1
    # b2 is no reliable negative for weapons, b3 is stopped for something else, the broken one shows nothing.
    assert (weapon["false_positives"]["k"], weapon["false_positives"]["n"]) == (0, 5)
    signal = weapon["signals"]["frame.weapon"]
    assert (signal["ranking"]["positives"], signal["ranking"]["negatives"]) == (3, 4)
    assert signal["ranking"]["auroc"] == pytest.approx(11 / 12)
    assert signal["thresholds"] == [0.5, 0.9]
    assert signal["at_false_positives"]["0.01"]["recall"]["k"] == 2
    assert signal["calibration"]["n"] == 7


def test_over_blocking_counts_whatever_stops_a_benign_row(judged):
    benign = judged[3]["all"]["benign"]

    assert (benign["over_blocked"]["k"], benign["over_blocked"]["n"]) == (3, 6)
    assert (benign["clips"]["k"], benign["clips"]["n"]) == (0, 1)
    assert benign["blocked"]["k"] == 1, "what cannot be decoded is blocked"
    assert judged[3]["all"]["over_blocking"]["signals"]["frame.nudity"] == {"rows": 1, "alone": 1}
    assert [each["id"] for each in judged[3]["all"]["unreadable"]] == ["broken.png"]


def test_what_no_classifier_reports_is_unmeasured_and_never_0_percent_or_found(judged, tmp_path):
    everything = judged[3]["all"]

    assert everything["labels"]["gore"]["measured"] is False
    assert everything["unsafe"]["nobody_measures"] == 1
    assert everything["unsafe"]["found"]["n"] == 3
    bench, _, outcomes, made = judged
    write_frame_pages(tmp_path, made, bench.policy, outcomes)
    row = next(line for line in (tmp_path / "report.md").read_text().splitlines() if line.startswith("| gore"))
    assert row.count("unmeasured") == 2
    assert made["absent"] == {"frame.text": "not installed"}


def test_worst_errors_are_what_no_own_signal_found_and_what_is_stopped_by_mistake(judged):
    errors = worst_frames(judged[0], judged[2], 10)

    assert [each["id"] for each in errors["missed"]] == ["gore.png", "w2.png"]
    assert errors["over_blocked"][0]["id"] == "broken.png"
    assert {each["id"] for each in errors["over_blocked"]} == {"broken.png", "b2.png", "b3.png"}
    assert len(worst_frames(judged[0], judged[2], 1)["over_blocked"]) == 1


def test_pages_and_scores_are_written_and_show_no_picture(judged, tmp_path):
    bench, _, outcomes, made = judged

    paths = write_frame_pages(
        tmp_path / "out", made | {"errors": worst_frames(bench, outcomes, 3)}, bench.policy, outcomes
    )
    write_frame_scores(tmp_path / "scores.jsonl", outcomes)

    assert json.loads((tmp_path / "out" / "report.json").read_text())["all"] == made["all"]
    assert {path.suffix for path in paths} == {".json", ".md", ".svg"}
    page = (tmp_path / "out" / "report.md").read_text()
    assert "66.7 % [20.8, 93.9]" in page
    assert "w2.png" in page
    assert all(path.name in page for path in paths if path.suffix == ".svg")
    assert len((tmp_path / "scores.jsonl").read_text().splitlines()) == len(outcomes)


values = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@given(values, values, st.sampled_from([0.0, 0.01, 0.03, 0.5]))
def test_recall_at_a_budget_never_stops_more_benign_rows_than_it_says(present, absent, budget):
    at = at_budget(present, absent, budget)

    assert at["false_positives"]["k"] <= budget * len(absent)
    assert at["recall"]["k"] == sum(value > at["above"] for value in present)


def test_no_recall_without_rows_of_both_kinds():
    assert at_budget([], [0.1], 0.01) is None
    assert at_budget([0.1], [], 0.01) is None
