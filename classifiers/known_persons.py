"""Measures whether frames show somebody who is enrolled in the gallery of known persons.

Knows no name and no consent: it asks a directory for descriptors and reports ids; what follows for whom is decided in
`safety.known_people`. Without anybody enrolled it looks at nothing. It recognises faces seen from the front or half
from the side; a back, a mask, a silhouette or a voice it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from classifiers.base import Score, TimeSpan
from classifiers.face_finder import Face
from classifiers.faces import FaceReader, likeness
from classifiers.onnx_session import FloatArray
from classifiers.weights import version_of
from media.clip import Clip

SIGNAL: Final = "frame.known_person"
SIGNALS: Final = frozenset({SIGNAL})

_FAINTEST: Final = 0.05
"""A face that is less like somebody is not said to be like them: a record names nobody without reason."""


class PersonDirectory(Protocol):
    """Who knows who is enrolled."""

    def enrolled(self) -> tuple[Sequence[str], FloatArray]:
        """Return ids of persons, one for each of their photos, and the photos' descriptors, float32 (N, 128).

        Raises:
            MeasurementError: nobody can say: the gallery is locked, or was made with another network.
        """


class NobodyEnrolled:
    """A directory of nobody: for data sets, which are judged by what they show."""

    def enrolled(self) -> tuple[Sequence[str], FloatArray]:
        """Return nobody."""
        return (), np.zeros((0, 0), np.float32)


class KnownPersonClassifier:
    """Enrolled persons in frames, each told apart from the others by the detail `person:ID`."""

    name = "known_persons"
    accepts = Clip
    signals = SIGNALS

    lasting_s = 0.2
    """Two frames must agree about the same person: one frame of many is what chance picks."""

    tells_apart = True
    """Two persons do not agree with each other (`classifiers.base.tells_apart`)."""

    def __init__(self, directory: PersonDirectory, faces: FaceReader) -> None:
        """Ask this directory for every window."""
        self._directory = directory
        self._faces = faces
        self.version = version_of(faces.version, f"from {_FAINTEST}, frame by frame")

    def score(self, content: Clip) -> list[Score]:
        """Return, for each frame, a Score for every enrolled person whom a face in it is like, or one 0.0.

        The detail of a 0.0 says how many persons were looked for (`persons:0`), so that an empty gallery never reads
        like a search.

        Raises:
            MeasurementError: the directory cannot say who is enrolled.
        """
        ids, descriptors = self._directory.enrolled()
        people = f"persons:{len(set(ids))}"
        scores: list[Score] = []
        for frame, time_s in zip(content.frames, content.times_s.tolist(), strict=True):
            found = list(self._found(frame, time_s, ids, descriptors)) if ids else []
            scores += found or [Score(SIGNAL, 0.0, TimeSpan(time_s, time_s), people)]
        return scores

    def _found(
        self, frame: NDArray[np.uint8], time_s: float, ids: Sequence[str], descriptors: FloatArray
    ) -> Iterator[Score]:
        for face, descriptor in self._faces.read(frame):
            values = likeness(np.linalg.norm(descriptors - descriptor, axis=1))
            for id_, value in _strongest(ids, values).items():
                if value >= _FAINTEST:
                    yield Score(SIGNAL, value, TimeSpan(time_s, time_s, _share(face, frame)), f"person:{id_}")


def _strongest(ids: Sequence[str], values: FloatArray) -> dict[str, float]:
    """Of several photos of a person, the one that is most alike counts."""
    best: dict[str, float] = {}
    for id_, value in zip(ids, values.tolist(), strict=True):
        best[id_] = max(best.get(id_, 0.0), value)
    return best


def _share(face: Face, frame: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    height, width = frame.shape[:2]
    left, top, right, bottom = face.box
    x = (min(max(left / width, 0.0), 1.0), min(max(right / width, 0.0), 1.0))
    y = (min(max(top / height, 0.0), 1.0), min(max(bottom / height, 0.0), 1.0))
    return x[0], y[0], x[1], y[1]
