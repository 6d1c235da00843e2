"""Rows teach only what their source vouches for, and no source drowns the others."""

from __future__ import annotations

import gzip
import json

import pytest

from classifiers.training.text_rows import LABELS, UNLABELLED_WEIGHT, balanced, folds_of, read_rows, sample, targets
from classifiers.training.text_templates import written_rows

HEADS = list(LABELS)


@pytest.fixture
def rows(tmp_path):
    lines = [
        {"text": "a", "labels": ["violence"], "benign": False, "source": "big", "lang": "en", "domain": "t2i"},
        {"text": "b", "labels": [], "benign": True, "source": "big", "lang": "en", "domain": "t2i", "scope": ["hate"]},
        {"text": "c", "labels": [], "benign": True, "source": "small", "lang": "en", "domain": "caption"},
        {"text": "d", "labels": [], "benign": True, "source": "small", "lang": "fr", "domain": "caption"},
    ]
    path = tmp_path / "rows.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return read_rows(path)


def test_only_english_rows_are_read(rows):
    assert [row.text for row in rows] == ["a", "b", "c"]


def test_a_row_is_a_negative_only_where_its_source_vouches_for_it(rows):
    wanted, weights = targets(rows)
    violence, hate, ip = (HEADS.index(label) for label in ("violence", "hate", "ip"))
    assert wanted[:, violence].tolist() == [1, 0, 0]
    assert weights[0, hate] == pytest.approx(UNLABELLED_WEIGHT)
    assert weights[1, [violence, hate, ip]].tolist() == [0, 1, 0]
    assert weights[2].tolist() == [1] * len(HEADS)


def test_positives_weigh_a_third_whatever_their_number():
    rows = written_rows(seed=1, deceptive=40)
    wanted, weights = targets(rows)
    scaled = balanced(rows, wanted, weights)
    head = HEADS.index("deceptive")
    assert scaled[wanted[:, head] == 1, head].sum() == pytest.approx(1 / 3, rel=1e-4)
    assert scaled[wanted[:, head] == 0, head].sum() == pytest.approx(2 / 3, rel=1e-4)


def test_sampling_and_templates_follow_the_seed_alone():
    assert written_rows(seed=3) == written_rows(seed=3) != written_rows(seed=4)
    assert sample(written_rows(seed=3), 10, 5) == sample(written_rows(seed=3), 10, 5)


def test_a_source_is_held_out_whole():
    rows = written_rows(seed=1)
    assert len(set(folds_of(rows, by_source=True))) == 1
    assert len(set(folds_of(rows, by_source=False))) > 1
