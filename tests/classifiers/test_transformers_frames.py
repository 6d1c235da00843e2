"""Any image or video classifier: what it says by label becomes scores by frame or window, or it is unmeasured."""

from __future__ import annotations

import json

import numpy as np
import pytest
import skimage.data
import torch
from transformers import ViTForImageClassification

from classifiers.base import ConfigurationError, MeasurementError, TimeSpan, WeightsError, is_frame_classifier
from classifiers.frame_blocks import FrameClassifierBlock
from classifiers.picture_input import read_picture_input
from classifiers.transformers_frames import open_frame_checkpoint
from media.clip import Clip
from tests.frame_checkpoints import LABELS, SIDE, make_siglip, make_videomae, make_vit

PICTURES = [skimage.data.astronaut()[:200, :300], skimage.data.coffee()[:200, :300], skimage.data.chelsea()[:200, :300]]
CLIP = Clip(np.stack(PICTURES), np.array([2.0, 2.5, 3.0]), 24.0)


def block(folder, **changes):
    given = {"name": "mine", "model": str(folder), "labels": {"gore": "frame.gore", "fight": "frame.fight"}}
    return FrameClassifierBlock(**{**given, "multi_label": False, "device": "cpu", **changes})


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    return make_vit(tmp_path_factory.mktemp("vit"))


def test_every_frame_gets_the_probability_that_the_network_gives_it(vit):
    classifier = open_frame_checkpoint(block(vit))
    network = ViTForImageClassification.from_pretrained(vit).eval()
    reader = read_picture_input(vit, "test")

    scores = classifier.score(CLIP)

    with torch.inference_mode():
        logits = network(pixel_values=torch.from_numpy(np.stack([reader(each) for each in PICTURES]))).logits
    expected = torch.softmax(logits, dim=1).numpy()
    assert len(scores) == 6
    for score in scores:
        at = int((score.span.start_s - 2.0) * 2)
        assert score.span == TimeSpan(float(CLIP.times_s[at]), float(CLIP.times_s[at]))
        label = score.detail.removeprefix("label:")
        assert score.value == pytest.approx(expected[at, LABELS.index(label)], abs=1e-5)
    assert len({round(score.value, 6) for score in scores}) > 3, "the random network tells pictures apart"


def test_it_is_a_frame_classifier_and_a_sequence_is_not(vit, tmp_path):
    assert is_frame_classifier(open_frame_checkpoint(block(vit, lasting_s=0.5)))
    assert open_frame_checkpoint(block(vit, lasting_s=0.5)).lasting_s == 0.5
    sequence = open_frame_checkpoint(block(make_videomae(tmp_path), reads="sequence"))
    assert not is_frame_classifier(sequence)


def test_batches_change_nothing(vit):
    one, many = (open_frame_checkpoint(block(vit, batch=size)) for size in (1, 8))

    assert [round(score.value, 5) for score in one.score(CLIP)] == [round(score.value, 5) for score in many.score(CLIP)]
    assert one.version == many.version


def test_a_siglip_with_a_head_scores_too_and_sigmoid_and_calibration_are_applied(tmp_path):
    folder = make_siglip(tmp_path)
    plain = open_frame_checkpoint(block(folder, multi_label=True)).score(CLIP)
    moved = open_frame_checkpoint(
        block(folder, multi_label=True, calibration={"gore": {"slope": 2.0, "offset": 1.0}})
    ).score(CLIP)

    def log_odds(score):
        return np.log(score.value / (1 - score.value))

    for before, after in zip(plain, moved, strict=True):
        expected = 2 * log_odds(before) + 1 if before.signal == "frame.gore" else log_odds(before)
        assert log_odds(after) == pytest.approx(expected, abs=1e-4)


def test_several_labels_of_one_signal_count_by_the_highest(vit):
    both = open_frame_checkpoint(block(vit, labels={"gore": "frame.bad", "fight": "frame.bad"})).score(CLIP)
    each = open_frame_checkpoint(block(vit)).score(CLIP)

    assert [score.value for score in both] == [max(each[at].value, each[at + 1].value) for at in (0, 2, 4)]


def test_a_video_classifier_sees_the_order_of_frames(tmp_path):
    classifier = open_frame_checkpoint(block(make_videomae(tmp_path), reads="sequence"))
    forward = classifier.score(CLIP)
    backward = classifier.score(Clip(CLIP.frames[::-1].copy(), CLIP.times_s, 24.0))

    assert {score.signal for score in forward} == {"frame.gore", "frame.fight"}
    assert all(score.span == TimeSpan(2.0, 3.0) for score in forward)
    assert [score.value for score in forward] != [score.value for score in backward]
    single = classifier.score(Clip(CLIP.frames[:1], CLIP.times_s[:1], 24.0))
    assert all(0 <= score.value <= 1 for score in single)


def test_too_late_or_broken_is_unmeasured(vit, monkeypatch):
    slow = open_frame_checkpoint(block(vit, seconds=1e-9, batch=1))
    with pytest.raises(MeasurementError, match="within"):
        slow.score(CLIP)

    broken = open_frame_checkpoint(block(vit))
    with torch.no_grad():
        broken._network.classifier.bias.fill_(float("nan"))
    with pytest.raises(MeasurementError, match="no numbers"):
        broken.score(CLIP)

    def out_of_memory(**_):
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(broken, "_network", out_of_memory)
    with pytest.raises(MeasurementError, match="failed"):
        broken.score(CLIP)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"labels": {"nudity": "frame.nudity"}}, ConfigurationError, "no label 'nudity'; it has: 'calm'"),
        ({"reads": "sequence"}, WeightsError, "video classifier"),
        ({"device": "cuda:7"}, ConfigurationError, "cuda:7"),
        ({"pin": "0" * 16}, WeightsError, "pinned"),
        ({"model": "/nowhere/at/all"}, WeightsError, "no folder"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_the_start(vit, changes, error, says):
    with pytest.raises(error, match=says):
        open_frame_checkpoint(block(vit, **changes))


def test_a_folder_without_picture_settings_or_with_unknown_wishes_is_refused(tmp_path):
    folder = make_vit(tmp_path)
    asks = json.loads((folder / "preprocessor_config.json").read_text())
    for given, says in (({**asks, "do_pad": True}, "more than"), ({**asks, "size": "big"}, "understood")):
        (folder / "preprocessor_config.json").write_text(json.dumps(given))
        with pytest.raises(WeightsError, match=says):
            open_frame_checkpoint(block(folder))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(WeightsError, match=r"preprocessor_config\.json"):
        open_frame_checkpoint(block(folder))


def test_another_file_or_setting_is_another_version(vit, tmp_path):
    other = make_vit(tmp_path, seed=1)

    versions = {open_frame_checkpoint(block(vit)).version, open_frame_checkpoint(block(other)).version}
    versions.add(open_frame_checkpoint(block(vit, temperature=2.0)).version)

    assert len(versions) == 3
    pinned = open_frame_checkpoint(block(vit)).version
    assert open_frame_checkpoint(block(vit, pin=pinned)).version == pinned


def test_short_side_and_crop_are_done_as_asked(tmp_path):
    folder = make_vit(tmp_path)
    path = folder / "preprocessor_config.json"
    asks = json.loads(path.read_text()) | {
        "size": {"shortest_edge": 40}, "do_center_crop": True, "crop_size": {"height": SIDE, "width": SIDE},
        "image_mean": [0, 0, 0], "image_std": [1, 1, 1],
    }  # fmt: skip
    path.write_text(json.dumps(asks))
    wide = np.zeros((100, 200, 3), np.uint8)
    wide[:, 100:] = 255

    seen = read_picture_input(folder, "test")(wide)

    assert seen.shape == (3, SIDE, SIDE)
    assert seen[:, :, : SIDE // 2 - 2].max() == 0
    assert seen[:, :, SIDE // 2 + 2 :].min() == pytest.approx(1)
