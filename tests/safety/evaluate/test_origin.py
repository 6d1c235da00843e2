"""Figures about origin: one shape for both classes, honest folds and intervals, and controls that find shortcuts."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from classifiers.base import MeasurementError, Score
from media.clip import Clip, VideoInfo
from media.codec import encode_mp4
from media.renditions import HEADLINE
from safety.errors import InvalidContent, SafetyError
from safety.evaluate.origin_controls import controls, folds_of
from safety.evaluate.origin_figures import Scored, _ece, auroc, found_at, interval, threshold_at
from safety.evaluate.origin_pages import write_origin_pages
from safety.evaluate.origin_report import origin_report, warnings
from safety.evaluate.origin_rows import LabelledClip, read_manifest
from safety.evaluate.origin_scores import MeasuredClip, measure_clips, read_scores
from safety.figures import calibrate

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


class Roughness:
    """A detector for tests: the rougher the texture, the likelier. Refuses black frames. Counts what it is asked."""

    name = "roughness"
    version = "1"
    accepts = Clip
    signals = frozenset({"video.synthetic"})

    def __init__(self) -> None:
        self.asked = 0

    def score(self, content: Clip) -> list[Score]:
        self.asked += 1
        if content.frames.max() < 20:
            raise MeasurementError("the frames are black")
        rough = np.abs(np.diff(content.frames.astype(float), axis=2)).mean()
        return [Score("video.synthetic", float(np.clip(rough / 40, 0, 1)))]


class Colours:
    """An encoder for tests: mean and spread of each channel, and the roughness."""

    version = "1"

    def embed(self, frames):
        rows = []
        for frame in frames:
            pixels = frame.reshape(-1, 3) / 255
            rough = np.abs(np.diff(frame.astype(float), axis=1)).mean() / 40
            rows.append([*pixels.mean(axis=0), *pixels.std(axis=0), rough])
        return np.array(rows, dtype=np.float32)


def film(path, *, rough, seed, fps=8.0, frames=12, side=256):
    chance = np.random.default_rng(seed)
    base = np.linspace(40, 200, side)[None, :, None] * chance.uniform(0.6, 1.0, 3)
    texture = chance.normal(0, rough, (side, side, 3))
    picture = np.clip(base + texture, 0, 255).astype(np.uint8)
    encode_mp4((np.roll(picture, at, axis=1) for at in range(frames)), path, fps=fps, crf=12)


LINES = [
    ("ai", "alpha", "page-1", "t2v"), ("ai", "alpha", "page-1", "t2v"), ("ai", "beta", "page-2", "t2v"),
    ("ai", "gamma", "page-3", "t2v"), ("real", "lab", "lab", "camera"), ("real", "lab", "lab", "camera"),
    ("real", "road", "road", "camera"), ("real", "film", "film", "cgi"),
]  # fmt: skip


def write_manifest(folder, lines, columns=("file", "label", "generator_or_source", "repo", "kind")):
    with (folder / "MANIFEST.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(lines)
    return folder


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Eight clips; the generated ones are rougher. The classes share rate, size and length."""
    folder = tmp_path_factory.mktemp("films")
    rows = []
    for at, (label, source, repo, kind) in enumerate(LINES):
        film(folder / f"{at}.mp4", rough=45 if label == "ai" else 8, seed=at)
        rows.append((f"{at}.mp4", label, source, repo, kind))
    return write_manifest(folder, rows)


def told(clips, **changes):
    given = {
        "conditions": [HEADLINE], "detector": {"name": "roughness", "version": "1"}, "trained_on": frozenset(),
        "policy_threshold": 0.9, "why_no_vectors": "no encoder", "at": NOON, "how": {}, **changes,
    }  # fmt: skip
    return origin_report(clips, **given)


def test_a_detector_of_texture_is_measured_in_every_condition_with_all_controls(films, tmp_path):
    conditions = [HEADLINE, "as_is", "crf35", "tiles", "grey"]
    clips = measure_clips(read_manifest(films), Roughness(), conditions=conditions, embedder=Colours())

    report = told(clips, conditions=conditions)

    assert report["clips"] | {"not_decoded": {}} == report["clips"]
    assert (report["clips"]["counted"], report["clips"]["generated"], report["clips"]["sources"]) == (8, 4, 3)
    assert report["headline"]["auroc"]["value"] == 1.0
    assert report["conditions"]["tiles"]["auroc"]["value"] == 1.0, "shuffling tiles keeps the texture"
    assert report["headline"]["found"]["0.05"]["false_alarms"] == 0
    assert all(report["controls"][name]["value"] is not None for name in ("metadata", "topic", "refitted"))
    assert 0.3 < report["controls"]["shuffled"]["detector"]["mean"] < 0.7
    assert set(report["drift"]) == set(conditions) - {HEADLINE}
    assert report["groups"]["hard_negatives"]["cgi"]["above_policy"]["n"] == 1
    pages = {path.name for path in write_origin_pages(tmp_path / "out", report, clips)}
    assert {"report.json", "report.md", "roc.svg", "reliability.svg", "scores.svg", "generators.svg"} <= pages
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    page = (tmp_path / "out" / "report.md").read_text()
    assert "metadata only" in page
    assert "real against real" in page


def test_controls_find_what_is_there_and_nothing_where_there_is_nothing():
    """Vectors whose classes differ, vectors of chance, files that are all alike."""
    chance = np.random.default_rng(3)
    info = VideoInfo(256, 256, 8.0, 2.0, "h264", "mp4", False)
    clips = []
    for at in range(120):
        made, group = at % 2 == 0, at // 10
        row = LabelledClip(f"{at}.mp4", Path("x"), made, f"{made}{group}", f"{made}{group}")
        clip = MeasuredClip(row, "", info, size_bytes=1000, frames=10, scores={HEADLINE: float(chance.random())})
        clip.texture, clip.topic = chance.normal(size=16) + 2 * made, chance.normal(size=16)
        clips.append(clip)

    found = controls(clips, why_no_vectors="")

    assert found["refitted"]["value"] > 0.95
    assert found["refitted"]["low"] > 0.9
    assert 0.3 < found["topic"]["value"] < 0.7
    assert found["metadata"]["value"] == 0.5
    for control in ("shuffled", "real_vs_real"):
        for who in ("detector", "learned"):
            assert 0.3 < found[control][who]["mean"] < 0.7, (control, who)


def test_a_shortcut_of_the_files_is_named(tmp_path):
    """The classes differ in nothing but the rate and length of their files; a detector that "knows" it is caught."""
    rows = []
    for at in range(24):
        label = "ai" if at % 2 else "real"
        film(tmp_path / f"{at}.mp4", rough=20, seed=at, fps=8.0 if label == "ai" else 16.0, frames=22)
        rows.append((f"{at}.mp4", label, f"{label}{at % 6}", f"{label}{at % 6}", "camera"))
    listed = read_manifest(write_manifest(tmp_path, rows))
    cheat = {(row.file, HEADLINE): 0.9 if row.made else 0.1 for row in listed}

    report = told(measure_clips(listed, cheat, conditions=[HEADLINE]))

    assert report["headline"]["auroc"]["value"] == 1.0
    assert report["controls"]["metadata"]["value"] > 0.95
    assert any("metadata alone gets AUROC" in words and "shortcut" in words for words in warnings(report))
    assert any("the topic alone would tell was not measured: no encoder" in words for words in warnings(report))


def test_clips_that_the_detector_learned_from_are_counted_and_told(films):
    clips = measure_clips(read_manifest(films), Roughness(), conditions=[HEADLINE])

    report = told(clips, trained_on=frozenset(clip.sha256[:16] for clip in clips[:3]))

    assert report["clips"]["seen_in_training"] == 3
    assert any("3 of 8 clips were learned from" in words for words in warnings(report))


def test_measurements_are_kept_by_content_and_version(films, tmp_path):
    rows, first, again, newer = read_manifest(films), Roughness(), Roughness(), Roughness()
    newer.version = "2"

    once = measure_clips(rows, first, conditions=[HEADLINE], cache=tmp_path)
    twice = measure_clips(rows, again, conditions=[HEADLINE], cache=tmp_path)
    measure_clips(rows, newer, conditions=[HEADLINE], cache=tmp_path)

    assert (first.asked, again.asked, newer.asked) == (8, 0, 8)
    assert [clip.scores for clip in once] == [clip.scores for clip in twice]


def test_a_torn_line_of_the_cache_is_measured_again(films, tmp_path):
    rows = read_manifest(films)
    measure_clips(rows, Roughness(), conditions=[HEADLINE], cache=tmp_path)
    kept = tmp_path / "origin-measurements.jsonl"
    kept.write_text(kept.read_text()[:-9])
    detector = Roughness()

    measure_clips(rows, detector, conditions=[HEADLINE], cache=tmp_path)

    assert detector.asked == 1


def test_files_that_do_not_decode_and_clips_that_are_too_short_or_small_do_not_count(tmp_path, films):
    folder = tmp_path / "set"
    folder.mkdir()
    lines = []
    for at, (label, source, repo, kind) in enumerate(LINES):
        (folder / f"{at}.mp4").write_bytes((films / f"{at}.mp4").read_bytes())
        lines.append((f"{at}.mp4", label, source, repo, kind))
    (folder / "broken.mp4").write_bytes(b"no video")
    film(folder / "short.mp4", rough=10, seed=1, frames=5)
    film(folder / "small.mp4", rough=10, seed=2, side=160)
    encode_mp4([np.zeros((256, 256, 3), np.uint8)] * 12, folder / "black.mp4", fps=8.0)
    lines += [(f"{name}.mp4", "real", name, name, "camera") for name in ("broken", "short", "small", "black")]

    clips = measure_clips(read_manifest(write_manifest(folder, lines)), Roughness(), conditions=[HEADLINE, "as_is"])
    report = told(clips, conditions=[HEADLINE, "as_is"])

    assert list(report["clips"]["not_decoded"]) == ["broken.mp4"]
    assert report["clips"]["counted"] == 9
    assert report["headline"]["n"] == 8
    assert report["headline"]["unmeasured"] == 1, "the black clip is unmeasured, not real"
    assert report["too_short_or_small"]["n"] == 2


def test_no_figure_is_made_of_one_class(films):
    clips = [clip for clip in measure_clips(read_manifest(films), Roughness(), conditions=[HEADLINE]) if clip.row.made]

    with pytest.raises(InvalidContent, match="4 generated and 0 real"):
        told(clips)


@pytest.mark.parametrize(
    ("lines", "columns", "words"),
    [
        ([("0.mp4", "ai")], ("path", "label"), "no column 'file'"),
        ([("0.mp4", "ai")], ("file", "label"), "needs a column 'generator_or_source'"),
        ([("0.mp4", "fake", "x")], ("file", "label", "source"), "line 2: 'label' is 'fake'; write 'ai' or 'real'"),
        ([("", "ai", "x")], ("file", "label", "source"), "line 2: 'file' is empty"),
        ([("0.mp4", "ai", "")], ("file", "label", "source"), "line 2: 'generator_or_source' is empty"),
        ([("nowhere.mp4", "ai", "x")], ("file", "label", "source"), "'nowhere.mp4' is not a file"),
        ([("../0.mp4", "ai", "x")], ("file", "label", "source"), "lies outside"),
        ([("0.mp4", "ai", "x")] * 2, ("file", "label", "source"), "names '0.mp4' twice"),
        ([("0.mp4", "ai", "x")], ("file", "label", "source"), "labelled 'ai' of two sources"),
        ([], ("file", "label", "source"), "labelled 'ai' of two sources"),
    ],
)
def test_a_manifest_that_cannot_be_meant_names_line_and_remedy(tmp_path, lines, columns, words):
    (tmp_path / "0.mp4").write_bytes(b"")

    with pytest.raises(InvalidContent, match=words):
        read_manifest(write_manifest(tmp_path, lines, columns))


def test_a_manifest_that_is_not_there_or_not_text_is_refused(tmp_path):
    with pytest.raises(InvalidContent, match="cannot be read: No such file"):
        read_manifest(tmp_path)
    (tmp_path / "MANIFEST.csv").write_bytes(b"\xff\xfe\x00file")
    with pytest.raises(InvalidContent, match="not CSV in UTF-8"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("line", ["0.mp4,encoded,high", "0.mp4,encoded,1.5", "0.mp4"])
def test_a_file_of_scores_holds_probabilities(tmp_path, line):
    (tmp_path / "scores.csv").write_text(f"file,condition,score\n{line}\n")

    with pytest.raises(InvalidContent, match="line 2"):
        read_scores(tmp_path / "scores.csv")


def test_a_cache_that_cannot_be_written_is_refused(films, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(SafetyError, match="cannot be kept"):
        measure_clips(read_manifest(films), Roughness(), conditions=[HEADLINE], cache=tmp_path / "file")


scores = st.lists(st.tuples(st.floats(0, 1, width=16), st.booleans()), min_size=2, max_size=60)


@given(scores)
def test_the_ranking_is_that_of_the_reference(pairs):
    values, made = np.array([p for p, _ in pairs]), np.array([m for _, m in pairs])

    if made.all() or not made.any():
        assert np.isnan(auroc(values, made))
    else:
        assert auroc(values, made) == pytest.approx(roc_auc_score(made, values))


@given(scores)
def test_calibration_is_that_of_every_other_report(pairs):
    values, made = np.array([p for p, _ in pairs]), np.array([m for _, m in pairs])

    assert _ece(values, made) == pytest.approx(calibrate(list(values[made]), list(values[~made])).ece)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80), st.sampled_from([0.01, 0.05, 0.2]))
def test_at_most_that_share_of_real_clips_lies_above_a_threshold(values, share):
    negatives = np.array(values)

    assert (negatives > threshold_at(negatives, share)).mean() <= share


def test_an_interval_resamples_whole_groups_and_so_is_wider_than_one_of_clips():
    chance = np.random.default_rng(0)
    made = np.repeat([True, False], 60)
    of_group = np.repeat(chance.normal(size=12), 10)
    values = of_group + made + chance.normal(scale=0.1, size=120)
    grouped = interval(Scored(values, made, np.repeat([f"g{at}" for at in range(12)], 10)), auroc)
    alone = interval(Scored(values, made, np.array([f"c{at}" for at in range(120)])), auroc)

    assert grouped["low"] <= grouped["value"] <= grouped["high"]
    assert grouped["high"] - grouped["low"] > 1.5 * (alone["high"] - alone["low"])


def test_the_share_found_falls_with_the_false_alarms_that_are_allowed():
    values, made = np.array([0.1, 0.2, 0.9, 0.95, 0.3, 0.97]), np.array([False] * 3 + [True] * 3)

    assert found_at(values, made, 0.0) == pytest.approx(2 / 3)
    assert found_at(values, made, 0.4) == 1.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 4)), min_size=4, max_size=40))
def test_no_repository_or_source_is_on_both_sides_of_a_fold(drawn):
    rows = [
        LabelledClip(
            f"{at}.mp4", Path("x"), made, f"{made}{source}", f"page{page}" if made or not page else f"s{source}"
        )
        for at, (made, source, page) in enumerate(drawn)
    ]
    clips = [MeasuredClip(row, "", VideoInfo(256, 256, 8.0, 1.0, "h264", "mp4", False), frames=10) for row in rows]

    folds = folds_of(clips)

    assert (np.sum(folds, axis=0) == 1).all()
    for held_out in folds:
        out = [row for row, gone in zip(rows, held_out, strict=True) if gone]
        kept = [row for row, gone in zip(rows, held_out, strict=True) if not gone]
        assert not {row.repository for row in out if row.made} & {row.repository for row in kept}
