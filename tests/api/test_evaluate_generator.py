"""`framegate evaluate generator`: figures about what the generator draws; nothing is recorded."""

from __future__ import annotations

import json
import sys

import pytest

from api.cli import main


@pytest.fixture
def evaluate(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", "evaluate", "generator", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        assert not left.value.code
        assert not (tmp_path / "home" / "framegate.db").exists()
        return capsys.readouterr()

    return run


def test_true_renders_reach_the_ceiling(evaluate):
    told = json.loads(evaluate("--truth", "--prompts", "12", "--json").out)

    assert told["generator"] == "renderer"
    assert set(told["prompts"]) == {"colour", "shape", "motion", "place", "time"}
    for figures in told["prompts"].values():
        assert figures["k"] >= 9
        assert figures["low"] <= figures["share"] <= figures["high"]


def test_the_shipped_checkpoint_is_measured_in_all_it_can_do(evaluate):
    told = json.loads(evaluate("--prompts", "3", "--clips", "1", "--json").out)

    assert told["version"].startswith("sha256:")
    assert told["prompts"]["colour"]["n"] == 3
    assert told["capabilities"]["animate"]["first_frame_psnr_db"]["median"] >= 28
    assert told["capabilities"]["loop"]["closing"]["median"] <= 1.01
    assert set(told["capabilities"]) == {"text", "animate", "extend", "extend_backward", "loop", "fill", "edit"}
    assert told["cpu_s_per_clip"] > 0


def test_people_are_told_in_lines(evaluate):
    err = evaluate("--truth", "--prompts", "4").err

    assert "4 held-out prompts" in err
    assert "colour" in err
