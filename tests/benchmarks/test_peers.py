"""The comparison with other gates is fair: the same rows, thresholds from rows that are not counted, no leak."""

from __future__ import annotations

import gzip
import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.peer_gates import GATES, TRAINED
from benchmarks.peers import Sample, ask, counted, draw, figures, page, threshold_for, training_rows
from tests.bench import benign, unsafe, write_rows


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.9, 1.0]), min_size=1, max_size=20), st.integers(0, 25))
def test_a_threshold_stops_no_more_than_allowed_and_as_many_as_ties_let_it(scores, allowed):
    threshold = threshold_for(scores, allowed)

    assert sum(score >= threshold for score in scores) <= allowed
    lower = max((score for score in scores if score < threshold), default=None)
    assert lower is None or sum(score >= lower for score in scores) > allowed


def test_calibration_rows_are_drawn_apart_and_nothing_is_counted_twice(tmp_path):
    sample = draw(
        [write_rows(tmp_path / "calm.jsonl", *(benign(f"b {n}") for n in range(9)), unsafe("u", "violence"))],
        [write_rows(tmp_path / "bad.jsonl", *(unsafe(f"v {n}", "violence") for n in range(9)), benign("c"))],
        3, 0, "en",
    )  # fmt: skip

    assert [len(sample.places(kind)) for kind in ("calibrate", "benign", "unsafe")] == [3, 3, 3]
    assert len(set(sample.texts)) == 9
    assert {sample.texts[place][0] for place in sample.places("unsafe")} == {"v"}


def test_training_rows_hold_none_that_is_counted_and_none_that_is_weak(tmp_path):
    rows = [{"text": "counted", "benign": True}, {"text": "weak", "benign": False, "weak": True}]
    rows.append({"text": "fine", "benign": False})
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))

    assert training_rows(tmp_path, 10, 0, ["counted"]) == [{"text": "fine", "benign": False}]
    with pytest.raises(SystemExit, match="name the folder"):
        training_rows(tmp_path / "nowhere", 10, 0, [])


SAMPLE = Sample(list("abcdefgh"), ["s"] * 8, ["calibrate"] * 2 + ["benign"] * 2 + ["unsafe"] * 4)
ANSWER = {"scores": [0.4, 0.1, 0.6, 0.2, 0.9, 0.7, 0.3, 0.0], "took_ms": [1.0] * 8, "threshold": 0.5, "ready_s": 1.0}


def test_a_gate_is_counted_at_its_own_threshold_and_at_the_same_over_refusal():
    made = figures(SAMPLE, ANSWER, allowed=1)

    assert (made["own"]["recall"]["k"], made["own"]["over_refusal"]["k"]) == (2, 1)
    assert 0.1 < made["same_over_refusal"]["threshold"] < 0.2
    assert (made["same_over_refusal"]["recall"]["k"], made["same_over_refusal"]["over_refusal"]["k"]) == (3, 2)
    assert made["ranking"]["auroc"] == pytest.approx((2 + 2 + 1 + 0) / 8)
    assert counted(SAMPLE, ANSWER["scores"], 0.0)["stopped_by_source"]["unsafe s"]["k"] == 4


def test_a_gate_that_is_not_installed_is_said_to_be_absent():
    answer = ask(sys.executable, "alt-profanity-check", [], ["a"])

    assert "profanity_check" in answer["absent"]
    counts = {"unsafe": 1, "benign": 1, "calibrate": 1, "train": 0}
    assert "absent" in page({"seed": 0, "counts": counts, "gates": {"alt-profanity-check": answer}})


def test_a_trained_gate_answers_with_a_score_for_each_text():
    train = [{"text": f"{word} {n}", "benign": word == "calm"} for word in ("calm", "gore") for n in range(20)]

    answer = ask(sys.executable, "char-tfidf-lr", train, ["gore again", "calm again"])

    assert answer["scores"][0] > 0.5 > answer["scores"][1]
    assert len(answer["took_ms"]) == 2
    assert set(TRAINED) <= set(GATES)
