"""Figures of a run are counted from the cases, carry their intervals, and hold no prompt."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from classifiers.base import Score
from safety.errors import SafetyError
from safety.evaluate.judging import Bench
from safety.evaluate.rows import LabelledPrompt, read_rows
from safety.intervals import wilson
from safety.measure import Instruments
from safety.policy import parse_policy
from safety.redteam.report import figures, markdown, write
from safety.redteam.run import PLAIN, SEEDS, Case, ask, hunt, stopped_in_plain_words, try_moves
from tests.bench import NumberClassifier, policy_text

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class WordClassifier:
    """Hears violence in three words, as they stand and in no disguise."""

    name = "words"
    version = "1"
    accepts = str
    signals = NumberClassifier.signals

    def score(self, content: str) -> list[Score]:
        loud = {"duel": 0.9, "fight": 0.9, "storm": 0.6}
        violence = max((value for word, value in loud.items() if word in content), default=0.0)
        return [Score(signal, violence if signal == "text.violence" else 0.0) for signal in sorted(self.signals)]


def row(text: str, *, benign: bool) -> LabelledPrompt:
    return LabelledPrompt(text, benign, () if benign else ("violence",), "ours", text)


ROWS = [
    row("a duel", benign=False),
    row("a fight", benign=False),
    row("a quarrel", benign=False),
    row("a meadow", benign=True),
    row("a storm", benign=True),
]


@pytest.fixture
def bench() -> Bench:
    return Bench(parse_policy(policy_text().encode()), Instruments(text=(WordClassifier(),)), 10_000)


def run(bench, moves):
    return try_moves(lambda: bench, bench, ROWS, moves, seed=0)


def test_the_gate_is_asked_in_plain_words_and_under_each_move(bench):
    cases = run(bench, ["word_a_line", "base64"])
    assert [(case.move, case.stopped) for case in cases if case.row is ROWS[0]] == [
        (PLAIN, True),
        ("word_a_line", True),
        ("base64", False),
    ]
    assert stopped_in_plain_words(cases) == ROWS[:2]


def test_scenes_are_read_alone_and_together_in_moves_and_by_the_attacker(bench):
    board = LabelledPrompt("", False, ("violence",), "ours", "board", scenes=("a du", "el"))

    (plain, in_one) = try_moves(lambda: bench, bench, [board], ["storyboard_in_one"], seed=0)

    assert plain.stopped and in_one.stopped  # the word stands in no scene, it is cut at the seam
    assert stopped_in_plain_words([plain]) == [board]
    assert ask(bench, board.whole).stopped


def test_an_attacker_that_never_won_has_no_median(bench):
    made = figures(run(bench, ["word_a_line"]), [], at=NOON, policy="sha256:0", seed=0, budget=5)

    assert made["attacker"]["median_queries"] is None
    assert "median" not in markdown(made)
    assert "None" not in markdown(made)


def test_shares_losses_and_intervals_are_those_of_the_cases(bench):
    cases = run(bench, ["word_a_line", "base64"])
    made = figures(cases, [], at=NOON, policy="sha256:0", seed=0, budget=0)
    plain = made["plain"]["harmful_stopped"]
    assert (plain["k"], plain["n"]) == (2, 3)
    assert (plain["low"], plain["high"]) == tuple(round(edge, 4) for edge in wilson(2, 3))
    assert (made["plain"]["benign_stopped"]["k"], made["plain"]["benign_stopped"]["n"]) == (1, 2)
    kept, lost = made["moves"]
    assert (kept["name"], kept["loss_points"], kept["bypassed"]["k"]) == ("word_a_line", 0.0, 0)
    assert (lost["name"], lost["loss_points"], lost["bypassed"]["k"], lost["bypassed"]["n"]) == ("base64", 66.67, 2, 2)


def test_the_attacker_finds_what_the_gate_does_not_read(bench):
    hunts = hunt(bench, ROWS[:2], budget=20, seed=0)
    made = figures(run(bench, []), hunts, at=NOON, policy="sha256:0", seed=0, budget=20)
    assert made["attacker"]["succeeded"]["k"] == 2
    assert made["attacker"]["queries"] == sum(each.attack.queries for each in hunts) <= 40
    assert sum(each["successes"] for each in made["attacker"]["chains"]) == 2


def test_the_report_is_written_and_holds_no_prompt(bench, tmp_path):
    hunts = hunt(bench, ROWS[:2], budget=5, seed=0)
    made = figures(run(bench, ["base64", "fiction_frame"]), hunts, at=NOON, policy="sha256:0", seed=0, budget=5)
    write(tmp_path / "report", made)
    assert json.loads((tmp_path / "report/report.json").read_text()) == made
    assert "| base64 | transform |" in markdown(made)
    assert "2/2 = 100.0 % [34.2, 100.0]" in markdown(made)
    assert (tmp_path / "report/stopped.svg").read_text().startswith("<svg")
    assert not any("duel" in file.read_text() for file in (tmp_path / "report").iterdir())


def test_a_folder_that_cannot_be_written_is_named(bench, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SafetyError, match="--out"):
        write(tmp_path / "file", figures([Case(ROWS[0], PLAIN, True)], [], at=NOON, policy="", seed=0, budget=0))


def test_our_own_prompts_are_sixty_of_each_and_every_category_has_six():
    rows = read_rows([SEEDS], _labels())
    assert sum(each.benign for each in rows) == sum(not each.benign for each in rows) == 60
    harmful = [label for each in rows for label in each.labels]
    assert {harmful.count(label) for label in set(harmful)} == {6}
    assert len({each.text for each in rows}) == 120


def _labels() -> set[str]:
    return {label for line in SEEDS.read_text(encoding="utf-8").splitlines() for label in json.loads(line)["labels"]}
