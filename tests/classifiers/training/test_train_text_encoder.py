"""The upper half learns what can be learnt, mixing goes from end to end, and what ships is what was trained."""

from __future__ import annotations

import copy

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from sklearn.metrics import roc_auc_score
from transformers import BertConfig, BertModel

from classifiers.base import WeightsError
from classifiers.training import text_measures
from classifiers.training.export_text_encoder import Whole, compared, export
from classifiers.training.text_rows import LABELS, Row
from classifiers.training.train_text_encoder import Batches, fine_tune, fit_head, logits_of, loss_of, mixed
from classifiers.training.trunk import LAYERS, WIDTH, UpperHalf, additive, batch, pretrained

VOCABULARY = 60


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)  # two threads that wait for each other are slower on a busy machine


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=12,
        intermediate_size=64,
    )
    return BertModel(config, add_pooling_layer=False).eval()


def row(number, labels=()):
    return Row(f"text {number}", frozenset(labels), not labels, "made", "t2i", None, weak=False, lookalike=False)


@pytest.fixture(scope="module")
def rows():
    return [row(number, ["violence"] if number % 2 else []) for number in range(120)]


@pytest.fixture(scope="module")
def halves(rows):
    """Rows of 2 to 6 tokens; those of violence lean one way."""
    random = np.random.default_rng(0)
    lean = random.normal(size=WIDTH)
    return [
        (random.normal(size=(random.integers(2, 7), WIDTH)) + (0.4 * lean if row.labels else 0)).astype(np.float16)
        for row in rows
    ]


def network(model):
    torch.manual_seed(1)
    return UpperHalf(copy.deepcopy(model), 16, len(LABELS), 0.0)


def test_padding_changes_no_logit(model, halves):
    ours = network(model).eval()
    alone = torch.cat([ours(*batch([half])) for half in halves[:6]])
    torch.testing.assert_close(ours(*batch(halves[:6])), alone, atol=1e-4, rtol=1e-4)


def test_head_and_network_learn_and_mixing_goes_from_one_to_the_other(model, rows, halves, monkeypatch):
    monkeypatch.setattr("classifiers.training.train_text_encoder.HEAD_STEPS", 12)
    monkeypatch.setattr("classifiers.training.train_text_encoder.POOL", 96)
    batches = Batches(rows, halves, np.arange(len(rows)), seed=1)
    one = next(batches.draw())
    start = network(model)
    before = loss_of(start, one).item()
    fit_head(start, batches)
    fitted = loss_of(start, one).item()
    tuned = copy.deepcopy(start)
    stages = list(fine_tune(tuned, batches, 600, (300, 600)))

    assert fitted < before
    assert loss_of(tuned, one).item() < fitted
    assert [seen for seen, _ in stages] == [300, 600]
    head = list(LABELS).index("violence")
    scores = logits_of(tuned, halves)[:, head]
    assert roc_auc_score([bool(each.labels) for each in rows], scores) > 0.95
    np.testing.assert_allclose(logits_of(mixed(start, tuned, 0.0), halves), logits_of(start, halves), atol=1e-5)
    np.testing.assert_allclose(logits_of(mixed(start, tuned, 1.0), halves), logits_of(tuned, halves), atol=1e-5)


def test_rows_are_drawn_by_the_seed_and_every_chosen_one_can_come(rows, halves):
    def texts(seed):
        hidden, mask, wanted, weights = next(Batches(rows, halves, np.arange(20), seed).draw())
        return hidden.sum().item(), mask.sum().item(), wanted.sum().item(), weights.sum().item()

    assert texts(1) == texts(1) != texts(2)


def test_what_ships_says_what_was_trained(model, tmp_path):
    saved = {
        "network": network(model).state_dict(),
        "slopes": torch.full((len(LABELS),), 0.5),
        "offsets": torch.linspace(-1, 1, len(LABELS)),
    }
    whole = Whole(copy.deepcopy(model), saved, hidden_units=16, dropout=0.0).eval()
    export(whole, tmp_path / "encoder.onnx")
    texts = [[1, 5, 9, 2], list(range(1, 40)), [7]]

    mean, largest = compared(whole, tmp_path / "encoder.onnx", texts)

    assert mean < 0.02
    assert largest < 0.1
    session = onnxruntime.InferenceSession(str(tmp_path / "encoder.onnx"))
    assert "MatMulInteger" in _operators(tmp_path / "encoder.onnx")
    assert session.get_outputs()[0].name == "probabilities"


def _operators(file):
    return {node.op_type for node in onnx.load(file).graph.node}


def test_another_checkpoint_is_refused(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"other")
    with pytest.raises(WeightsError, match="SHA-256"):
        pretrained(file)


def test_the_mask_hides_padding():
    assert additive(torch.tensor([[1.0, 0.0]])).tolist()[0][0][0][0] == 0
    assert additive(torch.tensor([[1.0, 0.0]])).tolist()[0][0][0][1] < -1e30


def test_calibration_gives_back_probabilities_and_its_error():
    random = np.random.default_rng(3)
    sides = random.random(3000) < 0.3
    labelled = [row(number, list(LABELS) if side else []) for number, side in enumerate(sides)]
    # every head sees the same separable signal, stretched by four
    logits = np.repeat((4 * (random.normal(size=3000) + 2 * sides))[:, None], len(LABELS), axis=1).astype(np.float32)

    slopes, offsets, errors = text_measures.calibration(labelled, logits)

    given = 1 / (1 + np.exp(-(logits[:, 0] * slopes[0] + offsets[0])))
    assert given[sides].mean() > given[~sides].mean() + 0.3
    assert max(errors.values()) < 0.05
    assert slopes.min() > 0
    assert offsets.max() < 0


def test_a_head_without_both_sides_is_not_calibrated_by_guessing():
    rows = [row(number, ["violence"] if number % 2 else []) for number in range(60)]
    with pytest.raises(ValueError, match="sexual"):
        text_measures.calibration(rows, np.zeros((60, len(LABELS)), np.float32))


def test_ranking_is_measured_on_both_sides():
    rows = [row(number, ["violence"] if number < 40 else []) for number in range(140)]
    logits = np.zeros((140, len(LABELS)), np.float32)
    logits[:40, list(LABELS).index("violence")] = 1

    figures = text_measures.figures_on_unseen(rows, logits)

    assert figures["violence"] == 1
    assert figures["found"] == 1
