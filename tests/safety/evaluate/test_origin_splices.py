"""Composites of labelled clips: a generated part is told with its seconds, joined recordings are not told of."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import Score, TimeSpan
from media.clip import Clip
from media.codec import encode_mp4
from media.splices import CORNERS, covering, inserted, joined
from safety.evaluate.origin_rows import LabelledClip, read_manifest
from safety.evaluate.origin_splices import Splice, Told, look, splice_figures, splices_of


class Roughness:
    """The rougher the texture, the likelier."""

    name = "roughness"
    version = "1"
    accepts = Clip
    signals = frozenset({"video.synthetic"})

    def score(self, content):
        rough = np.abs(np.diff(content.frames.astype(float), axis=2)).mean()
        return [
            Score("video.synthetic", float(np.clip(rough / 12, 0.01, 0.99)), TimeSpan(content.start_s, content.end_s))
        ]


LINES = [
    ("ai", "alpha", 2.5), ("ai", "beta", 3.0), ("real", "lab", 4.0), ("real", "road", 4.0), ("real", "film", 4.0),
    ("real", "home", 4.0), ("ai", "gamma", 1.0), ("real", "short", 0.5),
]  # fmt: skip


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    with (folder / "MANIFEST.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "label", "source"))
        for at, (label, source, seconds) in enumerate(LINES):
            noise = np.random.default_rng(at).normal(0, 45 if label == "ai" else 2, (240, 256, 3))
            picture = np.clip(110 + noise, 0, 255).astype(np.uint8)
            frames = (np.roll(picture, step, axis=1) for step in range(round(seconds * 8)))
            encode_mp4(frames, folder / f"{at}.mp4", fps=8.0, crf=14)
            writer.writerow((f"{at}.mp4", label, source))
    return read_manifest(folder)


def test_a_generated_part_is_told_with_its_seconds_and_joined_recordings_are_not(films):
    figures = splice_figures(splices_of(films, 2), lambda _: Roughness(), 0.8)

    assert (figures["inside"]["n"], figures["extension"]["n"], figures["recording"]["n"]) == (2, 2, 2)
    assert figures["inside"]["told"]["k"] == figures["extension"]["told"]["k"] == 2
    assert figures["inside"]["overlap"] > 0.6
    assert figures["extension"]["overlap"] > 0.6
    assert figures["inside"]["overlap_half"]["k"] == 2
    assert figures["recording"]["told"]["k"] == 0
    assert figures["threshold"] == 0.8


def test_a_generated_insert_is_told_and_a_recorded_one_is_not(tmp_path):
    rows = []
    pictures = {"alpha": skimage.data.astronaut(), "lab": skimage.data.coffee(), "road": skimage.data.chelsea()}
    for at, (source, picture) in enumerate(pictures.items()):
        noise = np.random.default_rng(at).normal(0, 60 if source == "alpha" else 1, picture.shape)
        made = np.clip(picture + noise, 0, 255).astype(np.uint8)
        frames = [made[step : step + 260, 4 * step : 4 * step + 300] for step in range(32)]
        encode_mp4(frames, tmp_path / f"{source}.mp4", fps=8.0, crf=14)
        rows.append(LabelledClip(f"{source}.mp4", tmp_path / f"{source}.mp4", source == "alpha", source, source))

    class Fine(Roughness):
        def score(self, content):
            rough = np.abs(np.diff(content.frames.astype(float), axis=2)).mean()
            return [Score("video.synthetic", 0.95 if rough > 15 else 0.1, TimeSpan(content.start_s, content.end_s))]

    figures = splice_figures(splices_of(rows, 1), lambda _: Fine(), 0.8)

    for kind, told_of in (("insert", 1), ("window", 0)):
        assert figures[kind]["n"] == figures[kind]["bordered"]["k"] == 1
        assert figures[kind]["told"]["k"] == told_of
        assert "overlap" not in figures[kind]


def test_a_detector_that_calls_everything_generated_is_found_out(films):
    class Always(Roughness):
        def score(self, content):
            return [Score("video.synthetic", 0.95, TimeSpan(content.start_s, content.end_s))]

    figures = splice_figures(splices_of(films, 2), lambda _: Always(), 0.8)

    assert figures["recording"]["told"]["k"] == 2
    assert figures["inside"]["overlap"] < 0.5, "the whole video is told, not the part"


def test_composites_use_long_clips_of_different_sources_and_are_drawn_again_the_same(films):
    splices = splices_of(films, 4)

    assert splices == splices_of(films, 4)
    for splice in splices:
        sources = [part.source for part in splice.parts]
        assert not {"gamma", "short"} & set(sources)
        assert [part.made for part in splice.parts].count(True) == (splice.kind not in ("recording", "window"))
    assert {splice.parts[1].source for splice in splices if splice.kind == "inside"} == {"alpha", "beta"}


def test_without_recordings_there_are_no_composites(films):
    assert splices_of([row for row in films if row.made], 3) == []
    assert splice_figures([], lambda _: Roughness(), 0.8)["inside"]["overlap"] is None


def told(truth, found):
    part = LabelledClip("a.mp4", None, True, "alpha", "alpha")
    return Told(Splice("inside", (part,)), truth, tuple(found), 12.0)


def test_overlap_is_what_is_both_over_what_is_either():
    assert told((4.0, 8.0), [(4.0, 8.0)]).overlap == 1.0
    assert told((4.0, 8.0), [(6.0, 10.0)]).overlap == pytest.approx(2 / 6)
    assert told((4.0, 8.0), [(5.0, 7.0), (9.0, 11.0)]).overlap == pytest.approx(2 / 6)
    assert told((4.0, 8.0), []).overlap == 0.0
    assert told(None, [(1.0, 2.0)]).overlap == 0.0


@given(st.floats(0, 10), st.floats(0.5, 5), st.floats(0, 10), st.floats(0.5, 5))
def test_overlap_is_a_share_and_symmetric(start, length, other, span):
    here, there = (start, start + length), (other, other + span)

    assert 0 <= told(here, [there]).overlap <= 1 + 1e-9
    assert told(here, [there]).overlap == pytest.approx(told(there, [here]).overlap)


def test_joined_parts_have_one_size_and_keep_their_order(films):
    bright, dark = np.full((240, 320, 3), 200, np.uint8), np.full((300, 300, 3), 40, np.uint8)

    frames = joined([[bright] * 3, [dark] * 2], fps=4.0)

    assert {frame.shape for frame in frames} == {(240, 320, 3)}
    assert [round(float(frame.mean()), -1) for frame in frames] == [200, 200, 200, 40, 40]


@pytest.mark.parametrize("corner", CORNERS)
def test_an_insert_stands_in_its_corner_and_nowhere_else(corner):
    frames = inserted(
        [np.full((240, 320, 3), 90, np.uint8)] * 4, [np.full((50, 50, 3), 240, np.uint8)], corner=corner, share=0.25,
        fps=4.0,
    )  # fmt: skip

    bright = frames[-1].mean(axis=2) > 180
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    assert (len(rows), len(columns)) == (60, 80)
    assert (rows[0] == 0) == corner.startswith("upper")
    assert (columns[0] == 0) == corner.endswith("left")


@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 60), st.integers(2, 60))
def test_covering_gives_the_size_that_was_asked_for(height, width, high, wide):
    assert covering(np.zeros((high, wide, 3), np.uint8), height, width).shape == (height, width, 3)


def test_a_composite_is_watched_as_a_scan_does(films):
    (splice, *_) = splices_of(films, 1)

    found = look(splice, Roughness(), 0.8)

    assert found.duration_s == pytest.approx(4 + 2.5 + 4, abs=0.6)
    assert found.truth == (4.0, pytest.approx(6.75, abs=0.5))
