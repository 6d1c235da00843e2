"""Finds the watermark in a video: gathers frames, then tries the picture as it is, mirrored, unframed and cropped.

Gathering costs one 256x256 average whatever the length. Where a crop lies is found by the pilot
(`watermark_search`); words are decoded only at the places found.

How often an unmarked video is taken for a marked one: at most WORDS_TRIED words are decoded for a video, each accepted
with probability FALSE_ACCEPT_PER_WORD when it is noise. It is noise for every picture, over the choice of the key: the
key gives each coefficient a sign of its own, and the search looks only at the pilot's, which the words do not use.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from media.clip import Frames, Lumas
from provenance.base import MarkReading
from provenance.watermark_carrier import GRID, Array, Carrier, each_luma, grid_sum
from provenance.watermark_code import FALSE_ACCEPT_PER_WORD, WatermarkCode
from provenance.watermark_search import WHOLE, Place, climb, likely, placed, unframed

TRIES = 6
"""Unsure bits tried both ways at each place: 64 words."""

PLACES = 3
"""Best places of the pilot that are looked at closely, for each mirroring."""

VIEWS = 2 * 2
"""As it is and mirrored, with its frame and without."""

WORDS_TRIED = 2**TRIES * VIEWS * (1 + PLACES + 1)
"""1,280: the most words decoded for one video: each view as it is, at its places, and fitted as a whole."""

FALSE_ACCEPT = WORDS_TRIED * FALSE_ACCEPT_PER_WORD
"""4.8e-7: bound on the probability that one unmarked video, or one marked with another key, gives an id."""


class SpreadSpectrumDetector:
    """A MarkDetector for one video and one key."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._code = WatermarkCode()
        self._sum = np.zeros((GRID, GRID), np.float64)
        self._frames = 0

    def add(self, frames: Frames) -> None:
        """Accumulate frames: uint8 (T, H, W, 3), RGB. The more of a video's frames, the surer."""
        self._sum += grid_sum(each_luma(frames))
        self._frames += len(frames)

    def add_lumas(self, lumas: Lumas) -> None:
        """Accumulate frames of which only the brightness is known."""
        self._sum += grid_sum(lumas)
        self._frames += len(lumas)

    def read(self) -> MarkReading | None:
        """Return the decoded id, or None when there is no mark. May be called again after more frames."""
        if self._frames == 0:
            return None
        views = list(_views(self._mean()))
        for luma, name in views:
            reading = self._decoded(luma, WHOLE, name or "identity")
            if reading is not None:
                return reading
        for luma, name in views:
            reading = self._search(luma, name)
            if reading is not None:
                return reading
        return None

    def read_at(self, place: Place = WHOLE) -> MarkReading | None:
        """Return the id read at a known place, by hard decision and without search: for judging a margin."""
        return None if self._frames == 0 else self._decoded(self._mean(), place, "known place", tries=0)

    def _mean(self) -> Array:
        return (self._sum / self._frames).astype(np.float32)

    def _decoded(self, luma: Array, place: Place, geometry: str, tries: int = TRIES) -> MarkReading | None:
        votes = self._carrier.votes(luma) if place == WHOLE else self._carrier.votes(*placed(luma, place))
        word = self._code.decode(self._carrier.listen(votes), tries=tries)
        return None if word is None else MarkReading(word.id_hex, word.corrected_bits, self._frames, geometry)

    def _search(self, luma: Array, view: str) -> MarkReading | None:
        places = (*likely(self._carrier, luma, PLACES), WHOLE)
        climbed = [climb(self._carrier, luma, place) for place in places]
        for _, place in sorted(climbed, key=lambda each: -each[0]):
            height, width, top, left = (side / GRID for side in (place.height, place.width, place.top, place.left))
            geometry = f"crop to {height:.2f}x{width:.2f} at {top:.2f},{left:.2f}"
            reading = self._decoded(luma, place, f"{geometry}, {view}" if view else geometry)
            if reading is not None:
                return reading
        return None


def _views(mean: Array) -> Iterator[tuple[Array, str]]:
    """Yield the picture in each way that it is looked at, and what that is called."""
    inner = unframed(mean)
    for luma, name in ((mean, ""), (inner, "unframed")):
        if luma is not None:
            yield luma, name
            yield np.ascontiguousarray(luma[:, ::-1]), f"flip, {name}" if name else "flip"
