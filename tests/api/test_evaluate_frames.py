"""`framegate evaluate frames` with real classifiers and the policy that ships."""

from __future__ import annotations

import json
import sys

import pytest
import skimage.data
from PIL import Image

from api.cli import main
from api.settings import Settings
from api.wiring import open_house
from api.wiring.bench import open_frame_bench


@pytest.fixture
def evaluate(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", "evaluate", "frames", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, " ".join(captured.err.split())

    return run


@pytest.fixture
def photographs(tmp_path):
    for name in ("cat", "coffee", "rocket"):
        Image.fromarray(getattr(skimage.data, name)()).resize((300, 240)).save(tmp_path / f"{name}.png")
    table = tmp_path / "set.csv"
    table.write_text("file,label,source\ncat.png,benign,pets\ncoffee.png,benign,home\nrocket.png,gore,sky\n")
    return table


def test_figures_of_the_real_gate(evaluate, photographs, tmp_path):
    code, out, err = evaluate(
        photographs, "--only", "nudity", "--json", "--errors", 2, "--out", tmp_path / "out",
        "--scores", tmp_path / "scores.jsonl", "--cache", tmp_path / "cache",
    )  # fmt: skip

    assert code == 0, err
    (line,) = out.splitlines()
    report = json.loads(line)
    assert report["all"]["benign"]["over_blocked"] == pytest.approx(
        {"n": 2, "k": 0, "value": 0.0, "low": 0.0, "high": 0.6576}, abs=1e-4
    )
    assert report["all"]["labels"]["gore"]["measured"] is False
    assert list(report["classifiers"]) == ["nudity"]
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    assert len((tmp_path / "scores.jsonl").read_text().splitlines()) == 3
    assert not (tmp_path / "home").exists(), "no ledger, no key, no folder is made"


def test_people_read_shares_and_what_was_left_out(evaluate, photographs):
    code, out, err = evaluate(photographs, "--only", "nudity", "--where", "source=pets")

    assert code == 0, err
    assert out == ""
    assert "not the whole chain: only nudity" in err
    assert "all rows: 1 rows, 1 of them pictures; 1 of 1 frames seen" in err
    assert "over-blocked 0 of 1 = 0.0 % [0.0, 79.3]" in err


def test_the_bench_is_the_gate(tmp_path, monkeypatch):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))
    bench = open_frame_bench(Settings())

    with open_house() as house:
        gate = house.gate
    assert bench.policy.digest == gate.policy.digest
    assert [(each.name, each.version) for each in bench.instruments.clip] == [
        (each.name, each.version) for each in gate.instruments.clip
    ]
    assert (bench.plan, bench.limits) == (gate.plan, gate.limits)
    assert list(bench.instruments.absent) == list(gate.instruments.absent)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--only", "crystal_ball"), "no classifier of frames is called 'crystal_ball'"),
        (("--where", "source"), "COLUMN=VALUE"),
        (("--where", "planet=mars"), "no column 'planet'"),
    ],
)
def test_what_cannot_be_meant_says_so(evaluate, photographs, arguments, words):
    code, out, err = evaluate(photographs, *arguments)

    assert code in (1, 2)
    assert out == ""
    assert words in err


def test_a_bad_table_is_wrong_use_before_any_network_is_opened(evaluate, tmp_path):
    (tmp_path / "set.csv").write_text("file,label\nnowhere.png,gun\n")

    code, _, err = evaluate(tmp_path / "set.csv")

    assert code == 2
    assert "1 of 1 files are not there" in err
    assert evaluate(tmp_path / "no.csv")[0] == 2
    assert evaluate(tmp_path / "set.csv", "--out", tmp_path / "no" / "where")[0] == 2
