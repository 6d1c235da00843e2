"""Reads the faces of a picture as descriptors, compares them, and takes photos for enrolment or says what is wrong.

Keeps nothing and knows nobody: who is enrolled is the business of whoever keeps the gallery.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifiers.base import MeasurementError
from classifiers.face_finder import Face, FaceFinder
from classifiers.face_recogniser import TEMPLATE, FaceRecogniser, cut_out
from classifiers.onnx_session import FloatArray
from classifiers.weights import version_of

EVEN: Final = 0.475
"""Distance at which `likeness` is one half."""

STEP: Final = 0.02
"""How fast it falls: 0.43 is worth 0.9, 0.52 is worth 0.1. Where pairs of strangers begin and pairs of one person end
(docs/cards/known_persons.md)."""

SMALLEST: Final = 48
"""Pixels: the side of the smallest face that is compared. Smaller ones are all alike to the network."""

SMALLEST_PHOTO: Final = 60
"""Pixels: the side of the smallest face that is enrolled."""

_MARGIN: Final = 60
"""Pixels around the 150 of a cut-out face, so that it can be found in it."""

_NEAR: Final = 25.0
"""Pixels of the cut-out by which eyes, nose and mouth may lie off: beyond, a face is seen from the side, or is none."""

SAME: Final = 0.6
"""Photos of one person lie no further apart than this from their nearest sister; dlib's own limit."""


class FaceReader:
    """Both networks. Safe for several threads."""

    def __init__(self, folder: Path | None = None) -> None:
        """Check the networks now; open them with the first picture; raises as `FaceFinder`."""
        self._finder = FaceFinder(folder)
        self._recogniser = FaceRecogniser(folder)
        self.recogniser = self._recogniser.version
        """Descriptors of another version cannot be compared with these."""

        how = f"even at {EVEN}, step {STEP}, from {SMALLEST} pixels, again within {_NEAR}"
        self.version = version_of(self._finder.version, self._recogniser.version, how)

    def read(self, picture: NDArray[np.uint8]) -> list[tuple[Face, FloatArray]]:
        """Return each face of uint8 (H, W, 3) RGB that is large enough with its descriptor, float32 (128,)."""
        large = ((face, cut_out(picture, face)) for face in self._finder.find(picture) if face.side >= SMALLEST)
        return [(face, self._recogniser.describe(chip)) for face, chip in large if self._confirmed(chip)]

    def _confirmed(self, chip: NDArray[np.uint8]) -> bool:
        """Look again at what was cut out and turned upright: a face is found where it must be.

        Muzzles, emblems and ears pass a first look and are all alike to a network that knows people only.
        """
        wide = np.pad(chip, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), mode="edge")
        again = (face.points - _MARGIN - TEMPLATE for face in self._finder.find(wide))
        return any(float(np.abs(apart).max()) <= _NEAR for apart in again)

    def enrol(self, photos: Sequence[NDArray[np.uint8]]) -> FloatArray:
        """Return the descriptors of one person's photos, float32 (N, 128).

        Raises:
            MeasurementError: says which photo cannot be used, by its number, and why.
        """
        descriptors = [self._only_face(photo, number) for number, photo in enumerate(photos, start=1)]
        for number, own in enumerate(descriptors, start=1):
            others = [distance(own, each) for at, each in enumerate(descriptors, start=1) if at != number]
            if others and min(others) > SAME:
                raise MeasurementError(f"photo {number} does not show the person of the others: leave it out")
        return np.stack(descriptors)

    def _only_face(self, photo: NDArray[np.uint8], number: int) -> FloatArray:
        # Cameras say in the file's margin which way is up, and the decoder does not read it: the surest way counts.
        ways = [np.ascontiguousarray(np.rot90(photo, turns)) for turns in range(4)]
        looked = [(way, self._finder.find(way)) for way in ways]
        upright, found = max(looked, key=lambda each: each[1][0].confidence if each[1] else 0.0)
        if not found:
            raise MeasurementError(f"photo {number} shows no face: take one from the front, in good light")
        if len(found) > 1:
            raise MeasurementError(f"photo {number} shows {len(found)} faces: cut out the one that is meant")
        if found[0].side < SMALLEST_PHOTO:
            raise MeasurementError(
                f"the face of photo {number} is {found[0].side:.0f} pixels wide: at least {SMALLEST_PHOTO} are needed"
            )
        chip = cut_out(upright, found[0])
        if not self._confirmed(chip):
            raise MeasurementError(f"the face of photo {number} is turned away or half hidden: take one from the front")
        return self._recogniser.describe(chip)


def distance(one: FloatArray, other: FloatArray) -> float:
    """Return how far two descriptors lie apart: about 0.3 for one person, 0.75 for two."""
    return float(np.linalg.norm(one - other))


def likeness(distances: FloatArray) -> FloatArray:
    """Return, for distances of any shape, how surely both faces are one person's, in [0, 1]."""
    surely: FloatArray = 1 / (1 + np.exp(np.clip((distances - EVEN) / STEP, -60, 60)))
    return surely
