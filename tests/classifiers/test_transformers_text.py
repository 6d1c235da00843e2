"""A checkpoint of one's own says what transformers says of it, reads to the end, and is refused when in doubt."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, pipeline

from classifiers.base import ConfigurationError, MeasurementError, TextSpan, WeightsError
from classifiers.plugin_file import TextClassifierBlock
from classifiers.transformers_text import MAX_WINDOWS, TransformersTextClassifier
from tests.checkpoints import WINDOW, make_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def copied(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "copy")


def block(folder, **settings):
    given = {"labels": {"toxic": "text.harassment", "threat": "text.threat"}, "multi_label": True, **settings}
    return TextClassifierBlock(name="mine", model=str(folder), **given)


def opened(folder, **settings):
    return TransformersTextClassifier(block(folder, **settings))


def values(classifier, text):
    return {score.signal: score.value for score in classifier.score(text)}


TEXTS = (
    "The angry man runs on the street with a big knife.",
    "A happy cat sleeps in the house.",
    "The red dog sits and the cat runs, and the man is happy.",
)


@pytest.mark.parametrize(("multi_label", "function"), [(True, "sigmoid"), (False, "softmax")])
def test_it_says_what_the_pipeline_of_transformers_says(checkpoint, multi_label, function):
    classifier = opened(checkpoint, multi_label=multi_label)
    theirs = pipeline("text-classification", str(checkpoint), top_k=None, function_to_apply=function, device="cpu")

    for text in TEXTS:
        (told,) = [{row["label"]: row["score"] for row in rows} for rows in theirs([text])]
        ours = values(classifier, text)
        assert ours == {
            "text.harassment": pytest.approx(told["toxic"], abs=1e-6),
            "text.threat": pytest.approx(told["threat"], abs=1e-6),
        }
    assert len({values(classifier, text)["text.threat"] for text in TEXTS}) == len(TEXTS)


def test_several_labels_of_one_signal_give_the_highest_and_name_it(checkpoint):
    apart = values(opened(checkpoint), TEXTS[0])
    (score,) = opened(checkpoint, labels=dict.fromkeys(("toxic", "threat"), "text.harassment")).score(TEXTS[0])

    assert score.value == pytest.approx(max(apart.values()))
    assert score.detail == ("label:toxic" if apart["text.harassment"] > apart["text.threat"] else "label:threat")


def test_harm_in_any_window_of_a_long_text_counts_and_is_located(checkpoint):
    classifier = opened(checkpoint)
    calm, other = "a happy cat sleeps in the house. ", "knife knife knife knife knife knife knife knife knife. "
    low, high = sorted((calm, other), key=lambda text: values(classifier, text)["text.threat"])
    text = low * 12 + high * 6

    (score,) = [score for score in classifier.score(text) if score.signal == "text.threat"]

    assert score.value > values(classifier, low * 12)["text.threat"] + 0.01
    assert isinstance(score.span, TextSpan)
    assert score.span.end > len(low) * 12
    assert 0 <= score.span.start < score.span.end <= len(text)


def test_the_windows_reach_the_last_word_and_overlap(checkpoint):
    classifier = opened(checkpoint)
    text = " ".join(TEXTS * 6)

    windows = classifier._windows(text)

    assert windows[0].start == 0
    assert windows[-1].end == len(text)
    assert all(len(window.inputs["input_ids"]) <= WINDOW for window in windows)
    assert all(after.start < before.end for before, after in pairwise(windows))


def test_a_text_without_end_is_unmeasured(checkpoint):
    with pytest.raises(MeasurementError, match=f"at most {MAX_WINDOWS}"):
        opened(checkpoint).score("the dog runs. " * WINDOW * MAX_WINDOWS)


def test_a_disguise_changes_no_score(checkpoint):
    classifier = opened(checkpoint)

    assert values(classifier, "the \u0430ngry m\u200ban") == values(classifier, "the angry man")


def test_an_english_checkpoint_does_not_guess_at_other_languages(checkpoint):
    with pytest.raises(MeasurementError):
        opened(checkpoint).score("Голый человек стоит на улице с ножом")


def test_words_that_it_does_not_know_are_unmeasured(checkpoint):
    with pytest.raises(MeasurementError, match="no word"):
        opened(checkpoint, reads="any").score("Голый человек стоит на улице")


def test_temperature_and_calibration_are_platt_scaling_of_the_logits(checkpoint):
    plain = values(opened(checkpoint), TEXTS[0])["text.threat"]
    tuned = opened(checkpoint, temperature=2.0, calibration={"threat": {"slope": 1.5, "offset": -0.5}})

    logit = np.log(plain / (1 - plain)) / 2 * 1.5 - 0.5

    assert values(tuned, TEXTS[0])["text.threat"] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)


def test_two_threads_get_what_one_gets(checkpoint):
    classifier = opened(checkpoint, batch=2)
    texts = [" ".join(TEXTS[:count]) for count in (1, 2, 3)] * 6
    one_by_one = [values(classifier, text) for text in texts]

    with ThreadPoolExecutor(2) as pool:
        at_once = list(pool.map(lambda text: values(classifier, text), texts))

    for one, other in zip(one_by_one, at_once, strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_the_version_names_weights_labels_and_settings(checkpoint, copied):
    same = opened(copied).version
    assert opened(checkpoint).version == same

    assert opened(copied, batch=1).version == same
    assert opened(copied, temperature=2.0).version != same
    assert opened(copied, labels={"toxic": "text.other"}).version != same
    flip_a_weight(copied / "model.safetensors")
    assert opened(copied).version != same


def test_a_changed_checkpoint_is_refused_when_its_version_is_pinned(copied):
    pin = opened(copied).version
    assert opened(copied, pin=pin).version == pin

    flip_a_weight(copied / "model.safetensors")

    with pytest.raises(WeightsError, match=f"pinned is {pin}"):
        opened(copied, pin=pin)


def test_a_label_that_it_has_not_is_answered_with_those_it_has(checkpoint):
    with pytest.raises(ConfigurationError, match="no label 'toxik'; it has: 'safe', 'toxic', 'threat'"):
        opened(checkpoint, labels={"toxik": "text.harassment"})


def test_pickled_weights_are_refused_and_not_read(copied):
    (copied / "model.safetensors").unlink()
    (copied / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")

    with pytest.raises(WeightsError, match=r"pickled weights only \(pytorch_model.bin\).*convert them to safetensors"):
        opened(copied)


def test_a_folder_without_weights_is_refused(copied):
    (copied / "model.safetensors").unlink()

    with pytest.raises(WeightsError, match="holds no weights"):
        opened(copied)


def test_a_base_model_without_a_trained_head_is_refused(copied):
    """Transformers would only warn, and score by chance."""
    config = BertConfig.from_pretrained(copied)
    BertModel(config).save_pretrained(copied)

    with pytest.raises(WeightsError, match="this is no trained classifier"):
        opened(copied)


def test_code_that_comes_with_a_checkpoint_never_runs(copied, tmp_path):
    trace = tmp_path / "ran"
    (copied / "evil.py").write_text(f"open({str(trace)!r}, 'w').close()\n", encoding="utf-8")
    config = json.loads((copied / "config.json").read_text("utf-8"))
    config |= {
        "model_type": "evil",
        "auto_map": {"AutoConfig": "evil.Config", "AutoModelForSequenceClassification": "evil.Net"},
    }
    (copied / "config.json").write_text(json.dumps(config), encoding="utf-8")

    with pytest.raises(WeightsError, match="cannot be opened"):
        opened(copied)
    assert not trace.exists()


def test_an_altered_weights_file_that_cannot_be_read_says_which(copied):
    (copied / "model.safetensors").write_bytes(b"\x00" * 64)

    with pytest.raises(WeightsError, match=r"mine: .* cannot be opened as a text classifier"):
        opened(copied)


def test_weights_that_are_no_numbers_are_unmeasured_and_not_clean(copied):
    weights = load_file(copied / "model.safetensors")
    weights["classifier.bias"][:] = float("nan")
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(MeasurementError, match="gave no numbers"):
        opened(copied).score(TEXTS[0])


@pytest.mark.parametrize(
    ("problem", "multi_label"), [("multi_label_classification", False), ("single_label_classification", True)]
)
def test_sigmoid_and_softmax_are_not_confused(tmp_path, problem, multi_label):
    make_checkpoint(tmp_path, problem=problem)

    with pytest.raises(ConfigurationError, match="was trained with multi_label"):
        opened(tmp_path, multi_label=multi_label)


def test_a_softmax_over_one_label_is_refused(tmp_path):
    make_checkpoint(tmp_path, labels=("toxic",))

    with pytest.raises(ConfigurationError, match="always 1"):
        opened(tmp_path, labels={"toxic": "text.harassment"}, multi_label=False)


def test_a_hub_id_outside_the_cache_is_refused_and_not_fetched():
    with pytest.raises(WeightsError, match="nothing is downloaded"):
        opened("nobody/nothing-of-that-name")


def test_a_folder_that_is_none_and_a_device_that_is_none_are_named(checkpoint):
    with pytest.raises(WeightsError, match="/nowhere is no folder"):
        opened("/nowhere")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigurationError, match="no device 'cuda'"):
            opened(checkpoint, device="cuda")


def test_longer_windows_than_it_reads_are_refused(checkpoint):
    with pytest.raises(ConfigurationError, match=f"reads {WINDOW} at once"):
        opened(checkpoint, max_tokens=WINDOW + 1)


def flip_a_weight(path):
    weights = load_file(path)
    weights["classifier.bias"][0] += 1
    save_file(weights, path, metadata={"format": "pt"})
