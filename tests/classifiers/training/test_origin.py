"""What the origin head learns from and how: folds that leak nothing, parts that weigh alike, looks that are kept."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from PIL import Image
from sklearn.metrics import roc_auc_score

from classifiers.training.origin_heads import fit_parts, folds_of, unseen, weights_of
from classifiers.training.origin_networks import NETWORKS
from classifiers.training.origin_samples import (
    DRAWN,
    PICTURE,
    Looks,
    Sample,
    clips,
    drawn_clips,
    photographs,
)
from classifiers.training.train_forensics import calibrated, write_scores
from media.codec import encode_mp4
from media.renditions import CONDITIONS, CROP

MADE = [("pika", "page-a"), ("gen2", "page-a"), ("gen2", "page-b"), ("morph", "page-b"), ("svd", "page-c")]
REAL = [("droid", "lab-1"), ("ucf", "page-c"), ("ucf", "page-c"), ("tree", "lab-2"), ("lane", "lab-3")]
BIG = {"width": "640", "height": "360"}


def sample(name, *, made, source, repository, kind="camera"):
    return Sample(name, made, source, repository, kind, name, list, BIG)


@pytest.fixture
def samples():
    made = [sample(f"ai/{at}", made=True, source=s, repository=page) for at, (s, page) in enumerate(MADE)]
    real = [sample(f"real/{at}", made=False, source=s, repository=page) for at, (s, page) in enumerate(REAL)]
    drawn = [sample(f"drawn/{at}", made=False, source=f"drawn {at % 2}", repository="d", kind=DRAWN) for at in range(4)]
    return [*made, *real, *drawn, sample("p", made=False, source="web", repository="photographs", kind=PICTURE)]


@pytest.mark.parametrize("whole_repositories", [True, False])
def test_every_clip_is_left_out_once_and_photographs_never(samples, whole_repositories):
    folds = folds_of(samples, whole_repositories=whole_repositories)

    assert len(folds) == len(samples)
    assert [fold == -1 for fold in folds] == [each.kind == PICTURE for each in samples]


def test_no_repository_of_a_generator_no_real_source_and_no_kind_of_drawing_is_on_both_sides(samples):
    folds = folds_of(samples)

    for fold in set(folds.tolist()) - {-1}:
        out = [each for each, place in zip(samples, folds, strict=True) if place == fold]
        kept = [each for each, place in zip(samples, folds, strict=True) if place != fold]
        pages = {each.repository for each in out if each.made}
        assert not pages & {each.repository for each in kept if not each.helps}
        assert not {each.source for each in out if not each.made} & {each.source for each in kept if not each.made}


def test_classes_weigh_alike_and_a_large_source_does_not_rule(samples):
    many = [sample(f"m{at}", made=True, source="many", repository="m") for at in range(100)]
    weight = weights_of([*samples, *many])
    made = np.array([each.made for each in [*samples, *many]])

    assert weight[made].sum() == pytest.approx(weight[~made].sum())
    assert weight[-1] == pytest.approx(weight[0] / 10)
    assert weight[made].sum() + weight[~made].sum() == pytest.approx(len(made))


def two_parts(count=120):
    """Two parts of a look, each half right: the second has far more numbers and a far larger scale."""
    chance = np.random.default_rng(0)
    samples = [sample(str(at), made=at % 2 == 0, source=str(at), repository=str(at)) for at in range(count)]
    sign = np.array([1.0 if each.made else -1.0 for each in samples])[:, None]
    first = sign * 0.8 + chance.normal(size=(count, 3))
    second = 1000 * (sign * 0.1 + chance.normal(size=(count, 60)))
    x = np.hstack([first, second])
    return samples, {each.name: row for each, row in zip(samples, x, strict=True)}


def test_joined_lines_are_one_line_in_which_each_part_says_as_much():
    samples, looked = two_parts()
    parts = (slice(0, 3), slice(3, 63))
    line = fit_parts({"as_is": looked}, samples, parts)
    x = np.stack(list(looked.values()))

    spreads = [float((x[:, part] @ line.weight[part]).std()) for part in parts]
    assert spreads[0] == pytest.approx(spreads[1], rel=1e-6)
    assert roc_auc_score([each.made for each in samples], line.logit(x)) > 0.8


def test_unseen_logits_come_from_a_line_that_did_not_see_the_clip():
    samples, looked = two_parts(24)
    asked = []

    def learn(views, chosen):
        asked.append({each.name for each in chosen})
        return fit_parts(views, chosen, (slice(0, 63),))

    folds = np.arange(24) % 3
    logits = unseen({"as_is": looked}, samples, folds, {"as_is": looked, "grey": {"0": looked["0"]}}, learn)

    assert set(logits["as_is"]) == {each.name for each in samples}
    assert set(logits["grey"]) == {"0"}
    for fold, seen in enumerate(asked):
        assert not seen & {str(at) for at in range(24) if at % 3 == fold}


def test_calibration_ignores_what_only_helps_learning(samples):
    logits = {each.name: (2.0 if each.made else -2.0) + 0.1 * at for at, each in enumerate(samples)}
    wrong = {**logits, "p": 50.0, "drawn/0": 50.0}

    assert calibrated(wrong, samples) == calibrated(logits, samples)


def test_scores_of_unseen_clips_are_written_as_an_evaluation_reads_them(tmp_path):
    write_scores(tmp_path / "scores.csv", {"encoded": {"a": -2.0, "b": 2.0}, "as_is": {"a": 0.0}}, 2.0, 0.0)

    lines = list(csv.DictReader((tmp_path / "scores.csv").read_text().splitlines()))
    assert [(line["file"], line["condition"]) for line in lines] == [
        ("a", "encoded"), ("b", "encoded"), ("a", "as_is"),
    ]  # fmt: skip
    assert [float(line["score"]) for line in lines] == pytest.approx(
        [1 / (1 + np.exp(4)), 1 / (1 + np.exp(-4)), 0.5], abs=1e-5
    )


class Mean:
    """Looks at a frame and says how bright it is; counts what it is shown."""

    version = "1"

    def __init__(self):
        self.shown = []

    def look(self, frames):
        frames = list(frames)
        self.shown += [frame.shape for frame in frames]
        return np.array([[frame.mean()] for frame in frames], np.float32)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    picture = skimage.data.coffee()
    for name, count in (("long.mp4", 40), ("short.mp4", 9)):
        encode_mp4([picture[at : at + 256, 2 * at : 2 * at + 320] for at in range(count)], folder / name, fps=24.0)
    lines = [("file", "label", "generator_or_source", "repo", "kind", "width", "height")]
    lines += [
        ("long.mp4", "ai", "alpha", "page", "t2v", "320", "256"),
        ("short.mp4", "real", "lab", "lab", "", "9", "9"),
    ]
    with (folder / "MANIFEST.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return folder


def test_a_clip_is_looked_at_once_in_each_condition_and_too_short_ones_never(videos, tmp_path):
    long, short = clips(videos)
    looker = Mean()

    found = {condition: Looks(looker, tmp_path).of(long, condition, 2) for condition in CONDITIONS}
    again = {condition: Looks(None, tmp_path).of(long, condition, 2) for condition in CONDITIONS}

    assert set(looker.shown) == {(CROP, CROP, 3)}
    assert all(found[condition].shape == (2, 1) for condition in CONDITIONS)
    assert all(np.array_equal(found[condition], again[condition]) for condition in CONDITIONS)
    assert Looks(looker, tmp_path).of(short, "as_is", 2) is None
    assert (long.made, long.large, short.kind, short.large) == (True, True, "camera", False)


def test_without_a_network_nothing_new_is_looked_at(videos, tmp_path):
    assert Looks(None, tmp_path).of(clips(videos)[0], "as_is", 1) is None
    assert not list(tmp_path.iterdir())


def test_drawn_clips_and_photographs_help_as_real_ones(tmp_path):
    files = [f"benign/imagenet1000/{at}.png" for at in range(5)] + ["weapons/other/1.png", "benign/other/1.png"]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(skimage.data.astronaut()).save(tmp_path / file)
    with (tmp_path / "MANIFEST.csv").open("w", newline="") as out:
        csv.writer(out).writerows(
            [("file", "label", "source", "repo"), *((file, "benign", "s", "r") for file in files)]
        )

    helping = [*drawn_clips(1, 1), *photographs(tmp_path, 3)]

    assert sum(each.kind == PICTURE for each in helping) == 3
    assert all(each.helps and not each.made and each.large for each in helping)
    assert {each.name for each in helping if each.kind == PICTURE} <= set(files[:5])
    looker = Mean()
    assert Looks(looker, tmp_path / "kept").of(helping[-1], "encoded", 2).shape == (1, 1), "a still is one frame"
    assert Looks(looker, tmp_path / "kept").of(helping[0], "as_is", 2).shape == (2, 1)


@pytest.mark.parametrize("name", NETWORKS)
def test_parts_of_a_network_cover_each_number_once(name):
    network = NETWORKS[name]
    looked = network.open().look([skimage.data.astronaut()[:192, :192]])

    assert [at for part in network.parts for at in range(part.start, part.stop)] == list(range(looked.shape[1]))


def test_clips_that_are_kept_apart_change_no_head():
    samples, looked = two_parts(40)
    odd = replace(sample("odd", made=False, source="odd", repository="odd"), apart=True)
    parts = (slice(0, 63),)

    with_it = fit_parts({"as_is": {**looked, "odd": np.full(63, 1e6)}}, [*samples, odd], parts)

    np.testing.assert_array_equal(with_it.weight, fit_parts({"as_is": looked}, samples, parts).weight)
    assert [each.apart for each in drawn_clips(3, 2)] == [False] * 16 + [True] * 8


def test_a_label_can_be_dealt_anew():
    one = sample("a", made=True, source="s", repository="r")

    assert one.labelled(made=False) == replace(one, made=False)
