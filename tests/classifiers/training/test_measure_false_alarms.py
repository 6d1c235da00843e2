"""False alarms of origin heads: whose word counts, and that no source sets the threshold it is asked at."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from classifiers.training.measure_false_alarms import by_source, cross_fitted, show
from classifiers.training.origin_heads import folds_of, weights_of
from classifiers.training.origin_samples import Looks, besides, drawn_clips
from classifiers.training.train_forensics import calibrated, wanted
from media.codec import encode_mp4


def write_csv(path, lines):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)


@pytest.fixture
def frames(tmp_path):
    """Frames data: two stills that are large enough, one that is not, a recording, one too short, another source."""
    folder = tmp_path / "frames"
    folder.mkdir()
    picture = np.random.default_rng(0).integers(0, 255, (160, 200, 3), dtype=np.uint8)
    for name, side in (("a.png", 160), ("b.png", 160), ("tiny.png", 100)):
        Image.fromarray(picture[:side]).save(folder / name)
    encode_mp4((np.roll(picture, step, axis=1) for step in range(12)), folder / "road.mp4", fps=8.0)
    encode_mp4((picture for _ in range(4)), folder / "short.mp4", fps=8.0)
    lines = [(name, "benign", "raccoon", "x") for name in ("a.png", "b.png", "tiny.png")]
    lines += [(name, "benign", "road_nocrash", "y") for name in ("road.mp4", "short.mp4")]
    write_csv(
        folder / "MANIFEST.csv", [("file", "label", "source", "repo"), *lines, ("c.png", "benign", "others", "z")]
    )
    return folder


def test_scores_as_decoded_count_by_source_and_generated_ones_stand_apart(tmp_path, frames):
    rows = [("m.mp4", "ai", "gen", "p"), ("r.mp4", "real", "lab", "lab"), ("s.mp4", "real", "lab", "lab")]
    write_csv(tmp_path / "MANIFEST.csv", [("file", "label", "generator_or_source", "repo"), *rows])
    lines = [("m.mp4", "as_is", 0.9), ("r.mp4", "as_is", 0.5), ("r.mp4", "encoded", 0.8), ("s.mp4", "as_is", 0.2)]
    lines += [("drawn/x", "as_is", 0.7), ("road.mp4", "as_is", 0.1), ("c.png", "as_is", 0.6)]
    write_csv(tmp_path / "scores.csv", [("file", "condition", "score"), *lines])

    real, made = by_source(tmp_path, frames, tmp_path / "scores.csv")

    assert {name: len(values) for name, values in real.items()} == {"lab": 2, "road_nocrash": 1}
    assert real["lab"][0] == pytest.approx(0.0)
    assert {name: len(values) for name, values in made.items()} == {"gen": 1}


class Looker:
    """Counts what it is shown, and says how bright it is."""

    version = "1"

    def __init__(self):
        self.shown = 0

    def look(self, frames):
        frames = list(frames)
        self.shown += len(frames)
        return np.array([[frame.mean()] for frame in frames], np.float32)


def test_further_sources_are_looked_at_as_they_are_and_what_is_too_small_or_short_never(frames, tmp_path):
    chosen, looker = besides(frames, {"raccoon": 9, "road_nocrash": 9}), Looker()

    found = {each.name: Looks(looker, tmp_path / "kept").of(each, "as_is", 2) for each in chosen}

    assert {name: None if rows is None else len(rows) for name, rows in found.items()} == {
        "a.png": 1, "b.png": 1, "road.mp4": 2, "short.mp4": None,
    }  # fmt: skip
    assert looker.shown == 4
    assert [wanted(chosen[0], condition) for condition in ("as_is", "encoded", "tiles")] == [True, False, False]
    assert len(besides(frames, {"raccoon": 1})) <= 1


def test_further_sources_are_left_out_whole_weigh_like_recordings_and_calibrate_nothing(frames):
    chosen = besides(frames, {"raccoon": 9, "road_nocrash": 9})
    samples = [*chosen, *drawn_clips(1, 1), *(replace(each, made=True, source="gen") for each in chosen[:1])]

    folds = folds_of(samples)[: len(chosen)]
    weights = weights_of(samples)

    assert all(folds >= 0)
    for source in ("raccoon", "road_nocrash"):
        assert len({place for each, place in zip(chosen, folds, strict=True) if each.source == source}) == 1
    assert weights[0] * 2**0.5 == pytest.approx(weights[len(chosen)] / 0.5), "a drawn clip weighs half"
    with pytest.raises(ValueError, match="0 sample"):
        calibrated({each.name: 1.0 for each in chosen}, chosen)


def test_a_source_is_asked_at_the_threshold_of_the_others():
    """One source that scores high throughout is all false alarms, although its own scores would have set it aside."""
    calm = {f"calm {at}": [-3.0 + at / 100] for at in range(40)}
    odd = {"odd": [4.0, 4.5, 5.0]}

    alarms = cross_fitted(calm, 0.1)
    with_odd = cross_fitted(calm | odd, 0.1)

    assert alarms[0] <= 4
    assert with_odd[1] == 43
    assert with_odd[0] >= 3
    assert cross_fitted(calm | {"odd": [-9.0] * 3}, 0.1)[0] <= 4


def test_shares_that_cannot_be_told_are_said_and_the_others_shown(capsys):
    show({str(at): [at / 10] for at in range(30)}, {"gen": [2.0, 5.0]})

    told = capsys.readouterr().out
    assert "30 real of 30 sources; 2 generated" in told
    assert "at 1%: 1.00% of false alarms cannot be told" in told
    assert "at 5%: threshold 0.9" in told
    assert "found 1/2" in told
