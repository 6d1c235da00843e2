"""A generated insert in a real video is evidence of its own; borders alone accuse nobody."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from classifiers.base import MeasurementError, Score, TimeSpan
from media.clip import Clip
from media.codec import encode_mp4
from media.inserts import Insert
from media.limits import DEFAULT_LIMITS
from media.splices import inserted
from provenance.base import Credential, CredentialState
from safety.domain import Origin, Strength
from safety.insert_evidence import MOST_INSERTS, insert_link, look_inside
from safety.known import ReleaseIndex
from safety.scan import Scanner
from tests.fakes import BlockWatermark, FixedReader
from tests.world import World

FPS = 4.0
INSERT = Insert((0.6, 0.6, 1.0, 1.0), 0.0, 7.75)


class Redness:
    """Takes a red picture for generated; frames under 64 pixels are too small for it."""

    name = "forensics"
    version = "1"
    accepts = Clip
    signals = frozenset({"video.synthetic"})

    def score(self, content):
        if min(content.frames.shape[1:3]) < 64:
            raise MeasurementError("the frames are too small")
        mean = content.frames.reshape(-1, 3).mean(axis=0)
        value = 0.97 if mean[0] > 0.7 * mean.sum() else 0.1
        return [Score("video.synthetic", value, TimeSpan(content.start_s, content.end_s))]


def clips(seconds=8, red=True, side=240):
    frames = np.full((round(seconds * FPS), side, side, 3), 90, np.uint8)
    if red:
        frames[:, round(0.6 * side) :, round(0.6 * side) :] = (250, 5, 5)
    for at in range(0, len(frames), 8):
        yield Clip(frames[at : at + 8], (at + np.arange(len(frames[at : at + 8]))) / FPS, FPS)


def test_a_generated_insert_asks_for_review_with_its_place_and_seconds():
    looked = look_inside([INSERT], clips(), Redness(), FPS)

    (evidence,), missing = insert_link(looked, 0.8)

    assert missing == []
    assert (evidence.points_to, evidence.strength) == (Origin.LIKELY_SYNTHETIC, Strength.ESTIMATE)
    assert "From 0.0 s to 7.8 s a picture seems to stand inside the picture (lower right, 40% of" in evidence.summary
    assert evidence.detail["box"] == [0.6, 0.6, 1.0, 1.0]
    assert all(window.span.box == INSERT.box for window in looked[0].windows)


def test_a_real_insert_is_told_and_accuses_nobody():
    (evidence,), _ = insert_link(look_inside([INSERT], clips(red=False), Redness(), FPS), 0.8)

    assert (evidence.points_to, evidence.strength) == (Origin.UNKNOWN, Strength.HINT)
    assert "below 0.8" in evidence.summary


def test_an_insert_that_is_too_small_or_too_short_is_not_called_anything():
    (small,), _ = insert_link(look_inside([INSERT], clips(side=100), Redness(), FPS), 0.8)
    (never,), _ = insert_link(look_inside([Insert(INSERT.box, 90.0, 99.0)], clips(), Redness(), FPS), 0.8)
    (short,), _ = insert_link(look_inside([Insert(INSERT.box, 0.0, 0.75)], clips(), Redness(), FPS), 0.8)

    assert (small.points_to, small.strength) == (never.points_to, never.strength) == (Origin.UNKNOWN, Strength.HINT)
    assert "Not estimated: the frames are too small" in small.summary
    assert "Not estimated: it does not stand long enough" in never.summary
    assert short.strength is Strength.HINT
    assert "by chance" in short.summary


def test_few_inserts_are_looked_at_again():
    assert len(look_inside([INSERT] * 9, clips(), Redness(), FPS)) == MOST_INSERTS


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


@pytest.mark.parametrize("red", [True, False])
def test_a_scan_looks_inside_where_borders_stand(world, tmp_path, red):
    outside = [skimage.data.coffee()[at : at + 360, 6 * at : 6 * at + 480, ::-1] for at in range(20)]
    picture = skimage.data.astronaut()
    if red:
        picture = np.stack([picture[..., 0] // 2 + 127, picture[..., 1] // 16, picture[..., 2] // 16], axis=-1)
    inside = [picture[at : at + 360, 5 * at : 5 * at + 400] for at in range(20)]
    path = tmp_path / "composite.mp4"
    encode_mp4(inserted(outside, inside, corner="upper left", share=0.4, fps=FPS), path, fps=FPS)
    reader = FixedReader(Credential(CredentialState.ABSENT))
    scanner = Scanner(world.gate, reader, BlockWatermark(), ReleaseIndex(world.ledger), Redness(), DEFAULT_LIMITS)

    report, decision = scanner.scan(path)

    (told,) = [each for each in report.evidence if "box" in each.detail]
    assert told.detail["box"] == pytest.approx([0, 0, 0.4, 0.4], abs=0.02)
    assert report.origin is (Origin.LIKELY_SYNTHETIC if red else Origin.UNKNOWN)
    assert report.score < 0.9, "the whole stays below"
    assert told.detail["windows"] >= 2
    boxed = [score for score in decision.measurement.scores if getattr(score.span, "box", None)]
    assert len(boxed) >= 2 or not red
