"""Ranks stretches of a video by how much they look like people fighting: shared embeddings over time, and stillness.

Learned from surveillance cameras, fights beside calm scenes of the same kind. Motion counts in one direction only:
where nothing moves nobody fights; that much moves says nothing, because cameras move too. It recognises a scene more
than an act: a good part of wild but harmless clips of such scenes score high too. So it is a reason to look and never a
reason to refuse. Blood, injuries, weapons and cruelty without a scuffle it does not look for.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from classifiers.base import Score, TimeSpan
from classifiers.frame_encoder import SHA256 as ENCODER_SHA256
from classifiers.frame_encoder import FrameEncoder
from classifiers.linear_head import CONFIG_FILE, load_head
from classifiers.weights import EMBEDDED, pinned, version_of
from media.clip import Clip

SIGNAL = "video.violence"

AROUND_S = 1.0
"""Seconds on both sides of a frame over which its evidence is averaged: a fight lasts, a gesture does not."""

THUMBNAIL = (64, 36)
"""Pixels of the gray picture in which motion is looked for."""

CHANGED = 0.06
"""Change of gray in [0, 1] that counts as motion: above noise and compression."""

APART_S = (0.15, 1.1)
"""Seconds that two frames lie apart which are compared."""

LIVELY = 0.05
"""Share of moving pixels from which on more motion says nothing: the median of fights on resting cameras."""

_FLOOR = 0.002
_NEAR_NOUGHT = 1e-9

_WEIGHTS_SHA256 = "9141b9cac8237a5715946f1be6dcdfe6858f9fdab3d24b8b01cdd396306a2f46"
_CONFIG_SHA256 = "1453fca39c594bde8f9f20de7ee6e7901301402dabb6b20e14a194b865621fff"


class ViolenceClassifier:
    """Calibrated probability that people fight around a frame, frame by frame."""

    name = "violence"
    accepts = Clip
    signals = frozenset({SIGNAL})

    lasting_s = 0.5
    """What stands in one moment and in none half a second away is a gesture, or chance."""

    def __init__(self, encoder: FrameEncoder, weights: Path | str = "violence") -> None:
        """Check and read the head.

        Args:
            encoder: the encoder that the heads share.
            weights: folder of the head, or the name of a shipped one.

        Raises:
            WeightsError: a file is missing, altered or made for another encoder.
        """
        self._encoder = encoder
        self._head = load_head(
            weights, weights_sha256=_WEIGHTS_SHA256, config_sha256=_CONFIG_SHA256, encoder_sha256=ENCODER_SHA256
        )
        folder = EMBEDDED / weights if isinstance(weights, str) else weights
        config = json.loads(pinned(folder / CONFIG_FILE, _CONFIG_SHA256).read_text(encoding="utf-8"))
        self._of_stillness = float(config["stillness"])
        self.version = version_of(
            encoder.version,
            _WEIGHTS_SHA256,
            _CONFIG_SHA256,
            f"{AROUND_S} s on both sides, {THUMBNAIL} {CHANGED} {APART_S} {LIVELY}",
        )

    def score(self, content: Clip) -> list[Score]:
        """Return the probability around each frame, in order. A single frame stands for itself."""
        looks = self._head.probability(smoothed(self._encoder.encode(content), content.times_s))
        looks = np.clip(looks, _NEAR_NOUGHT, 1 - _NEAR_NOUGHT)  # so that certainty has finite log-odds
        logits = np.log(looks / (1 - looks)) + self._of_stillness * stillness(content)
        values = 1 / (1 + np.exp(-logits))
        return [
            Score(SIGNAL, float(value), TimeSpan(float(time_s), float(time_s)))
            for value, time_s in zip(values, content.times_s, strict=True)
        ]


def smoothed(embeddings: NDArray[np.float32], times_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return float32 (T, 512): the mean embedding of all frames within a second of each frame."""
    near = np.abs(times_s[:, None] - times_s[None, :]) <= AROUND_S
    return np.asarray((near @ embeddings.astype(np.float64)) / near.sum(axis=1, keepdims=True), dtype=np.float32)


def stillness(clip: Clip) -> NDArray[np.float64]:
    """Return how much less moves around each frame than in a lively scene: float64 (T,), 0 to about 3.3.

    The logarithm of `LIVELY` over the share of thumbnail pixels that change between two frames, averaged over a second
    on both sides; 0 where as much or more moves, and where there is nothing to compare.
    """
    thumbnails = [_thumbnail(frame) for frame in clip.frames]
    times_s = clip.times_s
    middles, shares = [], []
    for first in range(len(thumbnails)):
        second = int(np.searchsorted(times_s, times_s[first] + APART_S[0] - 1e-6))
        if second < len(thumbnails) and times_s[second] - times_s[first] <= APART_S[1]:
            middles.append((times_s[first] + times_s[second]) / 2)
            shares.append(float((np.abs(thumbnails[first] - thumbnails[second]) > CHANGED).mean()))
    if not shares:
        return np.zeros(len(times_s))
    near = np.abs(times_s[:, None] - np.array(middles)[None, :]) <= AROUND_S
    moving = (near @ np.array(shares)) / np.maximum(near.sum(axis=1), 1)
    still = np.log((LIVELY + _FLOOR) / (np.minimum(moving, LIVELY) + _FLOOR))
    return np.asarray(np.where(near.any(axis=1), still, 0.0), dtype=np.float64)


def _thumbnail(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    gray = cv2.cvtColor(cv2.resize(frame, THUMBNAIL, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.GaussianBlur(gray, (3, 3), 0), dtype=np.float32) / np.float32(255)
