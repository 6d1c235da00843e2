"""Finds faces and their five landmarks in one picture: the three networks of MTCNN (Zhang and others 2016).

Says where a face is, not whose (`classifiers.face_recogniser`), and not how old, what sex or what mood it is. Faces
under a twentieth of the picture's longer side, turned away by more than about 60 degrees, upside down or mostly hidden
are not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from classifiers.onnx_session import FloatArray, OnnxSession
from classifiers.weights import embedded, version_of

FOLDER: Final = "faces"
NETWORKS: Final = {
    "pnet": "3a37c00b28b7e6befa833dd08bed7e11e97e9127da25632ab497e0214801ca86",
    "rnet": "9811acf4c74e87374e712c2b18fa20ef5daae6a3954b408e2347831deee9ca9c",
    "onet": "dafc84b1e3b8bb8a1c78b49a6d41cd9e2a1f4bfb1dccdbfab694548892722ad4",
}
"""Stage to the SHA-256 of its file (`classifiers.training.export_face_networks`)."""

LONGER_SIDE: Final = 640
"""Pixels: larger pictures are shrunk to this before they are searched."""

SMALLEST: Final = 32
"""Pixels of that shrunk picture: the side of the smallest face that is looked for."""

_STEP: Final = 0.709
"""From one size of face to the next: half the area, as in the paper."""

_LEAST: Final = (0.6, 0.7, 0.9)
"""How sure each stage must be. The last is above the 0.7 of the published cascade: emblems and fists reach 0.85."""

_MOST_PROPOSALS: Final = 256
"""Strongest proposals that the second stage looks at, so that a picture made of textures costs no more than others."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Face:
    """A face in a picture, in that picture's pixels."""

    box: Box
    """(left, top, right, bottom); may reach over the edge."""

    points: FloatArray
    """float32 (5, 2): the eyes, the tip of the nose, the corners of the mouth; the left ones of the picture first."""

    confidence: float
    """In [0, 1]: how sure the last network is that this is a face."""

    @property
    def side(self) -> float:
        """Pixels: the mean of width and height."""
        return (self.box[2] - self.box[0] + self.box[3] - self.box[1]) / 2


class FaceFinder:
    """The cascade. Safe for several threads."""

    def __init__(self, folder: Path | None = None, *, threads: int = 1) -> None:
        """Check the networks now; open them with the first picture.

        Args:
            folder: where the files lie, for tests; default: those that ship.
            threads: CPU threads of one network.

        Raises:
            WeightsError: a file is missing or is not the pinned one.
        """
        self._nets = {
            stage: OnnxSession(embedded(f"{FOLDER}/{stage}.onnx", sha256, folder), threads=threads)
            for stage, sha256 in NETWORKS.items()
        }
        self.version = version_of(*NETWORKS.values(), f"{LONGER_SIDE} {SMALLEST} {_STEP} {_LEAST} {_MOST_PROPOSALS}")

    def find(self, picture: NDArray[np.uint8]) -> list[Face]:
        """Return the faces of uint8 (H, W, 3) RGB, the surest first."""
        height, width = picture.shape[:2]
        shrink = min(1.0, LONGER_SIDE / max(height, width))
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        small = _resized(picture, size) if shrink < 1 else picture
        boxes = self._proposed(small)
        boxes = self._refined(small, boxes)
        back = np.array([width / size[0], height / size[1]], dtype=np.float32)
        return [_face(row, back) for row in self._marked(small, boxes)]

    def _proposed(self, picture: NDArray[np.uint8]) -> FloatArray:
        """Slide the first network over the picture in every size; float32 (N, 5): box and score."""
        height, width = picture.shape[:2]
        scale, found = 12 / SMALLEST, []
        while min(height, width) * scale >= 12:
            size = (int(np.ceil(width * scale)), int(np.ceil(height * scale)))
            face, shift = self._nets["pnet"].outputs(("face", "shift"), _scaled(_resized(picture, size)[None]))
            rows, columns = np.nonzero(face[0, 1] >= _LEAST[0])
            corner = np.stack([columns, rows], axis=1).astype(np.float32) * 2
            boxes = np.concatenate([corner, corner + 12], axis=1) / np.tile([size[0] / width, size[1] / height], 2)
            sides = (boxes[:, 2:] - boxes[:, :2])[:, [0, 1, 0, 1]]
            boxes = boxes + shift[0, :, rows, columns].reshape(-1, 4) * sides
            scored = np.concatenate([boxes, face[0, 1, rows, columns][:, None]], axis=1)
            found.append(_distinct(scored, 0.5))
            scale *= _STEP
        if not found:
            return np.zeros((0, 5), np.float32)
        return _distinct(np.concatenate(found), 0.7)[:_MOST_PROPOSALS]

    def _refined(self, picture: NDArray[np.uint8], boxes: FloatArray) -> FloatArray:
        """Keep what the second network takes for a face, better placed."""
        boxes = _squared(boxes)
        if not len(boxes):
            return boxes
        face, shift = self._nets["rnet"].outputs(("face", "shift"), _scaled(_cut(picture, boxes, 24)))
        sure = face[:, 1] >= _LEAST[1]
        return _distinct(_moved(boxes[sure], shift[sure], face[sure, 1]), 0.7)

    def _marked(self, picture: NDArray[np.uint8], boxes: FloatArray) -> FloatArray:
        """Keep what the third network takes for a face; float32 (N, 15): box, score, five points."""
        boxes = _squared(boxes)
        if not len(boxes):
            return np.zeros((0, 15), np.float32)
        face, shift, points = self._nets["onet"].outputs(("face", "shift", "points"), _scaled(_cut(picture, boxes, 48)))
        sure = face[:, 1] >= _LEAST[2]
        corner, sides = boxes[sure, :2], boxes[sure, 2:4] - boxes[sure, :2]
        marks = np.stack([points[sure, :5], points[sure, 5:]], axis=2) * sides[:, None] + corner[:, None]
        moved = _moved(boxes[sure], shift[sure], face[sure, 1])
        return _distinct(np.concatenate([moved, marks.reshape(-1, 10)], axis=1), 0.6, of_smaller=True)


def _face(row: FloatArray, back: FloatArray) -> Face:
    left, top, right, bottom = (row[:4] * np.concatenate([back, back])).tolist()
    return Face((left, top, right, bottom), (row[5:].reshape(5, 2) * back).astype(np.float32), float(row[4]))


def _resized(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _scaled(pixels: NDArray[np.uint8]) -> FloatArray:
    """Return float32 (N, 3, H, W) about [-1, 1], as the networks were trained on."""
    scaled = (pixels.astype(np.float32) - np.float32(127.5)) / np.float32(128)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def _moved(boxes: FloatArray, shift: FloatArray, scores: FloatArray) -> FloatArray:
    """Move each side of a box by its share of the box's size."""
    sides = (boxes[:, 2:4] - boxes[:, :2])[:, [0, 1, 0, 1]]
    moved: FloatArray = np.concatenate([boxes[:, :4] + shift * sides, scores[:, None]], axis=1)
    return moved


def _squared(boxes: FloatArray) -> FloatArray:
    """Make boxes square around their centres, and drop those of less than a pixel."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    half = np.repeat(sides.max(axis=1, initial=0.0, keepdims=True) / 2, 2, axis=1)
    centres = (boxes[:, :2] + boxes[:, 2:4]) / 2
    squared: FloatArray = np.concatenate([centres - half, centres + half, boxes[:, 4:5]], axis=1)
    return squared[half[:, 0] >= 0.5]


def _cut(picture: NDArray[np.uint8], boxes: FloatArray, side: int) -> NDArray[np.uint8]:
    """Return uint8 (N, side, side, 3): each square of the picture, black where it reaches over the edge."""
    cuts = np.zeros((len(boxes), side, side, 3), np.uint8)
    height, width = picture.shape[:2]
    for cut, (left, top, right, bottom) in zip(cuts, np.round(boxes[:, :4]).astype(int).tolist(), strict=True):
        piece = picture[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
        if not piece.size:
            continue
        edges = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
        whole = cv2.copyMakeBorder(piece, *edges, cv2.BORDER_CONSTANT) if any(edges) else piece
        cv2.resize(whole, (side, side), dst=cut, interpolation=cv2.INTER_AREA)
    return cuts


def _distinct(rows: FloatArray, most: float, *, of_smaller: bool = False) -> FloatArray:
    """Drop boxes that share more than `most` of their area with a surer one; the surest first.

    Shared area counts against both areas together, or with `of_smaller` against the smaller one.
    """
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    area = np.maximum(rows[:, 2] - rows[:, 0], 0) * np.maximum(rows[:, 3] - rows[:, 1], 0)
    kept: list[int] = []
    free = np.ones(len(rows), dtype=bool)
    for at in range(len(rows)):
        if not free[at]:
            continue
        kept.append(at)
        low, high = np.maximum(rows[:, :2], rows[at, :2]), np.minimum(rows[:, 2:4], rows[at, 2:4])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        whole = np.minimum(area, area[at]) if of_smaller else area + area[at] - shared
        free &= shared <= most * np.maximum(whole, 1e-6)
    distinct: FloatArray = rows[kept].astype(np.float32)
    return distinct
