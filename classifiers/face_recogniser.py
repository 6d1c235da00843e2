"""Turns a face into 128 numbers that lie close together for pictures of one person, whatever the light and the angle.

The network is dlib's residual network of 29 layers (CC0), kept in 8 bits. It compares; who somebody is, it does not
know, and it is fit for adults seen from the front or half from the side. `classifiers.face_finder` finds the faces.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from classifiers.face_finder import FOLDER, Face
from classifiers.onnx_session import FloatArray, OnnxSession
from classifiers.weights import embedded, version_of

SHA256: Final = "6776177cf1de913cea03b6455fd26119811e1f5f58cb4a521b9fa0c7e928431d"
DIMENSIONS: Final = 128
_SIDE: Final = 150

TEMPLATE: Final = np.array(
    [[47.25, 45.2], [101.75, 45.2], [74.5, 80.5], [49.65, 103.75], [99.35, 103.75]], dtype=np.float64
)
"""Pixels of the 150x150 chip where eyes, nose and corners of the mouth go: how dlib cuts the faces that the network
learned from, measured through MTCNN's points and made symmetric."""


class FaceRecogniser:
    """Faces in, descriptors out. Safe for several threads."""

    def __init__(self, folder: Path | None = None, *, threads: int = 1) -> None:
        """Check the network now; open it with the first face.

        Args:
            folder: where the file lies, for tests; default: the one that ships.
            threads: CPU threads.

        Raises:
            WeightsError: the file is missing or is not the pinned one.
        """
        self._net = OnnxSession(embedded(f"{FOLDER}/recogniser.onnx", SHA256, folder), threads=threads)
        self.version = version_of(SHA256, f"{_SIDE} {TEMPLATE.tolist()} with its mirror image")

    def describe(self, chip: NDArray[np.uint8]) -> FloatArray:
        """Return float32 (128,), the mean of the descriptors of a face that `cut_out` made and of its mirror image."""
        both = np.stack([chip, chip[:, ::-1]]).astype(np.float32).transpose(0, 3, 1, 2)
        mean: FloatArray = self._net.run("descriptor", np.ascontiguousarray(both)).mean(axis=0)
        return mean


def cut_out(picture: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """Return uint8 (150, 150, 3): the face turned upright and sized so that its points meet the template."""
    matrix = _similarity(face.points.astype(np.float64), TEMPLATE)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:  # a warp looks at four pixels only: shrink first, or fine detail becomes noise
        height, width = picture.shape[:2]
        size = max(1, round(width * 2 * scale)), max(1, round(height * 2 * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        matrix = matrix @ np.diag([width / size[0], height / size[1], 1.0])
    chip = cv2.warpAffine(picture, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(chip, dtype=np.uint8)


def _similarity(points: NDArray[np.float64], goal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 2x3 matrix of turning, scaling and moving that brings points closest to the goal (least squares)."""
    centre, target = points.mean(axis=0), goal.mean(axis=0)
    one, other = points - centre, goal - target
    spread = max(float((one**2).sum()), 1e-9)
    along = float((one * other).sum()) / spread
    across = float((one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum()) / spread
    turn = np.array([[along, -across], [across, along]])
    return np.concatenate([turn, (target - turn @ centre)[:, None]], axis=1)
