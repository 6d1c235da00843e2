"""The command that watches the shipped lists sees an entry that hits too many harmless prompts, and says which."""

from __future__ import annotations

import gzip
import json
import sys

import pytest

from classifiers.training.measure_lists import main


@pytest.fixture
def measured(tmp_path, monkeypatch, capsys):
    """Runs the command on rows; returns its exit code, what it printed, and its complaints."""

    def run(*rows, arguments=()):
        with gzip.open(tmp_path / "rows.jsonl.gz", "wt", encoding="utf-8") as file:
            for text, more in rows:
                raw = {"text": text, "labels": [], "benign": True, "source": "s", "lang": "en", "domain": "t2i"}
                file.write(json.dumps(raw | more) + "\n")
        monkeypatch.setattr(sys, "argv", ["measure_lists", str(tmp_path), *arguments])
        code = main()
        return code, *capsys.readouterr()

    return run


def test_harmless_prompts_without_a_hit_pass(measured):
    code, printed, complaints = measured(("a dog on a beach", {}), ("a boat in the fog", {}))
    assert (code, complaints) == (0, "")
    assert "any hit 0/2" in printed


def test_an_entry_that_hits_too_many_is_named(measured):
    code, _, complaints = measured(("a bronze for the ponzi scheme museum", {}), ("a dog on a beach", {}))
    assert code == 1
    assert "terms.fraud term:ponzi scheme*" in complaints


def test_what_is_not_asked_for_does_not_count(measured):
    code, printed, _ = measured(("the ponzi scheme museum", {}), arguments=["--signals", "terms.violence"])
    assert code == 0
    assert "any hit 0/1" in printed


def test_rows_that_nobody_calls_harmless_do_not_count(measured):
    harmful = {"benign": False, "labels": ["illicit"]}
    code, printed, _ = measured(("a ponzi scheme", harmful), ("a ponzi scheme", {"scope": ["ip"]}), ("a dog", {}))
    assert code == 0
    assert "together: any hit 0/1" in printed


def test_unreadable_text_is_counted_as_unmeasured_and_not_as_clean(measured):
    _, printed, _ = measured(("ผู้หญิงเปลือยอยู่ริมทะเล", {}))
    assert "unmeasured 0" not in printed


def test_an_empty_folder_is_an_error(measured):
    with pytest.raises(SystemExit, match="2"):
        measured()
