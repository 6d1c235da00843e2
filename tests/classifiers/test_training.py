"""The figures of the cards stand on these: folds that leak nothing, intervals, folded weights, equal treatment."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import skimage.data
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from classifiers.linear_head import LinearHead, load_head
from classifiers.training.drawn_clips import FRAMES, KINDS, drawn
from classifiers.training.head_fitting import fit, out_of_fold, platt, threshold_at, wilson, write_head
from classifiers.training.write_drawn_clips import KIND_OF, write
from media.codec import encode_mp4
from media.renditions import TILE, first_frames, shuffled_tiles


def test_a_folded_line_says_what_the_standardised_regression_says():
    chance = np.random.default_rng(0)
    x = chance.normal(size=(80, 6)) * [1, 10, 0.1, 1, 5, 2] + 3
    y = x[:, 1] + chance.normal(size=80) * 5 > 3
    scaler = StandardScaler().fit(x)
    expected = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000).fit(scaler.transform(x), y)

    line = fit(x, y, strength=0.1)

    np.testing.assert_allclose(line.logit(x), expected.decision_function(scaler.transform(x)), atol=1e-6)


def test_out_of_fold_logits_come_from_a_line_that_did_not_see_the_row():
    x, y = np.arange(8.0)[:, None], np.arange(8) >= 4
    halves = [np.arange(8) % 2 == 0, np.arange(8) % 2 == 1]
    seen = []

    def learn(chosen):
        seen.append(chosen)
        return fit(x[chosen], y[chosen], strength=1.0)

    logits = out_of_fold(halves, learn, x)

    assert np.isfinite(logits).all()
    assert all(not (chosen & held_out).any() for chosen, held_out in zip(seen, halves, strict=True))


def test_platt_turns_overconfident_logits_into_honest_ones():
    chance = np.random.default_rng(0)
    honest = chance.normal(size=4000) * 2
    y = chance.random(4000) < 1 / (1 + np.exp(-honest))

    slope, offset = platt(honest * 5, y)

    assert slope == pytest.approx(0.2, rel=0.15)
    assert offset == pytest.approx(0.0, abs=0.15)


# Newcombe 1998, table I: Wilson score method without continuity correction.
@pytest.mark.parametrize(
    ("k", "n", "expected"),
    [(81, 263, "81/263 = 0.308 [0.255, 0.366]"), (15, 148, "15/148 = 0.101 [0.062, 0.160]"),
     (0, 20, "0/20 = 0.000 [0.000, 0.161]"), (1, 29, "1/29 = 0.034 [0.006, 0.172]")],
)  # fmt: skip
def test_intervals_are_those_of_the_literature(k, n, expected):
    assert wilson(k, n) == expected


@pytest.mark.parametrize("share", [0.0, 0.01, 0.05, 0.5])
def test_no_more_negatives_than_allowed_lie_above_a_threshold(share):
    negatives = np.random.default_rng(0).normal(size=99)

    above = (negatives > threshold_at(negatives, share)).sum()

    assert above == int(share * 99)


def test_a_written_head_is_read_back_as_it_was(tmp_path, capsys):
    chance = np.random.default_rng(0)
    x = chance.normal(size=(60, 512))
    line = fit(x, x[:, 0] > 0, strength=1e-3)

    write_head(tmp_path, line, {"encoder_sha256": "e"})
    weights, config = (said.split()[-1] for said in capsys.readouterr().out.splitlines())
    head = load_head(tmp_path, weights_sha256=weights, config_sha256=config, encoder_sha256="e")

    assert isinstance(head, LinearHead)
    np.testing.assert_allclose(head.probability(x.astype(np.float32)), 1 / (1 + np.exp(-line.logit(x))), atol=1e-5)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "pan.mp4"
    picture = skimage.data.coffee()
    encode_mp4([picture[at : at + 300, 2 * at : 2 * at + 400] for at in range(60)], path, fps=24.0)
    return path


def test_clips_are_sampled_at_about_eight_frames_a_second(video):
    frames = first_frames(video)

    assert len(frames) == 10
    assert {frame.shape for frame in frames} == {(300, 400, 3)}


def test_tiles_are_all_kept_and_moved():
    crop = skimage.data.astronaut()[:192, :192]

    shuffled = shuffled_tiles(crop, np.random.default_rng(0))

    def blocks(frame):
        side = frame.shape[0] // TILE
        return frame.reshape(side, TILE, side, TILE, 3).swapaxes(1, 2).reshape(side * side, -1).tolist()

    assert blocks(shuffled) != blocks(crop)
    assert sorted(blocks(shuffled)) == sorted(blocks(crop))


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_clips_are_drawn_from_their_seed(kind):
    first, again, other = drawn(kind, 1), drawn(kind, 1), drawn(kind, 2)

    assert len(first) == FRAMES
    assert {frame.shape for frame in first} == {(360, 640, 3)}
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_drawn_clips_are_written_with_lines_for_a_manifest(tmp_path):
    write(tmp_path, 1)

    lines = list(csv.DictReader((tmp_path / "drawn.csv").read_text().splitlines()))
    assert len(lines) == len(KINDS) == len(KIND_OF)
    assert {line["label"] for line in lines} == {"real"}
    assert all(len(first_frames(tmp_path / line["file"])) == 10 for line in lines)
