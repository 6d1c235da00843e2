"""`framegate evaluate origin` from the command line: scores of a file, the real encoder for the controls."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import pytest

from api.cli import main
from media.codec import encode_mp4

LINES = [("ai", "alpha"), ("ai", "beta"), ("real", "lab"), ("real", "road")]


@pytest.fixture
def evaluate(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", "evaluate", "origin", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, " ".join(captured.err.split())

    return run


@pytest.fixture
def films(tmp_path):
    """Four clips of ten frames, their manifest, and a file of scores."""
    folder = tmp_path / "films"
    folder.mkdir()
    lines, scores = [("file", "label", "source")], [("file", "condition", "score")]
    for at, (label, source) in enumerate(LINES):
        picture = np.random.default_rng(at).integers(0, 255, (240, 240, 3), dtype=np.uint8)
        encode_mp4((np.roll(picture, step, axis=1) for step in range(10)), folder / f"{source}.mp4", fps=8.0, crf=30)
        lines.append((f"{source}.mp4", label, source))
        scores.append((f"{source}.mp4", "encoded", 0.9 if label == "ai" else 0.2))
    for name, table in (("MANIFEST.csv", lines), ("scores.csv", scores)):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows(table)
    return folder


def test_figures_with_their_controls_as_json_and_pages(evaluate, films, tmp_path):
    out = tmp_path / "report"

    code, printed, err = evaluate(
        films, "--scores", films / "scores.csv", "--condition", "encoded", "--json", "--out", out
    )

    assert code == 0, err
    report = json.loads(printed)
    assert report["headline"]["auroc"]["value"] == 1.0
    assert report["controls"]["topic"].get("unmeasured") or report["controls"]["topic"]["value"] is not None
    assert json.loads((out / "report.json").read_text()) == report
    assert not (tmp_path / "home").exists(), "no ledger, no key, no folder is made"


def test_wrong_use_says_what_to_do(evaluate, films, tmp_path):
    code, _, err = evaluate(films, "--condition", "sepia")
    assert code == 2
    assert "no condition is called 'sepia'; there are: encoded, as_is" in err

    code, _, err = evaluate(films, "--manifest", tmp_path / "nowhere.csv")
    assert code == 2
    assert "cannot be read: No such file" in err

    code, _, err = evaluate(films, "--detector", "nudity")
    assert code == 1
    assert "nudity cannot be measured: it does not report video.synthetic" in err

    assert evaluate(films, "--out", tmp_path / "no" / "where")[0] == 2
    assert evaluate(tmp_path / "no-folder")[0] == 2


def test_composites_are_watched_by_a_detector_not_by_a_file_of_scores(evaluate, films):
    code, _, err = evaluate(films, "--scores", films / "scores.csv", "--splices", "3")

    assert code == 2
    assert "composites are watched by a detector" in err
