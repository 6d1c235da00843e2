"""Rows meet the gate's own measuring and judging; nothing is recorded; a run can stop and go on."""

from __future__ import annotations

import os
from functools import partial

import pytest

from safety.domain import Action, Checkpoint
from safety.errors import SafetyError
from safety.evaluate.cache import Cache, Measured, fingerprint
from safety.evaluate.judging import CHUNK, judge_rows
from safety.evaluate.margin import FARTHEST, log_odds, margin, rules_of, signals_of
from safety.evaluate.rows import LabelledPrompt
from safety.judge import judge
from safety.measure import measure_prompt, measure_text
from tests.bench import open_bench


def rows(*texts: str) -> list[LabelledPrompt]:
    return [LabelledPrompt(text, True, (), "test", str(number)) for number, text in enumerate(texts)]


def test_a_row_gets_the_verdict_of_the_gate():
    bench = open_bench()
    texts = ["v=0.9", "v=0.6", "v=0.1", "s=0.5 v=0.6", "mute"]

    outcomes = judge_rows(open_bench, rows(*texts), bench=bench)

    for text, outcome in zip(texts, outcomes, strict=True):
        verdict = judge(bench.policy, Checkpoint.PROMPT, measure_text(bench.instruments, text))
        assert (outcome.action, outcome.findings, outcome.unmeasured) == (
            verdict.action, verdict.findings, verdict.unmeasured,
        )  # fmt: skip
    assert [outcome.action for outcome in outcomes] == [
        Action.BLOCK, Action.REVIEW, Action.ALLOW, Action.BLOCK, Action.REVIEW,
    ]  # fmt: skip
    assert outcomes[1].scores["text.violence"] == 0.6
    assert outcomes[1].took_ms is not None


@pytest.mark.parametrize("text", ["x" * 201, "a\x01b"])
def test_a_text_that_the_gate_refuses_to_read_is_stopped_and_said_to_be_unreadable(text):
    (outcome,) = judge_rows(open_bench, rows(text))

    assert outcome.unreadable
    assert outcome.stopped
    assert outcome.findings == ()
    assert outcome.took_ms is None


def test_a_text_that_stands_twice_is_measured_once_and_counted_twice():
    bench = open_bench()

    outcomes = judge_rows(open_bench, rows("v=0.9", "v=0.9"), bench=bench)

    assert len(outcomes) == 2
    assert bench.instruments.text[0].asked == 2  # the warm-up, and the text


def test_several_processes_answer_as_one_does_and_in_order():
    texts = [f"v={number / 40}" for number in range(2 * CHUNK + 3)]

    alone = judge_rows(open_bench, rows(*texts))
    shared = judge_rows(open_bench, rows(*texts), workers=2)

    assert [(each.row.text, each.action, each.scores) for each in shared] == [
        (each.row.text, each.action, each.scores) for each in alone
    ]


def test_progress_counts_every_text_to_the_end():
    told: list[tuple[int, int]] = []

    judge_rows(open_bench, rows("a", "b"), progress=lambda done, total: told.append((done, total)))

    assert told == [(0, 2), (1, 2), (2, 2)]


def test_kept_measurements_are_not_measured_again_and_another_policy_judges_them(tmp_path):
    first = judge_rows(open_bench, rows("v=0.7", "mute"), cache=tmp_path)
    bench = open_bench(violence_block=0.6)

    again = judge_rows(open_bench, rows("v=0.7", "mute"), bench=bench, cache=tmp_path)

    assert bench.instruments.text[0].asked == 0
    assert [each.action for each in first] == [Action.REVIEW, Action.REVIEW]
    assert [each.action for each in again] == [Action.BLOCK, Action.REVIEW]
    assert again[1].unmeasured == first[1].unmeasured


def test_an_interrupted_run_goes_on_after_a_torn_line(tmp_path):
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge_rows(open_bench, rows("v=0.1", "v=0.2", "v=0.3"), cache=tmp_path, progress=stop)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-10])
    bench = open_bench()

    outcomes = judge_rows(open_bench, rows("v=0.1", "v=0.2", "v=0.3"), bench=bench, cache=tmp_path)

    assert [each.scores["text.violence"] for each in outcomes] == [0.1, 0.2, 0.3]
    assert bench.instruments.text[0].asked == 1 + 2  # the warm-up; the first text was kept
    assert len(list(tmp_path.iterdir())) == 1


def test_a_cache_holds_no_text_and_is_not_read_for_other_classifiers(tmp_path):
    judge_rows(open_bench, rows("zeppelin v=0.1"), cache=tmp_path)
    bench = open_bench()
    before = fingerprint(bench.instruments)
    bench.instruments.text[0].version = "2"

    assert "zeppelin" not in "".join(path.read_text() for path in tmp_path.iterdir())
    assert fingerprint(bench.instruments) != before
    judge_rows(open_bench, rows("zeppelin v=0.1"), bench=bench, cache=tmp_path)
    assert bench.instruments.text[0].asked == 2


def test_a_cache_that_cannot_be_kept_says_what_to_do(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(SafetyError, match="another folder"):
        Cache(tmp_path / "file", open_bench().instruments)


def test_what_was_not_added_is_not_kept(tmp_path):
    with Cache(None, open_bench().instruments) as kept:
        kept.add("a", Measured((), (), 1.0))
        assert "a" in kept
        assert "b" not in kept
        with pytest.raises(KeyError):
            kept.get("b")
    assert list(tmp_path.iterdir()) == []


def test_a_dead_process_is_an_error_that_says_how_to_go_on():
    with pytest.raises(SafetyError, match="fewer --workers"):
        judge_rows(partial(os._exit, 3), rows(*(f"v={n}" for n in range(CHUNK + 1))), bench=open_bench(), workers=2)


def test_the_margin_is_nought_where_a_rule_just_fires_and_grows_with_the_score():
    policy = open_bench().policy
    rules = rules_of(policy, ["violence"])

    assert margin(rules, {"text.violence": 0.5}) == 0
    assert margin(rules, {"text.violence": 0.8}) == pytest.approx(log_odds(0.8) - log_odds(0.5))
    assert margin(rules, {"text.violence": 0.4}) < 0
    assert margin(rules, {}) == 0, "what is unmeasured lies on the threshold: the gate stops it"
    assert margin([], {}) == -FARTHEST
    assert signals_of(rules) == ("text.violence",)


def test_a_row_is_stopped_exactly_when_its_margin_is_not_below_nought():
    bench = open_bench()
    everything = rules_of(bench.policy, bench.policy.categories)
    texts = [f"v={v / 10} s={s / 10}" for v in range(11) for s in range(0, 11, 5)] + ["mute"]

    for outcome in judge_rows(open_bench, rows(*texts)):
        assert outcome.stopped == (margin(everything, outcome.scores) >= 0), outcome.row.text


def test_scenes_are_judged_alone_and_together_as_the_gate_judges_them():
    bench = open_bench()
    board = LabelledPrompt("", True, (), "test", "1", scenes=("a calm sea", "v=0.9"))
    marked = LabelledPrompt("Scene 1: a calm sea\nScene 2: v=0.9", True, (), "test", "2")
    split = LabelledPrompt("", True, (), "test", "3", scenes=("a calm sea v=0", ".9 and foam"))  # harm across a seam

    outcomes = judge_rows(open_bench, [board, marked, split], bench=bench)

    assert [each.action for each in outcomes] == [Action.BLOCK, Action.BLOCK, Action.BLOCK]
    for row, outcome in zip([board, marked, split], outcomes, strict=True):
        verdict = judge(bench.policy, Checkpoint.PROMPT, measure_prompt(bench.instruments, row.text, row.scenes))
        assert outcome.findings == verdict.findings
        assert [each.evidence[0].span for each in outcome.findings] == [
            each.evidence[0].span for each in verdict.findings
        ]


def test_scenes_are_kept_apart_from_the_same_words_in_one_text(tmp_path):
    board = LabelledPrompt("", True, (), "test", "1", scenes=("v=0", ".9"))
    text = LabelledPrompt("v=0\n.9", True, (), "test", "2")

    first = judge_rows(open_bench, [board, text], cache=tmp_path)
    again = judge_rows(open_bench, [text, board], cache=tmp_path)

    assert [each.action for each in first] == [Action.BLOCK, Action.ALLOW]
    assert [each.action for each in again] == [Action.ALLOW, Action.BLOCK]


def test_more_scenes_than_the_gate_reads_are_unreadable():
    bench = open_bench()
    board = LabelledPrompt("", True, (), "test", "1", scenes=("a",) * (bench.max_scenes + 1))

    (outcome,) = judge_rows(open_bench, [board], bench=bench)

    assert outcome.unreadable and outcome.stopped
