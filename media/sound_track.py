"""Hands out the sound of a video stretch by stretch, as its windows of frames end. Holds a minute of it at most."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from media.errors import MediaLimitExceeded
from media.sound import SAMPLE_RATE, Sound

LONGEST_S = 60.0
"""Seconds of sound that one window may carry; what runs on for longer than that behind its picture is refused."""

OVERLAP_S = 1.0
"""Seconds of sound that a window repeats of the one before it, so that no word is heard only in halves."""


class SoundTrack:
    """Pieces of int16 samples in, the sound of each window out."""

    def __init__(self, pieces: Iterator[NDArray[np.int16]], name: str) -> None:
        """`name` stands in messages."""
        self._pieces, self._name = pieces, name
        self._held: NDArray[np.int16] = np.zeros(0, np.int16)
        self._start = 0
        """Number of the first sample held."""

    def until(self, end_s: float | None) -> Sound:
        """Return the sound from just before the end of the last window on up to `end_s`; None: all that is left.

        Raises:
            MediaLimitExceeded: it is longer than LONGEST_S; and whatever decoding raises.
        """
        end = None if end_s is None else round(end_s * SAMPLE_RATE)
        parts, count = [self._held], self._start + len(self._held)
        while end is None or count < end:
            piece = next(self._pieces, None)
            if piece is None:
                break
            parts.append(piece)
            count += len(piece)
            if count - self._start > (LONGEST_S + OVERLAP_S) * SAMPLE_RATE:
                raise MediaLimitExceeded(
                    f"{self._name}: {LONGEST_S:g} s of sound without a picture beside it; cut the sound to the picture"
                )
        samples = np.concatenate(parts)
        length = len(samples) if end is None else max(0, min(len(samples), end - self._start))
        sound = Sound(samples[:length], self._start / SAMPLE_RATE)
        keep = max(0, length - round(OVERLAP_S * SAMPLE_RATE))
        self._held, self._start = samples[keep:], self._start + keep
        return sound
