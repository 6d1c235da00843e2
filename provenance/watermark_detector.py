"""Finds the watermark in a video: gathers frames, then tries the picture as it is, mirrored, and cropped.

Gathering costs one 256x256 average whatever the length. Does not try rotation, perspective, borders or a changed
aspect ratio other than by cropping two sides.

How often an unmarked video is taken for a marked one: at most WORDS_TRIED words are decoded for a video, each accepted
with probability FALSE_ACCEPT_PER_WORD when it is noise. It is noise for every picture, over the choice of the key: the
key gives each coefficient a sign of its own, and the search looks only at the pilot's, which the words do not use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from media.clip import Frames
from provenance.base import MarkReading
from provenance.watermark_carrier import GRID, Array, Carrier, grid_luma
from provenance.watermark_code import FALSE_ACCEPT_PER_WORD, WatermarkCode

TRIES_WHOLE = 6
"""Unsure bits tried both ways on the whole picture: 64 words."""

TRIES_CROPPED = 2
"""The same for each place of a crop: 4 words."""

SMALLEST_CROP = 0.70
"""Smallest share of a side that is searched."""

PLACES = 4
"""Best places of the pilot that are looked at closely, for each mirroring."""

NEARBY_SIZES = (0, -1, 1, -2, 2)
NEARBY_SHIFTS = tuple((dy, dx) for dy in (0, -1, 1) for dx in (0, -1, 1))

WORDS_TRIED = 2 * (2**TRIES_WHOLE + PLACES * len(NEARBY_SIZES) * len(NEARBY_SHIFTS) * 2**TRIES_CROPPED)
"""1,568: the most words decoded for one video."""

FALSE_ACCEPT = WORDS_TRIED * FALSE_ACCEPT_PER_WORD
"""5.9e-7: bound on the probability that one unmarked video, or one marked with another key, gives an id."""


@dataclass(frozen=True)
class _Place:
    """A guess: the picture seen is the part of the original grid at (top, left) of this size."""

    peak: float
    height: int
    width: int
    top: int
    left: int


class SpreadSpectrumDetector:
    """A MarkDetector for one video and one key."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._code = WatermarkCode()
        self._sum = np.zeros((GRID, GRID), np.float64)
        self._frames = 0

    def add(self, frames: Frames) -> None:
        """Accumulate frames: uint8 (T, H, W, 3), RGB. The more of a video's frames, the surer."""
        for frame in frames:
            self._sum += grid_luma(frame)
            self._frames += 1

    def read(self) -> MarkReading | None:
        """Return the decoded id, or None when there is no mark. May be called again after more frames."""
        if self._frames == 0:
            return None
        mean = (self._sum / self._frames).astype(np.float32)
        views = (("identity", mean), ("flip", np.ascontiguousarray(mean[:, ::-1])))
        for name, luma in views:
            reading = self._decoded(self._carrier.votes(luma), TRIES_WHOLE, name)
            if reading is not None:
                return reading
        for name, luma in views:
            reading = self._search(luma, "" if name == "identity" else f", {name}")
            if reading is not None:
                return reading
        return None

    def read_whole(self) -> MarkReading | None:
        """Return the id read from the picture as it is, by hard decision and without search: for judging a margin."""
        if self._frames == 0:
            return None
        mean = (self._sum / self._frames).astype(np.float32)
        return self._decoded(self._carrier.votes(mean), 0, "identity")

    def _decoded(self, votes: Array, tries: int, geometry: str) -> MarkReading | None:
        word = self._code.decode(self._carrier.listen(votes), tries=tries)
        return None if word is None else MarkReading(word.id_hex, word.corrected_bits, self._frames, geometry)

    def _search(self, luma: Array, suffix: str) -> MarkReading | None:
        picture = np.asarray(cv2.idct(self._carrier.votes(luma).reshape(GRID, GRID)), np.float32)
        for place in self._likely(picture):
            nearby = list(_nearby(place))
            heard = [self._carrier.listen(self._carrier.votes(_placed(picture, *spot))) for spot in nearby]
            first = self._code.decode_first(np.stack(heard), tries=TRIES_CROPPED)
            if first is not None:
                height, width, top, left = (side / GRID for side in nearby[first[0]])
                geometry = f"crop to {height:.2f}x{width:.2f} at {top:.2f},{left:.2f}{suffix}"
                return MarkReading(first[1].id_hex, first[1].corrected_bits, self._frames, geometry)
        return None

    def _likely(self, picture: Array) -> list[_Place]:
        places = []
        for height, width in _sizes():
            spectrum = cv2.dft(_placed(picture, height, width, 0, 0))
            spectrum = cv2.mulSpectrums(self._carrier.pilot_spectrum, spectrum, 0, conjB=True)
            matches = np.asarray(cv2.idft(spectrum, flags=cv2.DFT_SCALE), np.float32)
            inside = matches[: GRID - height + 1, : GRID - width + 1]
            top, left = np.unravel_index(int(np.argmax(inside)), inside.shape)
            spread = float(matches.std())
            peak = float(inside.max()) / spread if spread > 0 else 0.0
            places.append(_Place(peak, height, width, int(top), int(left)))
        return sorted(places, key=lambda place: -place.peak)[:PLACES]


def _sizes() -> Iterator[tuple[int, int]]:
    for side in range(round(SMALLEST_CROP * GRID), GRID, 2):
        yield side, side
        yield GRID, side
        yield side, GRID


def _nearby(place: _Place) -> Iterator[tuple[int, int, int, int]]:
    for change in NEARBY_SIZES:
        height = place.height if place.height == GRID else place.height + change
        width = place.width if place.width == GRID else place.width + change
        for down, right in NEARBY_SHIFTS:
            top, left = place.top + down, place.left + right
            if top >= 0 and left >= 0 and top + height <= GRID and left + width <= GRID:
                yield height, width, top, left


def _placed(picture: Array, height: int, width: int, top: int, left: int) -> Array:
    canvas = np.zeros((GRID, GRID), np.float32)
    canvas[top : top + height, left : left + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return canvas
