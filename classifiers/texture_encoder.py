"""Describes the texture of frames with a small network that ships with framegate: what stands in for CLIP's tower.

The first fifteen blocks of EfficientNet-Lite0 (2.3 million numbers); of five stages the mean and the spread of every
channel over the picture. Where something stands is lost, what it is made of is kept. Knows nothing of origin: heads do.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from classifiers.onnx_session import FloatArray, OnnxSession
from classifiers.weights import embedded, version_of

NETWORK = "forensics_small/network.onnx"
SHA256 = "6fe80ccaa0ebc36977d5902a196eb9dfb5705c268c30af832b52b0e24cbc0f0b"
STAGES = (2, 4, 7, 10, 14)
"""Blocks, counted from 0, whose channels are looked at."""

CHANNELS = (24, 40, 80, 112, 192)
"""Channels that these blocks put out."""

_CENTRE, _SPREAD = np.float32(127.0), np.float32(128.0)
"""EfficientNet-Lite's own normalisation: (pixel - 127) / 128."""


class TextureEncoder:
    """Channel means and spreads of frames, stage by stage."""

    def __init__(self, *, threads: int = 1) -> None:
        """Check the weights now; open them with the first frame.

        Raises:
            WeightsError: the file is missing or not the pinned one.
        """
        self._session = OnnxSession(embedded(NETWORK, SHA256), threads=threads)
        self.version = version_of(SHA256, "as given, (pixel - 127) / 128")

    def look(self, frames: Iterable[NDArray[np.uint8]]) -> FloatArray:
        """Return float32 (T, 896) for RGB frames uint8 (H, W, 3) of any size: of each stage means, then spreads."""
        rows = [
            self._session.run("features", ((frame.astype(np.float32) - _CENTRE) / _SPREAD).transpose(2, 0, 1)[None])[0]
            for frame in frames
        ]
        return np.stack(rows)
