"""`framegate redteam run` as a person meets it: the real gate, our own prompts, a report, the record left alone."""

from __future__ import annotations

import json
import sys

import pytest

from api.cli import main
from safety.redteam.run import SEEDS


@pytest.fixture
def redteam(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["framegate", "redteam", "run", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, " ".join(captured.err.split())

    return run


def test_a_run_on_our_own_prompts_reports_shares_and_touches_no_record(redteam, tmp_path):
    moves = ("--move", "base64", "--move", "letter_spacing", "--move", "fiction_frame")
    options = ("--sample", "6", "--budget", "4", "--workers", "1", "--out", str(tmp_path / "report"), "--json")
    code, out, err = redteam(*moves, *options)

    assert code == 0
    (line,) = out.splitlines()
    made = json.loads(line)
    assert made["kind"] == "redteam"
    assert {move["name"] for move in made["moves"]} == {"base64", "letter_spacing", "fiction_frame"}
    assert all(move["harmful_stopped"]["n"] == move["benign_stopped"]["n"] == 6 for move in made["moves"])
    # A code that is taken off is judged as what is under it.
    assert made["moves"][0]["harmful_stopped"]["k"] == made["plain"]["harmful_stopped"]["k"] > 0
    assert (tmp_path / "report/report.md").exists()
    assert not (tmp_path / "home").exists()
    prompts = [json.loads(line)["text"] for line in SEEDS.read_text(encoding="utf-8").splitlines()]
    assert not any(prompt in out + err for prompt in prompts)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--move", "telepathy"), "telepathy"),
        (("--prompts", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--lang", "xx"), "xx"),
    ],
)
def test_wrong_use_is_named(redteam, arguments, words):
    code, out, err = redteam(*arguments)
    assert code == 2
    assert out == ""
    assert words in err
