"""A video is measured whole: what stands in it for half a second is found, placed and believed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from classifiers.base import Score, TimeSpan
from media.clip import Clip
from media.codec import encode_mp4
from media.limits import DEFAULT_LIMITS
from media.sampling import SamplingPlan
from safety.footage import MOST_CLOSER
from safety.measure import measure_video
from tests.fakes import FrameRedness

FPS = 24
LEVELS = {"frame.red": 0.9}


def film(path, planted=(), *, seconds=6.0, motion=3, box=(40, 24, 88, 56)):
    """A gray picture with a square in motion; in the planted frames a red patch stands in it."""
    rng = np.random.default_rng(1)
    ground = rng.integers(60, 200, (96, 128, 1), np.uint8).repeat(3, axis=2)
    frames = []
    for index in range(round(seconds * FPS)):
        frame = np.roll(ground, index * motion, axis=1).copy()
        if index in planted:
            frame[box[1] : box[3], box[0] : box[2]] = (230, 20, 20)
        frames.append(frame)
    encode_mp4(frames, path, fps=FPS)
    return path


def measured(path, classifier, **more):
    more.setdefault("plan", SamplingPlan())
    more.setdefault("watch", LEVELS)
    return measure_video([classifier], (), path, limits=DEFAULT_LIMITS, **more).measurement


@pytest.mark.parametrize("motion", [0, 7])
@pytest.mark.parametrize("first", [0, 29, 132])
def test_half_a_second_is_found_with_its_beginning_and_end(tmp_path, motion, first):
    path = film(tmp_path / "v.mp4", range(first, first + 12), motion=motion)

    measurement = measured(path, FrameRedness(lasting_s=0.2))

    strongest = measurement.scores[0]
    assert strongest.value > 0.9
    begins, ends = first / FPS, (first + 12) / FPS
    shared = min(strongest.span.end_s, ends) - max(strongest.span.start_s, begins)
    joined = max(strongest.span.end_s, ends) - min(strongest.span.start_s, begins)
    assert shared / joined >= 0.8
    left, top, right, bottom = strongest.span.box
    assert (left, top, right, bottom) == pytest.approx((40 / 128, 24 / 96, 88 / 128, 56 / 96), abs=0.03)


def test_two_frames_are_no_half_second(tmp_path):
    path = film(tmp_path / "v.mp4", range(48, 50))

    assert max(score.value for score in measured(path, FrameRedness(lasting_s=0.2)).scores) < 0.9


def test_a_single_frame_is_found_when_every_frame_is_looked_at(tmp_path):
    path = film(tmp_path / "v.mp4", [77])

    measurement = measured(path, FrameRedness(lasting_s=0.2), plan=SamplingPlan(every_frame=True))

    assert measurement.scores[0].value > 0.9
    assert (measurement.scores[0].span.start_s, measurement.scores[0].span.end_s) == (
        pytest.approx(77 / FPS, abs=1e-3),
        pytest.approx(78 / FPS, abs=1e-3),
    )
    assert measurement.coverage.frames_seen == measurement.coverage.frames_total == 6 * FPS


def test_a_harmless_video_is_decoded_once(tmp_path):
    classifier = FrameRedness()

    coverage = measured(film(tmp_path / "v.mp4"), classifier).coverage

    assert len(classifier.looked_at) == len(set(classifier.looked_at)) == coverage.frames_seen


def test_frames_of_the_closer_look_are_counted_and_are_others(tmp_path):
    classifier = FrameRedness()

    coverage = measured(film(tmp_path / "v.mp4", range(60, 72)), classifier).coverage

    assert len(classifier.looked_at) == len(set(classifier.looked_at)) == coverage.frames_seen
    assert coverage.frames_seen < coverage.frames_total


def test_the_closer_look_is_bounded_and_what_it_leaves_out_counts_alone(tmp_path):
    """A video full of blinks: more than are looked at closely."""
    blinks = range(0, 24 * FPS, 12)
    path = film(tmp_path / "v.mp4", blinks, seconds=24.0, motion=0)

    measurement = measured(path, FrameRedness(lasting_s=0.2), plan=SamplingPlan(cuts_per_s=0.01))

    assert measurement.coverage.frames_seen <= 24 * 2 + 16 + MOST_CLOSER * 12
    assert max(score.value for score in measurement.scores) > 0.9


def test_looking_ends_where_enough_was_seen_and_coverage_says_so(tmp_path):
    path = film(tmp_path / "v.mp4", range(24), seconds=24.0)

    measurement = measured(
        path, FrameRedness(), settled=lambda so_far: any(score.value > 0.9 for score in so_far.scores)
    )

    coverage = measurement.coverage
    assert coverage.stopped_s is not None
    assert coverage.stopped_s < 20
    assert coverage.seconds_seen <= coverage.seconds_total < 24
    assert measured(path, FrameRedness()).coverage.stopped_s is None


def test_a_measurement_is_the_same_every_time(tmp_path):
    path = film(tmp_path / "v.mp4", range(30, 50))

    first, second = (dataclasses.replace(measured(path, FrameRedness()), took_ms=()) for _ in range(2))

    assert first == second


class Sees:
    """Says who shows in which frame: red is Ada, green is Bela."""

    name, version, accepts, lasting_s, tells_apart = "sees", "1", Clip, 0.2, True
    signals = frozenset({"frame.known_person"})

    def score(self, content):
        said = []
        for frame, time_s in zip(content.frames, content.times_s.tolist(), strict=True):
            red, green, blue = frame.reshape(-1, 3).mean(axis=0)
            who = [name for name, value in (("ada", red), ("bela", green)) if value > blue + 60]
            place = TimeSpan(time_s, time_s)
            said += [Score("frame.known_person", 0.9, place, f"person:{name}") for name in who]
            said += [] if who else [Score("frame.known_person", 0.0, place, "persons:2")]
        return said


def painted(path, colours):
    """Frames of plain colours at 8 a second."""
    frames = np.array([np.full((64, 64, 3), colour, np.uint8) for colour in colours])
    encode_mp4(iter(frames), path, fps=8.0)
    return path


GREY, ADA, BELA = (90, 90, 90), (220, 40, 40), (40, 220, 40)


def who_shows(path):
    found = measured(path, Sees(), watch={"frame.known_person": 0.6}).scores
    return {score.detail: (score.value, score.span.start_s, score.span.end_s) for score in found if score.value}, found


def test_persons_have_stretches_of_their_own(tmp_path):
    shown, _ = who_shows(painted(tmp_path / "v.mp4", [GREY] * 8 + [ADA] * 8 + [GREY] * 8 + [BELA] * 8 + [GREY] * 4))

    assert shown == {"person:ada": (0.9, 1.0, 2.0), "person:bela": (0.9, 3.0, 4.0)}


def test_one_person_does_not_agree_with_another(tmp_path):
    """Each shows for one frame of a quarter second that is otherwise the other's."""
    shown, found = who_shows(painted(tmp_path / "v.mp4", [GREY] * 12 + [ADA, BELA] + [GREY] * 12))

    assert shown == {}
    assert [(score.signal, score.value) for score in found] == [("frame.known_person", 0.0)]


def test_where_nobody_shows_it_is_said_how_many_were_looked_for(tmp_path):
    _, found = who_shows(painted(tmp_path / "v.mp4", [GREY] * 16))

    assert [(score.value, score.detail) for score in found] == [(0.0, "persons:2")]


def test_two_persons_in_the_same_frames_are_both_found(tmp_path):
    shown, _ = who_shows(painted(tmp_path / "v.mp4", [GREY] * 8 + [(220, 220, 40)] * 8 + [GREY] * 8))

    assert set(shown) == {"person:ada", "person:bela"}
