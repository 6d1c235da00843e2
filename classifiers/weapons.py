"""Measures weapons in frames: a linear head on the shared CLIP embedding. A weapon counts when it lasts.

Made for weapons that fill a good part of the picture. Knives and swords it sees poorly, small weapons in a wide shot
hardly at all, and it does not ask whether a weapon is used, drawn or a toy.
"""

from __future__ import annotations

from pathlib import Path

from classifiers.base import Score, TimeSpan
from classifiers.frame_encoder import SHA256 as ENCODER_SHA256
from classifiers.frame_encoder import FrameEncoder
from classifiers.linear_head import load_head
from classifiers.weights import version_of
from media.clip import Clip

SIGNAL = "frame.weapon"

_WEIGHTS_SHA256 = "831c082abfa79738125caf9c4cb8af9e7c2e03ea7e9c47c08765601d616f7b8a"
_CONFIG_SHA256 = "1850cc1d284ec03ab522b51915b332b49adfd04e5240fb03c53ada495a5408dd"


class WeaponClassifier:
    """Probability that a frame shows a weapon, frame by frame."""

    name = "weapons"
    accepts = Clip
    signals = frozenset({SIGNAL})

    lasting_s = 0.2
    """Two frames must agree, because the highest of many frames is what chance picks: hockey sticks and lamp posts look
    like rifles for a frame. Neighbours always agree, so they must lie apart."""

    def __init__(self, encoder: FrameEncoder, weights: Path | str = "weapons") -> None:
        """Check and read the head.

        Args:
            encoder: the encoder that the heads share.
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
        self.version = version_of(encoder.version, _WEIGHTS_SHA256, _CONFIG_SHA256, "frame by frame")

    def score(self, content: Clip) -> list[Score]:
        """Return the probability of each frame, in order."""
        values = self._head.probability(self._encoder.encode(content))
        return [
            Score(SIGNAL, float(value), TimeSpan(float(time_s), float(time_s)))
            for value, time_s in zip(values, content.times_s, strict=True)
        ]
