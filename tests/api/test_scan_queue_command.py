"""`framegate scan --queue`: hands files to the workers and says how the batch stands."""

from __future__ import annotations

import json
import sys

import pytest

from api.cli import main


@pytest.fixture
def scan(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", "scan", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, " ".join(captured.err.split())

    return run


def test_files_are_queued_once_and_the_batch_is_counted(scan, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (folder / name).write_bytes(name.encode())

    first = scan(folder, "--queue", "monday", "--json")
    second = scan(folder, "--queue", "monday", "--json")

    rows = [json.loads(line) for line in first[1].splitlines()]
    assert (first[0], [row["status"] for row in rows]) == (0, ["queued", "queued"])
    assert [json.loads(line)["scan"] for line in second[1].splitlines()] == [row["scan"] for row in rows]
    assert "batch monday: 2 queued" in second[2]


def test_wrong_use_says_what_to_do(scan, tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"a")

    code, _, err = scan(tmp_path / "a.mp4", "--queue", "a b")
    assert code == 2
    assert "is no name for a batch" in err

    code, _, err = scan(tmp_path / "a.mp4", "--queue", "monday", "--workers", "2")
    assert code == 2
    assert "the workers scan a batch" in err
