"""Enrolled persons are found in frames, told apart, and nobody is looked for where nobody is enrolled."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from classifiers.base import MeasurementError, Score, is_frame_classifier, tells_apart
from classifiers.faces import FaceReader
from classifiers.known_persons import SIGNAL, KnownPersonClassifier, NobodyEnrolled
from media.clip import Clip


class Enrolled:
    """A directory of these rows."""

    def __init__(self, **people):
        self._ids = tuple(id_ for id_, rows in people.items() for _ in rows)
        self._rows = np.concatenate([np.asarray(rows, np.float32) for rows in people.values()])

    def enrolled(self):
        return self._ids, self._rows


class Locked:
    def enrolled(self):
        raise MeasurementError("the gallery is locked")


class Unused:
    """Faces that must not be looked at."""

    version = "1"

    def read(self, picture):
        raise LookupError("a face was looked for")


@pytest.fixture(scope="module")
def faces():
    return FaceReader()


@pytest.fixture(scope="module")
def astronaut():
    return np.ascontiguousarray(skimage.data.astronaut())


@pytest.fixture(scope="module")
def known(faces, astronaut):
    return faces.enrol([astronaut, astronaut[:, ::-1]])


def clip(*frames):
    return Clip(np.stack(frames), 3.0 + np.arange(len(frames)) / 2, fps=24.0)


def nowhere(astronaut):
    return np.ascontiguousarray(np.resize(skimage.data.coffee(), astronaut.shape))


def test_each_frame_says_who_shows_where_and_how_many_were_looked_for(faces, astronaut, known):
    strangers = np.full((3, 128), 1.0, np.float32)
    classifier = KnownPersonClassifier(Enrolled(per_ada=known, per_bob=strangers), faces)

    scores = classifier.score(clip(astronaut, nowhere(astronaut)))

    shown, empty = scores
    assert (shown.signal, shown.detail, shown.span.start_s) == (SIGNAL, "person:per_ada", 3.0)
    assert shown.value > 0.99
    assert shown.span.box == pytest.approx((0.34, 0.10, 0.53, 0.35), abs=0.03)
    assert (empty.signal, empty.value, empty.detail) == (SIGNAL, 0.0, "persons:2")
    assert empty.span.start_s == 3.5


def test_a_stranger_is_like_nobody(faces, known):
    stranger = np.ascontiguousarray(np.stack([skimage.data.camera()] * 3, axis=-1))
    classifier = KnownPersonClassifier(Enrolled(per_ada=known), faces)

    assert [(score.value, score.detail) for score in classifier.score(clip(stranger))] == [(0.0, "persons:1")]


def test_two_enrolled_persons_whom_one_face_is_like_are_both_said(faces, astronaut, known):
    """So that a twin's consent excuses nobody but the twin."""
    classifier = KnownPersonClassifier(Enrolled(per_ada=known, per_twin=known + 0.001), faces)

    scores = classifier.score(clip(astronaut))

    assert {score.detail for score in scores} == {"person:per_ada", "person:per_twin"}
    assert min(score.value for score in scores) > 0.99


def test_without_anybody_enrolled_no_face_is_looked_for(astronaut):
    scores = KnownPersonClassifier(NobodyEnrolled(), Unused()).score(clip(astronaut, astronaut))

    assert scores == [Score(SIGNAL, 0.0, each.span, "persons:0") for each in scores]
    assert [each.span.start_s for each in scores] == [3.0, 3.5]


def test_who_cannot_say_who_is_enrolled_leaves_it_unmeasured(faces, astronaut):
    with pytest.raises(MeasurementError, match="locked"):
        KnownPersonClassifier(Locked(), faces).score(clip(astronaut))


def test_it_measures_frame_by_frame_and_tells_persons_apart(faces):
    classifier = KnownPersonClassifier(NobodyEnrolled(), faces)

    assert is_frame_classifier(classifier)
    assert tells_apart(classifier)
    assert classifier.lasting_s > 0


def test_its_version_changes_with_the_networks_and_not_with_who_is_enrolled(faces, known):
    one, other = KnownPersonClassifier(NobodyEnrolled(), faces), KnownPersonClassifier(Enrolled(a=known), faces)

    assert one.version == other.version != KnownPersonClassifier(NobodyEnrolled(), Unused()).version
