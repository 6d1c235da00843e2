"""What the project wrote itself in eleven languages is distinct, balanced, labelled and decent."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from classifiers.base import MeasurementError
from classifiers.lexicon import LexiconClassifier
from classifiers.training.text_rows import LABELS
from classifiers.training.train_multilingual_heads import HELD_OUT, SIGNALS, WRITTEN, stopped, written_rows

FILES = sorted([*WRITTEN.glob("*.jsonl"), *HELD_OUT.glob("*.jsonl")])
LANGUAGES = {"ar", "de", "es", "fr", "hi", "it", "ja", "pt", "ru", "tr", "zh"}
LISTED = 0.3


@pytest.fixture(scope="module", params=[WRITTEN, HELD_OUT], ids=["teach", "measure"])
def rows(request):
    return written_rows(request.param)


def test_every_supported_language_beside_english_has_rows(rows):
    counts = Counter(row.source for row in rows)

    assert set(counts) == {f"written_{language}" for language in LANGUAGES}
    assert min(counts.values()) >= 140


def test_what_measures_never_teaches():
    taught = {row.text for row in written_rows()}

    assert not [row.text for row in written_rows(HELD_OUT) if row.text in taught]


def test_a_row_is_stopped_from_the_threshold_of_any_head():
    weight = np.zeros((len(SIGNALS), 2), dtype=np.float32)
    weight[0] = (1, 0)
    bias = np.full(len(SIGNALS), -9, dtype=np.float32)
    bias[0] = 0
    vectors = np.array([[0, 1], [-0.1, 1], [3, 0]], dtype=np.float32)

    met = stopped(vectors, weight, bias, dict.fromkeys(SIGNALS, 0.5))

    assert met.tolist() == [True, False, True]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_no_row_is_written_twice_and_every_label_is_known(file: Path):
    raw = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    counts = Counter(" ".join(row["text"].lower().split()) for row in raw)

    assert [text for text, count in counts.items() if count > 1] == []
    for row in raw:
        assert set(row["labels"]) <= set(LABELS), row
        assert not (row.get("lookalike") and row["labels"]), row
        assert set(row) <= {"text", "labels", "lookalike"}, row


def test_each_language_is_about_half_harmless_and_knows_every_harm(rows):
    for language in LANGUAGES:
        mine = [row for row in rows if row.source == f"written_{language}"]
        harmless = sum(row.benign for row in mine) / len(mine)
        harms = Counter(label for row in mine for label in row.labels)
        assert 0.4 <= harmless <= 0.6, language
        assert set(harms) == set(LABELS), language


def test_no_row_joins_a_minor_with_anything_sexual(rows):
    lexicon = LexiconClassifier()
    for row in rows:
        try:
            found = {score.signal for score in lexicon.score(row.text) if score.value >= LISTED}
        except MeasurementError:
            continue  # the list does not read it
        assert not ("terms.minor" in found and ("sexual" in row.labels or "terms.sexual" in found)), row.text
