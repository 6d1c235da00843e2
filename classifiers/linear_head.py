"""A trained linear head: one dot product on a frame embedding gives a calibrated probability.

Standardisation and Platt calibration are folded into the weights by the training scripts, so what ships is one vector
and one number. Encodes nothing itself, and refuses an encoder other than the one it was trained on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from classifiers.base import WeightsError
from classifiers.onnx_session import FloatArray
from classifiers.weights import EMBEDDED, pinned

WEIGHTS_FILE = "head.safetensors"
CONFIG_FILE = "config.json"


@dataclass(frozen=True, eq=False)
class LinearHead:
    """sigmoid(x . weight + bias) is the calibrated probability."""

    weight: FloatArray
    """float32 (D,)."""

    bias: float

    def probability(self, embeddings: FloatArray) -> NDArray[np.float64]:
        """Return one probability in (0, 1) for each row of float32 (N, D)."""
        logits = embeddings.astype(np.float64) @ self.weight.astype(np.float64) + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0))), dtype=np.float64)


def load_head(folder: Path | str, *, weights_sha256: str, config_sha256: str, encoder_sha256: str) -> LinearHead:
    """Read a pinned head from a folder, or from the shipped weights of that name.

    Raises:
        WeightsError: a file is missing, altered or not a head, or the head was trained on another encoder.
    """
    folder = EMBEDDED / folder if isinstance(folder, str) else folder
    weights = pinned(folder / WEIGHTS_FILE, weights_sha256)
    config = json.loads(pinned(folder / CONFIG_FILE, config_sha256).read_text(encoding="utf-8"))
    if config["encoder_sha256"] != encoder_sha256:
        raise WeightsError(
            f"the head in {folder.name} was trained on encoder {config['encoder_sha256'][:12]}…, not on "
            f"{encoder_sha256[:12]}…: use the encoder it was trained on or train it again"
        )
    try:
        tensors = load_file(weights)
    except SafetensorError as error:
        raise WeightsError(f"{weights.name} of {folder.name} is not a safetensors file: {error}") from error
    return LinearHead(weight=tensors["weight"].astype(np.float32), bias=float(tensors["bias"][0]))
