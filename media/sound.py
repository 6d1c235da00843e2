"""The sound of a stretch of video: one channel, 16 000 samples a second. Values; `media.codec.listening` decodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Samples a second: what speech recognisers listen at."""


@dataclass(frozen=True, eq=False)
class Sound:
    """Sound of a clip, from the end of the clip before it to its own end."""

    samples: NDArray[np.int16]
    """int16 (N,)."""

    start_s: float
    """Seconds from the start of the video."""

    @property
    def end_s(self) -> float:
        """Seconds from the start of the video."""
        return self.start_s + len(self.samples) / SAMPLE_RATE


SILENT = Sound(np.zeros(0, np.int16), 0.0)
"""Of a clip whose file has no sound."""
