"""Reads what a prompt means: a sentence encoder with one calibrated head a signal.

It reads English only and says so for any other text. It knows no names (see `entities`), no listed phrases (see
`lexicon`) and no threshold. Figures and blind spots: docs/cards/text_encoder.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from classifiers.base import Score, WeightsError
from classifiers.languages import require_english
from classifiers.normalize import normalize
from classifiers.sentence_encoder import DIMENSIONS, SentenceEncoder
from classifiers.weights import embedded, version_of

HEADS_FILE: Final = "text_encoder/heads.safetensors"
HEADS_SHA256: Final = "28c2bbf3c688070f1da0c048f9a50391cc3c9d25bc25dd8ad4559f940a80aaf0"
CONFIG_FILE: Final = "text_encoder/config.json"
CONFIG_SHA256: Final = "c1a7e84a112b14fc1d63be97244dffab86669e4a69111134f6c9625e80047501"

SIGNALS: Final = frozenset(
    {
        "text.sexual",
        "text.violence",
        "text.hate",
        "text.harassment",
        "text.self_harm",
        "text.illicit",
        "text.public_figure",
        "text.ip",
        "text.deceptive",
        "text.disturbing",
    }
)

BATCH_WINDOWS: Final = 4
"""Windows that run together: bounds memory whatever the length of the text."""


class TextEncoderClassifier:
    """Text in, one Score a signal out. A long text is read in windows and the highest window counts."""

    name = "text_encoder"
    accepts = str
    signals = SIGNALS

    def __init__(self) -> None:
        """Load the encoder and the heads.

        Raises:
            WeightsError: a file is missing, altered or of the wrong shape.
        """
        self._encoder = SentenceEncoder()
        config = json.loads(embedded(CONFIG_FILE, CONFIG_SHA256).read_text(encoding="utf-8"))
        self._order: tuple[str, ...] = tuple(config["signals"])
        weights = load_file(embedded(HEADS_FILE, HEADS_SHA256))
        self._hidden, self._hidden_bias = weights["hidden.weight"], weights["hidden.bias"]
        self._output, self._output_bias = weights["output.weight"], weights["output.bias"]
        units = len(self._hidden)
        fits = self._hidden.shape == (units, DIMENSIONS) and self._output.shape == (len(self._order), units)
        if not fits or set(self._order) != SIGNALS:
            raise WeightsError("the text heads do not fit the encoder and config.json; reinstall framegate")
        self.version = version_of(*self._encoder.digests, HEADS_SHA256, CONFIG_SHA256)

    def score(self, content: str) -> list[Score]:
        """Return one Score a signal: the highest over the text's windows, with that window's span if there are several.

        Raises:
            MeasurementError: no letters, not English, or longer than the encoder reads.
        """
        normalized = normalize(content)
        require_english(normalized.text)
        windows = self._encoder.windows(normalized.text)
        parts = [
            self.probabilities(self._encoder.embed_windows(windows[start : start + BATCH_WINDOWS]))
            for start in range(0, len(windows), BATCH_WINDOWS)
        ]
        table = np.concatenate(parts)
        best = table.argmax(axis=0)
        scores = []
        for head, signal in enumerate(self._order):
            window = windows[best[head]]
            span = normalized.to_original(window.start, window.end) if len(windows) > 1 else None
            scores.append(Score(signal, float(table[best[head], head]), span))
        return scores

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return `float32 (N, 384)` unit vectors of the texts as they are read: with disguises undone.

        Raises:
            MeasurementError: a text holds no word that the encoder knows, or is longer than it reads.
        """
        return self._encoder.embed([normalize(text).text for text in texts])

    def probabilities(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return `float32 (N, signals)` in [0, 1] for unit vectors `float32 (N, 384)`, in the order of config.json."""
        hidden = np.maximum(vectors @ self._hidden.T + self._hidden_bias, 0)
        logits = hidden @ self._output.T + self._output_bias
        return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float32)
