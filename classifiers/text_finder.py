"""Finds lines of writing in one picture with PP-OCR's finder: at a small size first, closely only where that shows any.

    picture ─▶ at most 480 pixels: where could writing be? ─▶ those pieces, as large as they are ─▶ corners of lines

Most pictures show little that could be writing, and a network costs what its input has pixels. Of a fine busy texture
nothing is left at the small size, nor of small writing on it: such a picture is looked at whole too. Reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from classifiers.onnx_session import FloatArray, OnnxSession

Picture = NDArray[np.uint8]
Piece = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels of the picture."""

GLANCE_SIDE: Final = 480
"""Pixels of the longer side at which the whole picture is looked at: letters of 24 pixels on 1280 are 9 there."""

GLANCE_FROM: Final = 0.1
"""The finder's probability that makes a pixel of that worth a closer look; it takes 0.3 for writing."""

AROUND: Final = 8
"""Pixels of that around it, for what the small picture cuts off."""

LONGEST_SIDE: Final = 960
"""Pixels: a picture that shows writing everywhere is looked at in this size, as is a tall piece."""

BUSY_FROM: Final = 10.0
"""Levels of 255: the mean absolute Laplacian of the luma of the small picture from which a picture is looked at whole
too. Letters of 14 to 18 pixels on 1280, drawn on noise of many sizes, confetti, glitter and gravel that were made for
it, went unseen at the small size from 11.7 on and were seen up to 8.5."""

TALL: Final = 320
"""Pixels: pieces that are no taller or no wider are looked at as they are. Writing of half a piece's height is found
best where it is not too large."""

_STEP: Final = 32
"""The network halves its input five times."""

_SURE: Final = (0.3, 0.5, 1.6)
"""A pixel, a line, and how much larger than its core a line is (rapidocr's config.yaml: thresh, box_thresh, unclip)."""

VERSION: Final = (
    f"glance {GLANCE_SIDE} {GLANCE_FROM} {AROUND}, closely {LONGEST_SIDE} {TALL}, busy {BUSY_FROM}, {_SURE}"
)


class TextFinder:
    """One network, looked through twice."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Take the network's file; it is opened with the first picture."""
        self._session = OnnxSession(path, threads=threads)

    def find(self, picture: Picture) -> NDArray[np.int32]:
        """Return the corners of each line in uint8 (H, W, 3) BGR, int32 (N, 4, 2), in reading order."""
        whole = (0, 0, picture.shape[1], picture.shape[0])
        pieces = self.pieces(picture)
        # Writing that a glance sees, on a calm corner say, tells nothing of what the texture hides elsewhere.
        lines = self._lines(picture, whole) if whole not in pieces and is_busy(picture) else []
        if not lines and not pieces:
            return np.zeros((0, 4, 2), np.int32)
        seen = list(lines)
        for piece in pieces:
            lines += [line for line in self._lines(picture, piece) if not any(_within(line, other) for other in seen)]
        from rapidocr.ch_ppocr_det.main import TextDetector  # noqa: PLC0415 - its import alone costs a second

        return np.asarray(TextDetector.sorted_boxes(np.array(lines, np.int32).reshape(-1, 4, 2)), np.int32)

    def _lines(self, picture: Picture, piece: Piece) -> list[NDArray[np.int32]]:
        """Return the corners of each line in one piece, in pixels of the picture."""
        from rapidocr.ch_ppocr_det.utils import DBPostProcess  # noqa: PLC0415 - as above

        corners_of = DBPostProcess(thresh=_SURE[0], box_thresh=_SURE[1], unclip_ratio=_SURE[2], use_dilation=True)
        cut = _cut(picture, piece)
        corners, _ = corners_of(self._map(_sized(cut, _scale(cut, picture)))[None, None], cut.shape[:2])
        return [each + np.array(piece[:2], np.int32) for each in _large_enough(corners, cut)]

    def pieces(self, picture: Picture) -> list[Piece]:
        """Return the pieces that could show writing: apart from each other, or the whole where they fill it."""
        height, width = picture.shape[:2]
        small = self._map(_small(picture))
        mask = cv2.dilate((small >= GLANCE_FROM).astype(np.uint8), np.ones((3, 2 * AROUND + 1), np.uint8))
        mask = cv2.dilate(mask, np.ones((2 * AROUND + 1, 3), np.uint8))
        back = np.array([width / small.shape[1], height / small.shape[0]])
        count, _, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        pieces = [_fitting(box[:4] * np.tile(back, 2), width, height) for box in boxes[1:count].tolist()]
        pieces = _apart(pieces)
        whole = _pixels((0, 0, width, height)) * _least_scale(picture) ** 2
        closely = sum(_pixels(each) * _scale(_cut(picture, each), picture) ** 2 for each in pieces)
        return pieces if closely < whole else [(0, 0, width, height)]

    def _map(self, picture: Picture) -> FloatArray:
        """Return the probability that each pixel is writing, float32 (H, W), for sides that 32 divides."""
        scaled = (picture.astype(np.float32) / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
        found: FloatArray = self._session.first(np.ascontiguousarray(scaled.transpose(2, 0, 1)[None]))[0, 0]
        return found


def is_busy(picture: Picture) -> bool:
    """Say whether a glance at uint8 (H, W, 3) BGR can miss small writing because fine texture lies all over it."""
    if max(picture.shape[:2]) <= 1.25 * GLANCE_SIDE:
        return False  # the glance saw it about as large as it is
    luma = cv2.cvtColor(_small(picture), cv2.COLOR_BGR2GRAY)
    return float(np.abs(cv2.Laplacian(luma, cv2.CV_16S)).mean()) >= BUSY_FROM


def _small(picture: Picture) -> Picture:
    return _sized(picture, min(1.0, GLANCE_SIDE / int(max(picture.shape[:2]))))


def _within(line: NDArray[np.int32], other: NDArray[np.int32]) -> bool:
    """Say whether the middle of a line lies in another."""
    middle = line.mean(axis=0)
    return cv2.pointPolygonTest(other, (float(middle[0]), float(middle[1])), measureDist=False) >= 0


def _sized(picture: Picture, scale: float) -> Picture:
    """Scale a picture to sides that 32 divides."""
    height, width = (max(_STEP, round(int(side * scale) / _STEP) * _STEP) for side in picture.shape[:2])
    if (height, width) == picture.shape[:2]:
        return picture
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _scale(piece: Picture, picture: Picture) -> float:
    """Return how large a piece is looked at: as it is, or as small as the whole picture would be."""
    return 1.0 if min(piece.shape[:2]) <= TALL else _least_scale(picture)


def _least_scale(picture: Picture) -> float:
    return min(1.0, LONGEST_SIDE / int(max(picture.shape[:2])))


def _cut(picture: Picture, piece: Piece) -> Picture:
    left, top, right, bottom = piece
    return picture[top:bottom, left:right]


def _fitting(box: NDArray[np.float64], width: int, height: int) -> Piece:
    """Return (left, top, width, height) as a piece within the picture, its sides grown to what 32 divides."""
    sides = []
    for begin, length, whole in ((box[0], box[2], width), (box[1], box[3], height)):
        grown = min(whole, -(-int(np.ceil(length)) // _STEP) * _STEP)
        first = int(min(max(0, begin - (grown - length) / 2), whole - grown))
        sides.append((first, first + grown))
    (left, right), (top, bottom) = sides
    return left, top, right, bottom


def _apart(pieces: list[Piece]) -> list[Piece]:
    """Join pieces that overlap, until none do: no line is found twice."""
    joined: list[Piece] = []
    for each in sorted(pieces):
        grown = each
        while touching := [other for other in joined if _overlap(other, grown)]:
            joined = [other for other in joined if other not in touching]
            lefts, tops, rights, bottoms = zip(grown, *touching, strict=True)
            grown = (min(lefts), min(tops), max(rights), max(bottoms))
        joined.append(grown)
    return sorted(joined, key=lambda piece: (piece[1], piece[0]))


def _overlap(one: Piece, other: Piece) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _pixels(piece: Piece) -> int:
    return (piece[2] - piece[0]) * (piece[3] - piece[1])


def _large_enough(corners: NDArray[np.int32], piece: Picture) -> Iterator[NDArray[np.int32]]:
    """Yield the lines of more than 3 pixels, within the piece."""
    height, width = piece.shape[:2]
    for each in corners:
        inside = np.clip(each, 0, [width - 1, height - 1]).astype(np.int32)
        across, down = np.linalg.norm(inside[0] - inside[1]), np.linalg.norm(inside[0] - inside[3])
        if min(across, down) > 3:
            yield inside
