"""Thresholds are proposed where they stop most for what they cost, and never beyond the budget."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.training.choose_thresholds import NEVER, fires, main, prompt_rules, propose, read_scores
from tests.bench import policy_text

POLICY = tomllib.loads(policy_text())


def row(source, label="", *, unreadable=False, **scores):
    signals = {"v": "text.violence", "s": "text.sexual", "p": "names.person", "e": "text.evasion"}
    return {
        "source": source,
        "benign": not label,
        "labels": [label] if label else [],
        "unreadable": unreadable,
        "scores": {signal: scores.get(k, 0.0) for k, signal in signals.items() if scores.get(k, 0) is not None},
    }


def written(folder, rows):
    path = folder / "scores.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


def thresholds(rules):
    return {rule["id"]: rule["threshold"] for rule in rules}


def test_the_threshold_goes_where_it_stops_most_for_its_cost(tmp_path):
    rows = [row("calm", v=n / 100) for n in range(100)]  # 5 of 100 may be stopped
    rows += [row("bad", "violence", v=0.97), row("bad", "violence", v=0.96), row("bad", "violence", v=0.3)]

    rules, said = propose(read_scores(written(tmp_path, rows)), POLICY, ["text.*"], budget=0.05, block_budget=0.0)

    found = thresholds(rules)
    assert 0.95 <= found["violence.review"] <= 0.96, "catches both at 0.96 and costs at most the five above"
    assert found["violence.block"] == NEVER, "no block without a budget for it: a benign row scores 0.99"
    assert found["evasion.review"] == NEVER, "a signal that stops nothing violating earns no threshold"
    assert "label violence: stopped 2 of 3, blocked 0" in said


def test_what_other_rules_stop_is_spent_first(tmp_path):
    rows = [row("calm", v=n / 100, p=float(n < 5)) for n in range(100)] + [row("bad", "violence", v=0.97)]

    rules, said = propose(read_scores(written(tmp_path, rows)), POLICY, ["text.*"], budget=0.05, block_budget=0)

    assert thresholds(rules)["violence.review"] == NEVER
    assert "benign calm: stopped 5 of 100, blocked 0" in said


def test_a_signal_that_is_not_about_the_text_fires_no_rule(tmp_path):
    """What a session did, or who consented, stands in no row: such rules neither cost nor gain anything here."""
    read = read_scores(written(tmp_path, [row("calm"), row("bad", "violence", v=0.9)]))

    assert not fires({"signal": "session.probing", "threshold": 0.5}, read).any()


def test_what_costs_nothing_is_taken(tmp_path):
    rows = [row("calm", v=0.1), row("bad", "violence", v=0.4), row("bad", "violence", v=0.9)]

    rules, _ = propose(read_scores(written(tmp_path, rows)), POLICY, ["text.violence"], budget=0.0, block_budget=0.0)

    assert 0.1 < thresholds(rules)["violence.review"] <= 0.4
    assert 0.1 < thresholds(rules)["violence.block"] <= 0.9


def test_sources_weigh_the_same_however_long_they_are(tmp_path):
    rows = [row("long", v=0.0) for _ in range(98)] + [row("short", v=0.9), row("short", v=0.0)]
    rows.append(row("bad", "violence", v=0.8))
    read = read_scores(written(tmp_path, rows))

    assert thresholds(propose(read, POLICY, ["text.*"], 0.2, 0)[0])["violence.review"] == NEVER
    assert thresholds(propose(read, POLICY, ["text.*"], 0.25, 0)[0])["violence.review"] <= 0.8


def test_unreadable_and_unmeasured_rows_are_stopped_already(tmp_path):
    rows = [row("calm", unreadable=True), row("calm", v=None), row("calm"), row("calm")]

    _, said = propose(read_scores(written(tmp_path, rows)), POLICY, ["text.*"], 0.5, 0.5)

    assert said[0].startswith("before any review threshold, 0.5000 of benign rows")
    assert said[1].startswith("benign calm: stopped 2 of 4")


SCORE = st.floats(0, 1)
SCORED = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["", "violence", "sexual"]), SCORE, SCORE)


@settings(max_examples=25, deadline=None)
@given(st.lists(SCORED, min_size=1, max_size=12), st.floats(0, 1), st.floats(0, 1))
def test_the_budget_is_never_exceeded_and_review_never_above_block(tmp_path_factory, scored, budget, block_budget):
    rows = [row("calm")] + [row(source, label, v=v, s=s) for source, label, v, s in scored]
    read = read_scores(written(tmp_path_factory.mktemp("scores"), rows))

    rules, _ = propose(read, POLICY, ["text.violence", "text.evasion"], max(budget, block_budget), block_budget)

    new = {rule["id"]: rule for rule in rules}
    in_force = [new.get(rule["id"], rule) for rule in prompt_rules(POLICY)]
    fixed = np.any([fires(rule, read) for rule in in_force if rule["id"] not in new], axis=0)
    stopped = np.any([fires(rule, read) for rule in in_force], axis=0)
    spent, unavoidable = read.cost[stopped].sum(), read.cost[fixed].sum()
    assert spent <= max(budget, block_budget, unavoidable) + _certain(read) + 1e-9
    assert new["violence.review"]["threshold"] <= new["violence.block"]["threshold"]


def _certain(read):
    """Cost of rows that score exactly 1, which a threshold of 1 stops, too."""
    return read.cost[np.nan_to_num(read.scores["text.violence"]) >= NEVER].sum()


def test_without_violating_rows_signals_share_the_budget(tmp_path):
    rows = [row("calm", v=n / 100) for n in range(100)] + [row("calm", e=n / 100) for n in range(100)]

    rules, _ = propose(read_scores(written(tmp_path, rows)), POLICY, ["text.violence", "text.evasion"], 0.1, 0.0)

    found = thresholds(rules)
    assert found["violence.review"] == pytest.approx(found["evasion.review"], abs=0.02)
    assert 0.88 <= found["violence.review"] <= 0.92


def test_the_fragment_is_toml_that_a_policy_takes(tmp_path, capsys):
    path = written(tmp_path, [row("calm", v=0.1), row("bad", "violence", v=0.4)])
    (tmp_path / "policy.toml").write_text(policy_text())

    main([str(path), "--policy", str(tmp_path / "policy.toml"), "--budget", "0.1", "--block-budget", "0"])

    printed = capsys.readouterr().out
    rules = tomllib.loads(printed)["rules"]
    assert {rule["id"] for rule in rules} == {"violence.block", "violence.review", "sexual.block", "evasion.review"}
    assert "# benign calm: stopped 0 of 1" in printed


@pytest.mark.parametrize(
    ("content", "words"),
    [("nonsense\n", "line 1"), (json.dumps(row("bad", "violence")) + "\n", "no benign row")],
)
def test_a_file_that_is_no_scores_file_is_refused(tmp_path, content, words):
    (tmp_path / "scores.jsonl").write_text(content)
    (tmp_path / "policy.toml").write_text(policy_text())

    with pytest.raises(SystemExit, match=words):
        main([str(tmp_path / "scores.jsonl"), "--policy", str(tmp_path / "policy.toml")])


def test_blocking_cannot_have_more_than_the_whole_budget(tmp_path):
    with pytest.raises(ValueError, match="part of the whole budget"):
        propose(read_scores(written(tmp_path, [row("calm")])), POLICY, ["text.*"], 0.01, 0.02)


def test_a_pattern_that_fits_no_rule_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no prompt rule"):
        propose(read_scores(written(tmp_path, [row("calm")])), POLICY, ["video.*"], 0.1, 0.1)
