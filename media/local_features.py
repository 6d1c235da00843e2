"""Describes a frame by its corners and blobs, so that a part of it is known again after crops, turns and captions.

SIFT keypoints (Lowe, IJCV 2004; RootSIFT: Arandjelovic and Zisserman, CVPR 2012) of a small copy of the frame, spread
over the picture, each with a code of 256 bits: the signs of projections that keep angles, so that Hamming distance
stands for distance (Charikar, STOC 2002). Finds nothing by itself: comparing is `media.feature_match`.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from media.clip import Clip

WORKING_SIDE = 256
"""Pixels of the longer side of the copy that is looked at: what is finer does not survive a second encoder."""

KEPT_POINTS = 64
"""Points of a frame that are kept of a release: 38 bytes each."""

ASKED_POINTS = 200
"""Points of a frame that is looked up: more, since a crop shows a part of them at another size."""

FRAMES_PER_S = 1.0
MOST_FRAMES = 16
"""Key frames of a release: one a second, of a longer one so many, evenly spread."""

SAME_PICTURE = 2.0
"""Mean difference in levels between thumbnails up to which two frames are one picture and prove a thing once."""

PLACE_UNIT = 64
"""Steps of a stored place in a pixel of the working copy."""

ANGLE_STEPS = 256
SIZE_STEPS = 8
"""Steps of a stored size in an octave."""

POINT = np.dtype([("code", "<u8", 4), ("x", "<u2"), ("y", "<u2"), ("angle", "u1"), ("size", "u1")])
"""One point as it is stored: its code, its place, its direction and its size."""

Points = NDArray[np.void]
"""Of dtype POINT."""

_HEADER = struct.Struct("<BHH")
_FORMAT = 1
_CELLS = 6
"""Rows and columns over which the points are spread."""

_THUMBNAIL = (32, 32)
_CONTRAST, _EDGE, _MOST_FOUND = 0.015, 12.0, 500
"""SIFT's thresholds, lower than its defaults: fog and night have corners, too."""

_MEAN = np.array(
    [
        [0.057, 0.057, 0.056, 0.054, 0.052],
        [0.080, 0.069, 0.065, 0.064, 0.064],
        [0.135, 0.102, 0.082, 0.082, 0.084],
    ]
)
"""Mean RootSIFT value in a corner, an edge and an inner cell, by the angle from the point's own direction in eighths
of a turn: of 12 pictures of overlapping discs drawn from numbers (dead leaves), no photograph. Without it most bits
would say the same of every point."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameFeatures:
    """The points of one frame."""

    width: int
    """Pixels of the working copy, as `height`."""

    height: int
    points: Points
    mirrored: Points
    """The same points as the mirrored frame would have them; empty in what is stored."""

    def pack(self) -> bytes:
        """Return what is stored: 5 bytes and 38 for every point."""
        return _HEADER.pack(_FORMAT, self.width, self.height) + self.points.tobytes()


def unpack(raw: bytes) -> FrameFeatures:
    """Read what `FrameFeatures.pack` wrote.

    Raises:
        ValueError: it was not written by it.
    """
    if len(raw) < _HEADER.size or (len(raw) - _HEADER.size) % POINT.itemsize:
        raise ValueError(
            f"local features have {_HEADER.size} bytes and {POINT.itemsize} for each point: not {len(raw)}"
        )
    version, width, height = _HEADER.unpack_from(raw)
    points = np.frombuffer(raw, POINT, offset=_HEADER.size)
    if version != _FORMAT or not (0 < width <= WORKING_SIDE and 0 < height <= WORKING_SIDE):
        raise ValueError("these bytes are no local features of this version")
    if len(points) > ASKED_POINTS:
        raise ValueError(f"a frame has at most {ASKED_POINTS} points, not {len(points)}")
    return FrameFeatures(width, height, points, np.empty(0, POINT))


def local_features(frame: NDArray[np.uint8], most: int = ASKED_POINTS) -> FrameFeatures:
    """Describe a frame, uint8 (H, W, 3) RGB, by at most so many points: about 30 ms of processor time."""
    small = _working_copy(frame)
    height, width = small.shape
    detector = cv2.SIFT_create(nfeatures=_MOST_FOUND, contrastThreshold=_CONTRAST, edgeThreshold=_EDGE)  # type: ignore[attr-defined]
    chosen = _spread(detector.detect(small, None), width, height, most)
    if not chosen:
        return FrameFeatures(width, height, np.empty(0, POINT), np.empty(0, POINT))
    chosen, histograms = detector.compute(small, chosen)
    places = np.array([each.pt for each in chosen])
    angles = np.array([each.angle for each in chosen])
    sizes = np.array([each.size for each in chosen])
    # A mirror turns each point's patch over about its own direction: rows change places, angles change sign.
    turned = histograms.reshape(-1, 4, 4, 8)[:, ::-1][..., [0, 7, 6, 5, 4, 3, 2, 1]].reshape(-1, 128)
    mirrored_places = np.stack([width - 1 - places[:, 0], places[:, 1]], axis=1)
    return FrameFeatures(
        width,
        height,
        _points(histograms, places, angles, sizes),
        _points(turned, mirrored_places, 180 - angles, sizes),
    )


def features_of(clip: Clip) -> list[FrameFeatures]:
    """Describe the key frames of a clip that is released."""
    count = max(1, min(MOST_FRAMES, len(clip.frames), round(len(clip.frames) / clip.fps * FRAMES_PER_S) + 1))
    chosen = np.unique(np.linspace(0, len(clip.frames) - 1, count).round().astype(int))
    return described([clip.frames[at] for at in chosen], KEPT_POINTS)


def described(frames: list[NDArray[np.uint8]], most: int = ASKED_POINTS) -> list[FrameFeatures]:
    """Describe frames in order, each picture that stands still once."""
    found: list[FrameFeatures] = []
    last: NDArray[np.float32] | None = None
    for frame in frames:
        thumbnail = np.asarray(cv2.resize(frame, _THUMBNAIL, interpolation=cv2.INTER_AREA), np.float32)
        if last is None or float(np.abs(thumbnail - last).mean()) > SAME_PICTURE:
            last = thumbnail
            found.append(local_features(frame, most))
    return found


def _working_copy(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    scale = WORKING_SIDE / max(grey.shape)
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, size, interpolation=kind), np.uint8)


def _spread(found: list[cv2.KeyPoint], width: int, height: int, most: int) -> list[cv2.KeyPoint]:
    """The strongest of each cell, then the second of each, and so on; one of each place."""
    inside: dict[tuple[int, int], int] = {}
    seen: set[tuple[int, int]] = set()
    ranked: list[tuple[int, int]] = []
    strongest = sorted(found, key=lambda each: (-each.response, each.pt, each.angle))
    for order, point in enumerate(strongest):
        x, y = point.pt
        place = (round(x), round(y))
        if place in seen:
            continue
        seen.add(place)
        cell = (int(x / width * _CELLS), int(y / height * _CELLS))
        inside[cell] = inside.get(cell, 0) + 1
        ranked.append((inside[cell], order))
    return [strongest[order] for _, order in sorted(ranked)[:most]]


def _points(
    histograms: NDArray[np.float32],
    places: NDArray[np.float64],
    angles: NDArray[np.float64],
    sizes: NDArray[np.float64],
) -> Points:
    made = np.empty(len(places), POINT)
    roots = np.sqrt(histograms / np.maximum(histograms.sum(axis=1, keepdims=True), 1e-9)) - _MEAN_OF_ALL
    made["code"] = np.packbits(roots @ _PROJECTIONS.T > 0, axis=1).view("<u8")
    at = np.clip(np.rint(places * PLACE_UNIT), 0, np.iinfo(np.uint16).max)
    made["x"], made["y"] = at[:, 0], at[:, 1]
    made["angle"] = np.rint(angles / 360 * ANGLE_STEPS).astype(np.int64) % ANGLE_STEPS
    made["size"] = np.clip(np.rint(np.log2(sizes) * SIZE_STEPS), 0, 255)
    return made


def _mean_of_all() -> NDArray[np.float64]:
    ring = np.array([[0, 1, 1, 0], [1, 2, 2, 1], [1, 2, 2, 1], [0, 1, 1, 0]])
    turn = np.array([0, 1, 2, 3, 4, 3, 2, 1])
    return np.asarray(_MEAN[ring[:, :, None], turn[None, None, :]].reshape(128), np.float64)


def _projections() -> NDArray[np.float64]:
    """256 directions: two Hadamard matrices of 128 whose columns have signs drawn from a digest, the same for ever."""
    hadamard = np.array([[1.0]])
    while len(hadamard) < 128:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    drawn = hashlib.sha256(b"io.framegate.local-features.1").digest()
    signs = np.unpackbits(np.frombuffer(drawn, np.uint8)).reshape(2, 128) * 2.0 - 1
    return np.vstack([hadamard * signs[0], hadamard * signs[1]])


_MEAN_OF_ALL = _mean_of_all()
_PROJECTIONS = _projections()
