"""Looks for hate symbols in frames: a linear head on the shared CLIP embedding, learned from drawn symbols.

A shape in a scene is all it knows: whether a hooked cross stands in a museum, a history lesson, a temple or on a flag
of today it cannot tell, so it is a reason to look and never a reason to refuse. It says neither which symbol nor where,
and small ones escape it.
"""

from __future__ import annotations

from pathlib import Path

from classifiers.base import Score, TimeSpan
from classifiers.frame_encoder import SHA256 as ENCODER_SHA256
from classifiers.frame_encoder import FrameEncoder
from classifiers.linear_head import load_head
from classifiers.weights import version_of
from media.clip import Clip

SIGNAL = "frame.hate_symbol"

_WEIGHTS_SHA256 = "3bc46becd91987a70a832c0eb69d647472451148444715b864501627ff0f3ed8"
_CONFIG_SHA256 = "b76ef68768ac9b07917bfa19a5fe67d2045d66a86aea9cfe0d86baabfaf22d04"


class HateSymbolClassifier:
    """Probability that a frame shows a hate symbol, frame by frame."""

    name = "hate_symbols"
    accepts = Clip
    signals = frozenset({SIGNAL})

    lasting_s = 0.2
    """What is seen in one frame and in none near it is chance."""

    def __init__(self, encoder: FrameEncoder, weights: Path | str = "hate_symbols") -> None:
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
        self.version = version_of(encoder.version, _WEIGHTS_SHA256, _CONFIG_SHA256, "frame by frame")

    def score(self, content: Clip) -> list[Score]:
        """Return the probability of each frame, in order."""
        values = self._head.probability(self._encoder.encode(content))
        return [
            Score(SIGNAL, float(value), TimeSpan(float(time_s), float(time_s)))
            for value, time_s in zip(values, content.times_s, strict=True)
        ]
