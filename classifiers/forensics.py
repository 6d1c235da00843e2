"""Estimates whether a video was made by a generator: a linear head on the mean CLIP embedding of a window's frames.

An estimate from texture, learned from generators of 2022 to 2024. It proves nothing, it never says "real", it confuses
drawn and rendered animation with synthesis, and it does not look for edited parts or exchanged faces.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from classifiers.base import MeasurementError, Score, TimeSpan
from classifiers.frame_encoder import SHA256 as ENCODER_SHA256
from classifiers.frame_encoder import FrameEncoder
from classifiers.linear_head import CONFIG_FILE, load_head
from classifiers.weights import EMBEDDED, pinned, version_of
from media.clip import Clip
from media.renditions import CROP, SHORT_SIDE, central_crop

SIGNAL = "video.synthetic"

FEWEST_FRAMES = 4
MOST_FRAMES = 4
"""Frames of a window that are embedded; more of them are thinned evenly, which bounds the cost. Neighbouring frames
say nearly the same, so several short windows over a video say more than many frames of one."""

SMALLEST_SIDE = 128
"""Pixels of the short side; below, too little texture is left to judge."""

_WEIGHTS_SHA256 = "3c9417ded303034d5801e5f4513a5b66d73f853d86fcb590b24bac1cca5d8560"
_CONFIG_SHA256 = "ec3fb8a902f4dd80b8a8963b6ca594c663912cc75cddf5a2c2108396a58413ef"


class ForensicClassifier:
    """Calibrated probability that a window of frames came out of a video generator."""

    name = "forensics"
    accepts = Clip
    signals = frozenset({SIGNAL})

    def __init__(self, encoder: FrameEncoder, weights: Path | str = "forensics") -> None:
        """Check and read the head.

        Args:
            encoder: the network that embeds frames; its own view of the crop is taken, not the shared embedding.
            weights: folder of the head, or the name of a shipped one.

        Raises:
            WeightsError: a file is missing, altered or made for another encoder.
        """
        self._encoder = encoder
        self._head = load_head(
            weights,
            weights_sha256=_WEIGHTS_SHA256,
            config_sha256=_CONFIG_SHA256,
            encoder_sha256=ENCODER_SHA256,
        )
        folder = EMBEDDED / weights if isinstance(weights, str) else weights
        config = json.loads(pinned(folder / CONFIG_FILE, _CONFIG_SHA256).read_text(encoding="utf-8"))
        self.trained_on = frozenset(map(str, config["trained_on"]))
        """First 16 hex digits of the SHA-256 of each file that the head has learned from."""
        self.version = version_of(
            encoder.version,
            _WEIGHTS_SHA256,
            _CONFIG_SHA256,
            f"{MOST_FRAMES} frames, {SHORT_SIDE}, {CROP}, never enlarged",
        )

    def score(self, content: Clip) -> list[Score]:
        """Return one probability for the whole window.

        Raises:
            MeasurementError: fewer than 4 frames, or frames with a short side under 128 pixels.
        """
        count, height, width = content.frames.shape[:3]
        if count < FEWEST_FRAMES:
            raise MeasurementError(
                f"{count} frames are too few to estimate origin: at least {FEWEST_FRAMES} are needed"
            )
        if min(height, width) < SMALLEST_SIDE:
            raise MeasurementError(
                f"frames of {width}x{height} are too small to estimate origin: {SMALLEST_SIDE} pixels are needed"
            )
        chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int))
        embeddings = self._encoder.embed(central_crop(content.frames[at]) for at in chosen)
        value = self._head.probability(embeddings.mean(axis=0, keepdims=True))[0]
        return [Score(SIGNAL, float(value), TimeSpan(content.start_s, content.end_s))]
