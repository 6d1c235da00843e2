"""Where the watermark lies in a picture: a keyed pattern of coefficients, how to write into it and how to listen to it.

A picture of any size is looked at as 256x256 luma and its orthonormal DCT, so scaling changes nothing. Each of the 127
signs of a word is spread over about 35 coefficients with signs of their own; a quarter of the band is a pilot, known in
advance, by which a cropped picture is found again.

Writing knows the picture ("informed"): a coefficient that already says the wanted sign loudly costs nothing, one near
zero is pushed to it, and one that loudly says the opposite is left alone unless its sign would lose the vote.
Listening is a soft vote of signs. Does not know clips, ids or quality; see `watermark`.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.watermark_code import WORD_BITS

Array = NDArray[np.float32]

GRID = 256
"""Side of the grid. A clip below this size is scaled up to it to listen."""

LOWEST, HIGHEST = 14, 88
"""Band as radius on the grid. Lower is seen and drowned by the picture, higher is lost at half size and CRF 28; chosen
by bit errors at equal PSNR (docs/provenance.md)."""

PILOT_SHARE = 0.25
LIMIT = 0.5
"""A coefficient's vote is cut off at this many median magnitudes, so that it counts by sign rather than by size."""

NEAR_ZERO = 0.8
"""Coefficients that oppose by less than this share of the strength are turned."""

SURE_SHARE = 0.6
"""At least this share of a sign's coefficients is turned, however loudly they oppose: else the vote may be lost."""


@dataclass(frozen=True, eq=False)
class Carrier:
    """The pattern of one key."""

    cells: NDArray[np.intp]
    """(127, L) flat grid positions."""

    signs: Array
    """(127, L), each +1 or -1."""

    pilot_cells: NDArray[np.intp]
    """(1, P)."""

    pilot_signs: Array
    """(1, P)."""

    weights: Array
    """(65536,): evens out that pictures are loud at low frequencies; 0 outside the band."""

    pilot_spectrum: Array
    """Fourier transform of the pilot as a picture, packed as OpenCV packs that of a real one: (256, 256)."""

    @classmethod
    def for_key(cls, key: bytes) -> Carrier:
        """Derive the pattern. Depends on nothing but the key and this version's constants, on no generator of numpy."""
        rows, columns = np.mgrid[0:GRID, 0:GRID]
        radius = np.hypot(rows, columns).ravel()
        band = np.flatnonzero((radius >= LOWEST) & (radius <= HIGHEST))
        secret = hmac.new(key, b"io.framegate.spread-spectrum.1", hashlib.sha256).digest()
        order = np.frombuffer(hashlib.shake_256(secret + b"order").digest(8 * len(band)), "<u8")
        band = band[np.argsort(order, kind="stable")]
        coins = np.frombuffer(hashlib.shake_256(secret + b"signs").digest(len(band)), np.uint8)
        signs = (coins & 1).astype(np.float32) * 2 - 1
        pilots = int(len(band) * PILOT_SHARE)
        each = (len(band) - pilots) // WORD_BITS
        spread = slice(pilots, pilots + WORD_BITS * each)
        pilot = np.zeros(GRID * GRID, np.float32)
        pilot[band[:pilots]] = signs[:pilots]
        return cls(
            cells=band[spread].reshape(WORD_BITS, each),
            signs=signs[spread].reshape(WORD_BITS, each),
            pilot_cells=band[None, :pilots],
            pilot_signs=signs[None, :pilots],
            weights=np.where((radius >= LOWEST) & (radius <= HIGHEST), radius / HIGHEST, 0).astype(np.float32),
            pilot_spectrum=np.asarray(cv2.dft(cv2.idct(pilot.reshape(GRID, GRID))), np.float32),
        )

    def write(self, luma: Array, word: Array, strength: float) -> Array:
        """Return what to add to a picture: float32 (256, 256) in luma levels.

        Args:
            luma: float32 (256, 256), the picture on the grid.
            word: float32 (127,), +1 or -1.
            strength: magnitude that turned coefficients get, in levels of the orthonormal DCT.
        """
        host = cv2.dct(luma).ravel()
        added = np.zeros(GRID * GRID, np.float32)
        for cells, signs in ((self.cells, self.signs * word[:, None]), (self.pilot_cells, self.pilot_signs)):
            agreeing = host[cells] * signs
            rank = np.argsort(np.argsort(-agreeing, axis=1), axis=1)
            turned = (agreeing > -NEAR_ZERO * strength) | (rank < np.ceil(SURE_SHARE * cells.shape[1]))
            added[cells] = signs * np.where(turned, np.maximum(strength - agreeing, 0), 0)
        return np.asarray(cv2.idct(added.reshape(GRID, GRID)), np.float32)

    def votes(self, luma: Array) -> Array:
        """Return the vote of each coefficient: float32 (65536,) in [-1, 1], 0 outside the band."""
        return self._cut(cv2.dct(luma).ravel() * self.weights)

    def listen(self, votes: Array) -> Array:
        """Return the soft word: float32 (127,), sign for the bit, size for how sure."""
        return np.asarray((votes[self.cells] * self.signs).mean(axis=1), np.float32)

    def _cut(self, loudness: Array) -> Array:
        limit = LIMIT * float(np.median(np.abs(loudness[self.cells]))) + 1e-6
        return np.asarray(np.clip(loudness / limit, -1, 1), np.float32)


def grid_luma(frame: NDArray[np.uint8]) -> Array:
    """Return a frame, uint8 (H, W, 3) RGB, as BT.601 luma on the grid: float32 (256, 256), 0 to 255."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    shrinks = grey.shape[0] >= GRID and grey.shape[1] >= GRID
    kind = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (GRID, GRID), interpolation=kind), np.float32)
