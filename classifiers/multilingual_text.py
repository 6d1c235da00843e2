"""Reads what a prompt in a language other than English means: the multilingual encoder with one head a signal.

The text encoder asks it for texts that `languages` sends here. It reports the same signals, knows no names, no listed
phrases and no threshold, and does not judge which language it reads. Figures and blind spots:
docs/cards/multilingual_encoder.md.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from classifiers.base import Score, WeightsError
from classifiers.multilingual_encoder import DIMENSIONS, MultilingualEncoder
from classifiers.normalize import Normalized
from classifiers.weights import embedded

HEADS_FILE: Final = "multilingual_encoder/heads.safetensors"
HEADS_SHA256: Final = "3868c96ee760ef069c53cdcabda77abac8c7715ec8453be70b27d399ae5d18d0"
CONFIG_FILE: Final = "multilingual_encoder/config.json"
CONFIG_SHA256: Final = "0a39bcb472d68faac638b012d5be387963e1b0fde8f035152d935e648ea5c277"


class MultilingualText:
    """Normalised text in, one Score a signal out. Stateless between calls."""

    def __init__(self, signals: Collection[str]) -> None:
        """Load encoder and heads, which must be those of `signals`.

        Raises:
            WeightsError: a file is missing, altered or of other signals.
        """
        self._encoder = MultilingualEncoder()
        config = json.loads(embedded(CONFIG_FILE, CONFIG_SHA256).read_text(encoding="utf-8"))
        self._order: tuple[str, ...] = tuple(config["signals"])
        heads = load_file(embedded(HEADS_FILE, HEADS_SHA256))
        self._weight, self._bias = heads["weight"], heads["bias"]
        if self._weight.shape != (len(self._order), DIMENSIONS) or set(self._order) != set(signals):
            raise WeightsError("the multilingual heads do not fit the encoder and config.json; reinstall framegate")
        self.digests = (*self._encoder.digests, HEADS_SHA256, CONFIG_SHA256)

    def score(self, normalized: Normalized, languages: Collection[str]) -> list[Score]:
        """Return one Score a signal: the highest over the windows, with that window's span if there are several.

        Its detail names `languages`, the codes that the text is or may be in.

        Raises:
            MeasurementError: characters that the encoder does not know, or more text than it reads.
        """
        windows = self._encoder.windows(normalized.text)
        table = self.probabilities(self._encoder.embed_windows(windows))
        detail = f"language:{'+'.join(sorted(languages))}"
        scores = []
        for head, signal in enumerate(self._order):
            best = int(table[:, head].argmax())
            span = normalized.to_original(windows[best].start, windows[best].end) if len(windows) > 1 else None
            scores.append(Score(signal, float(table[best, head]), span, detail))
        return scores

    def probabilities(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return `float32 (N, signals)` in [0, 1] for unit vectors `float32 (N, 384)`, in the order of config.json."""
        logits = vectors @ self._weight.T + self._bias
        return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float32)


def higher(one: Sequence[Score], other: Sequence[Score]) -> list[Score]:
    """Return for each signal the higher of the two readers' Scores, in the order of the first that is not empty."""
    best = {score.signal: score for score in one}
    for score in other:
        if score.signal not in best or score.value > best[score.signal].value:
            best[score.signal] = score
    return list(best.values())
