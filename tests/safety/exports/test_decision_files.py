"""An export has every decision once, whatever interrupts it, and never runs as a formula."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from safety.domain import Action, Actor, Checkpoint
from safety.errors import Conflict, LedgerError
from safety.exports import decision_files
from safety.exports.decision_files import Format, export_decisions
from safety.exports.decision_rows import COLUMNS
from safety.exports.sinks import Parquet
from safety.ledger import Ledger
from safety.lookup import selection as selection_module
from safety.lookup.selection import Selection
from tests.safety.making import NOON, a_decision

ALL = Selection()


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """25 decisions, an event between them, and one that a reviewer replaced."""
    for number in range(12):
        ledger.append_decision(a_decision(number, action=Action.REVIEW if number % 3 else Action.ALLOW))
    ledger.append_event("policy", "pol_1", {"digest": "sha256:1"})
    for number in range(12, 24):
        ledger.append_decision(a_decision(number, action=Action.BLOCK, category="hate", checkpoint=Checkpoint.OUTPUT))
    made = a_decision(30, action=Action.BLOCK, supersedes="dec_1")
    ledger.append_decision(replace(made, actor=Actor("reviewer", "ada"), reason="=HYPERLINK(1)\nsecond", code="other"))
    return ledger


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of 4 decisions and parts of 8, so that there are many of both."""
    small = lambda *args, **named: selection_module.selected(*args, page=4, **named)  # noqa: E731
    monkeypatch.setattr(decision_files, "selected", small)
    monkeypatch.setitem(decision_files.SINKS, Format.PARQUET, lambda path: Parquet(path, 8))


def read(path: Path, format_: Format) -> list[dict[str, Any]]:
    if format_ is Format.PARQUET:
        return pq.read_table(path).to_pylist()
    if format_ is Format.CSV:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("format_", list(Format))
def test_every_decision_is_there_once_in_order(
    filled: Ledger, tmp_path: Path, format_: Format, small_pages: None
) -> None:
    out = tmp_path / f"all.{format_}"

    done = export_decisions(filled, out, format_, ALL)

    rows = read(out, format_)
    assert (done.rows, done.resumed_after, done.end) == (25, 0, 26)
    assert [int(row["position"]) for row in rows] == [*range(12), *range(13, 26)]
    assert [row["id"] for row in rows] == [f"dec_{number}" for number in range(24)] + ["dec_30"]
    assert [row["superseded_by"] or None for row in rows] == [None, "dec_30"] + [None] * 23
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("all")) == [out.name]


def test_json_lines_are_the_recorded_bytes(filled: Ledger, tmp_path: Path) -> None:
    export_decisions(filled, tmp_path / "all.jsonl", Format.JSONL, ALL)

    for row, entry in zip(read(tmp_path / "all.jsonl", Format.JSONL), filled.entries(), strict=False):
        assert {k: v for k, v in row.items() if k not in {"position", "superseded_by"}} == json.loads(entry.body)
        if entry.position == 11:
            break


def test_a_table_says_what_was_decided_and_why(filled: Ledger, tmp_path: Path) -> None:
    export_decisions(filled, tmp_path / "all.parquet", Format.PARQUET, ALL)
    export_decisions(filled, tmp_path / "all.csv", Format.CSV, ALL)

    last = read(tmp_path / "all.parquet", Format.PARQUET)[-1]
    assert (last["action"], last["categories"], last["rules"]) == ("block", ["violence"], ["violence_rule"])
    assert (last["actor_kind"], last["actor"], last["code"], last["supersedes"]) == (
        "reviewer", "ada", "other", "dec_1",
    )  # fmt: skip
    assert last["at"] == NOON + timedelta(seconds=30)
    assert dict(last["scores"]) == {"text.violence": 0.75, "frame.gore": 0.25}
    assert (last["unmeasured"], last["frames_seen"], last["frames_total"]) == (["frame.nudity"], 5, 10)
    assert (last["took_ms"], last["classifiers"]) == (1.25, ["text_encoder@sha256:12"])
    told = read(tmp_path / "all.csv", Format.CSV)[-1]
    assert list(told) == list(last) == [name for name, _ in COLUMNS]
    assert json.loads(told["scores"]) == {"text.violence": 0.75, "frame.gore": 0.25}
    assert (told["severity"], told["job"], told["classifiers"]) == ("", "", "text_encoder@sha256:12")


def test_what_a_person_wrote_is_no_formula_in_a_spreadsheet(filled: Ledger, tmp_path: Path) -> None:
    export_decisions(filled, tmp_path / "all.csv", Format.CSV, ALL)

    assert read(tmp_path / "all.csv", Format.CSV)[-1]["reason"] == "'=HYPERLINK(1)\nsecond"


CONDITIONS = [
    (Selection(action=Action.ALLOW), ["dec_0", "dec_3", "dec_6", "dec_9"]),
    (Selection(category="hate", until=NOON + timedelta(seconds=14)), ["dec_12", "dec_13"]),
    (Selection(checkpoint=Checkpoint.PROMPT, since=NOON + timedelta(seconds=11)), ["dec_11", "dec_30"]),
    (Selection(policy="sha256:other"), []),
]


def test_conditions_hold_together(filled: Ledger, tmp_path: Path) -> None:
    for number, (selection, ids) in enumerate(CONDITIONS):
        for format_ in Format:
            out = tmp_path / f"{number}.{format_}"
            assert export_decisions(filled, out, format_, selection).rows == len(ids)
            assert [row["id"] for row in read(out, format_)] == ids


class Died(Exception):
    """The process is gone."""


def die_after(pages: int):
    count = 0

    def progress(_done: int, _end: int) -> None:
        nonlocal count
        count += 1
        if count == pages:
            raise Died

    return progress


@pytest.mark.parametrize(
    ("format_", "pages"), [(Format.JSONL, 1), (Format.CSV, 3), (Format.PARQUET, 3), (Format.PARQUET, 6)]
)
def test_interrupted_and_resumed_it_is_as_if_nothing_happened(
    filled: Ledger, tmp_path: Path, format_: Format, pages: int, small_pages: None
) -> None:
    whole, out = tmp_path / f"whole.{format_}", tmp_path / f"out.{format_}"
    export_decisions(filled, whole, format_, ALL)

    with pytest.raises(Died):
        export_decisions(filled, out, format_, ALL, progress=die_after(pages))
    assert not out.exists()
    # Half a row that reached the disk, and decisions that came meanwhile, change nothing.
    if format_ is not Format.PARQUET:
        with (tmp_path / f"out.{format_}.part").open("ab") as file:
            file.write(b'{"position":99,"id":')
    filled.append_decision(a_decision(40, action=Action.BLOCK, supersedes="dec_2"))
    done = export_decisions(filled, out, format_, ALL)

    assert read(out, format_) == read(whole, format_)
    if format_ is not Format.PARQUET:
        assert out.read_bytes() == whole.read_bytes()
        assert done.resumed_after == min(4 * pages, 25)
    assert done.rows == 25
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith("out")} == {out.name}


def test_an_export_that_died_before_its_last_step_is_finished(filled: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl"
    with pytest.raises(Died):
        export_decisions(filled, out, Format.JSONL, ALL, progress=die_after(1))
    (tmp_path / "all.jsonl.part").rename(out)

    assert export_decisions(filled, out, Format.JSONL, ALL).rows == 25
    assert not (tmp_path / "all.jsonl.progress").exists()


def test_where_the_begun_file_is_gone_it_begins_again(filled: Ledger, tmp_path: Path, small_pages: None) -> None:
    out = tmp_path / "all.jsonl"
    with pytest.raises(Died):
        export_decisions(filled, out, Format.JSONL, ALL, progress=die_after(3))
    (tmp_path / "all.jsonl.part").unlink()

    done = export_decisions(filled, out, Format.JSONL, ALL)

    assert (done.rows, done.resumed_after, len(read(out, Format.JSONL))) == (25, 0, 25)


def test_an_interrupted_export_is_not_continued_as_another(filled: Ledger, tmp_path: Path, small_pages: None) -> None:
    out = tmp_path / "all.jsonl"
    with pytest.raises(Died):
        export_decisions(filled, out, Format.JSONL, ALL, log="a", progress=die_after(1))

    for format_, selection, log, what in (
        (Format.CSV, ALL, "a", "format"),
        (Format.JSONL, Selection(category="hate"), "a", "selection"),
        (Format.JSONL, ALL, "b", "log"),
    ):
        with pytest.raises(Conflict, match=f"begun with another {what}"):
            export_decisions(filled, out, format_, selection, log=log)
    (tmp_path / "all.jsonl.progress").write_text("[]")
    with pytest.raises(Conflict, match="not the state of an export"):
        export_decisions(filled, out, Format.JSONL, ALL, log="a")


def test_a_finished_export_is_not_written_over(filled: Ledger, tmp_path: Path) -> None:
    export_decisions(filled, tmp_path / "all.csv", Format.CSV, ALL)
    before = (tmp_path / "all.csv").read_bytes()

    with pytest.raises(Conflict, match="is there already"):
        export_decisions(filled, tmp_path / "all.csv", Format.CSV, ALL)
    assert (tmp_path / "all.csv").read_bytes() == before


def test_two_exports_to_one_place_do_not_mix(filled: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl"

    def second(_done: int, _end: int) -> None:
        with pytest.raises(Conflict, match="is being written by another process"):
            export_decisions(filled, out, Format.JSONL, ALL)

    assert export_decisions(filled, out, Format.JSONL, ALL, progress=second).rows == 25
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("all")] == ["all.jsonl"]


def test_where_nothing_can_be_written_it_says_so(filled: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(LedgerError, match=r"all\.csv cannot be written"):
        export_decisions(filled, tmp_path / "file" / "all.csv", Format.CSV, ALL)


def test_a_damaged_decision_stops_the_export_and_is_named(
    filled: Ledger, tmp_path: Path, without_triggers: Any
) -> None:
    from sqlalchemy import update

    from safety.tables import entries

    with without_triggers(filled.engine) as connection:
        connection.execute(update(entries).where(entries.c.position == 5).values(body=b'{"id":"dec_5"}'))

    with pytest.raises(LedgerError, match="entry 5 cannot be read"):
        export_decisions(filled, tmp_path / "all.csv", Format.CSV, ALL)


def test_a_period_that_holds_nothing_is_refused() -> None:
    with pytest.raises(Conflict, match="ends before it begins"):
        Selection(since=NOON, until=NOON)
    with pytest.raises(Conflict, match="time zone"):
        Selection(since=NOON.replace(tzinfo=None))
