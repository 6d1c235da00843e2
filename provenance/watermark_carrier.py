"""Where the watermark lies in a picture: a keyed pattern of coefficients, how to write into it and how to listen to it.

A picture of any size is looked at as 256x256 luma, so scaling changes nothing, in 256 tiles of 16x16 and the
orthonormal DCT of each: a crop takes tiles away and leaves the others as they were, which one transform of the whole
picture would not. Each of the 127 signs of a word is spread over about 60 coefficients of different tiles with signs of
their own; a quarter of the band is a pilot, known in advance, by which a cropped picture is found again.

Writing knows the picture ("informed"): a coefficient that already says the wanted sign loudly costs nothing, one near
zero is pushed to it, and one that loudly says the opposite is left alone unless its sign would lose the vote. More is
written where the picture is busy, where it is seen least. Listening is a soft vote of signs. Does not know clips, ids
or quality; see `watermark`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.watermark_code import WORD_BITS

Array = NDArray[np.float32]

GRID = 256
"""Side of the grid. A clip below this size is scaled up to it to listen."""

TILE = 16
TILES = GRID // TILE

LOWEST, HIGHEST = 20, 110
"""Band as half cycles a picture side. Lower is seen and drowned by the picture, higher is lost at half size; chosen by
bit errors at equal PSNR and SSIM (docs/provenance.md)."""

TILT = 1.0
"""Power by which low frequencies, which compression keeps, get more than high ones."""

MIDDLE = 64.0
"""Radius that gets just the strength."""

RINGS = 6
"""Bands of radii that listening weighs apart."""

PILOT_SHARE = 0.25
LIMIT = 0.5
"""A coefficient's vote is cut off at this many median magnitudes, so that it counts by sign rather than by size."""

NEAR_ZERO = 0.8
"""Coefficients that oppose by less than this share of the strength are turned."""

SURE_SHARE = 0.6
"""At least this share of a sign's coefficients is turned, however loudly they oppose: else the vote may be lost."""

ROUNDS = 3
"""Weighting by busyness undoes a part of what was written; each round writes what is still missing."""

SSIM_C2 = 58.5
"""(0.03 x 255)^2, the constant of SSIM (Wang et al., IEEE Trans. Image Processing 13, 2004): where variance is far
below it a change is seen in full."""

BUSIEST = 5.0
"""Most that a busy place may get of what a flat place gets."""

CUT_OFF = 6.0
"""Levels from black or white within which half of a mark is cut off by the range of pixels."""

BARS = 0.3
"""What plain black and white get: a letterbox's bars would be seen first and tell nothing."""


def _dct_matrix() -> Array:
    rows, columns = np.mgrid[0:TILE, 0:TILE]
    matrix = np.sqrt(2 / TILE) * np.cos(np.pi * (2 * columns + 1) * rows / (2 * TILE))
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)


_DCT = _dct_matrix()


def to_coefficients(picture: Array) -> Array:
    """Return the DCT of each tile: (65536,), tile by tile."""
    across = (picture.reshape(-1, TILE) @ _DCT.T).reshape(TILES, TILE, TILES, TILE)  # all rows of all tiles in one go
    down = (across.transpose(0, 2, 3, 1).reshape(-1, TILE) @ _DCT.T).reshape(-1, TILE, TILE)
    return np.asarray(down.transpose(0, 2, 1), np.float32).ravel()


def to_picture(coefficients: Array) -> Array:
    """Return what `to_coefficients` took apart: float32 (256, 256)."""
    across = (coefficients.reshape(-1, TILE) @ _DCT).reshape(TILES, TILES, TILE, TILE)
    down = (across.transpose(0, 1, 3, 2).reshape(-1, TILE) @ _DCT).reshape(TILES, TILES, TILE, TILE)
    return np.ascontiguousarray(down.transpose(0, 3, 1, 2).reshape(GRID, GRID))


@dataclass(frozen=True, eq=False)
class Ground:
    """What writing has to know of a picture and a word, whatever the strength."""

    coefficients: Array
    """(65536,)."""

    room: Array
    """(256, 256): how much more a place bears than others."""

    parts: tuple[tuple[NDArray[np.intp], Array, Array, NDArray[np.bool_]], ...]
    """Of the word and of the pilot: cells; the sign each shall get; how loudly the picture says it (negative: says the
    opposite); which are turned whatever the strength."""


@dataclass(frozen=True, eq=False)
class Carrier:
    """The pattern of one key."""

    cells: NDArray[np.intp]
    """(127, L) places in `to_coefficients`."""

    signs: Array
    """(127, L), each +1 or -1."""

    pilot_cells: NDArray[np.intp]
    """(1, P)."""

    pilot_signs: Array
    """(1, P)."""

    weights: Array
    """(65536,): evens out that pictures are loud at low frequencies; 0 outside the band."""

    loudness: Array
    """(65536,): share of the strength that a coefficient gets, by its radius."""

    rings: NDArray[np.intp]
    """(65536,): number of the ring of radii that a coefficient lies in, from 0."""

    pilot_spectrum: Array
    """Fourier transform of the pilot as a picture, packed as OpenCV packs that of a real one: (256, 256)."""

    @classmethod
    def for_key(cls, key: bytes) -> Carrier:
        """Derive the pattern. Depends on nothing but the key and this version's constants, on no generator of numpy."""
        rows, columns = np.mgrid[0:TILE, 0:TILE]
        radius = np.tile((np.hypot(rows, columns) * TILES).ravel(), TILES * TILES)
        band = np.flatnonzero((radius >= LOWEST) & (radius <= HIGHEST))
        secret = hmac.new(key, b"io.framegate.spread-spectrum.2", hashlib.sha256).digest()
        order = np.frombuffer(hashlib.shake_256(secret + b"order").digest(8 * len(band)), "<u8")
        band = band[np.argsort(order, kind="stable")]
        coins = np.frombuffer(hashlib.shake_256(secret + b"signs").digest(len(band)), np.uint8)
        signs = (coins & 1).astype(np.float32) * 2 - 1
        pilots = int(len(band) * PILOT_SHARE)
        each = (len(band) - pilots) // WORD_BITS
        spread = slice(pilots, pilots + WORD_BITS * each)
        pilot = np.zeros(GRID * GRID, np.float32)
        weights = np.where((radius >= LOWEST) & (radius <= HIGHEST), radius / HIGHEST, 0).astype(np.float32)
        loudness = np.where(radius > 0, (MIDDLE / np.maximum(radius, LOWEST)) ** TILT, 0).astype(np.float32)
        # Pictures are loud at low frequencies: the pilot is searched where they are not.
        pilot[band[:pilots]] = signs[:pilots] * np.sqrt(weights[band[:pilots]])
        return cls(
            cells=band[spread].reshape(WORD_BITS, each),
            signs=signs[spread].reshape(WORD_BITS, each),
            pilot_cells=band[None, :pilots],
            pilot_signs=signs[None, :pilots],
            weights=weights,
            loudness=loudness,
            rings=np.clip((radius - LOWEST) * RINGS / (HIGHEST - LOWEST), 0, RINGS - 1).astype(np.intp),
            pilot_spectrum=np.asarray(cv2.dft(to_picture(pilot)), np.float32),
        )

    def ground(self, luma: Array, word: Array) -> Ground:
        """Return a picture, made ready for a word.

        Args:
            luma: float32 (256, 256), the picture on the grid.
            word: float32 (127,), +1 or -1.
        """
        host = to_coefficients(luma)
        parts = []
        for cells, signs in ((self.cells, self.signs * word[:, None]), (self.pilot_cells, self.pilot_signs)):
            agreeing = host[cells] * signs
            rank = np.argsort(np.argsort(-agreeing, axis=1), axis=1)
            parts.append((cells, signs, agreeing, rank < np.ceil(SURE_SHARE * cells.shape[1])))
        return Ground(host, _room(luma), tuple(parts))

    def write(self, ground: Ground, strength: float) -> Array:
        """Return what to add to a picture: float32 (256, 256) in luma levels.

        Args:
            ground: the picture, ready for its word.
            strength: magnitude that turned coefficients get, in levels of the orthonormal DCT.
        """
        written = np.zeros((GRID, GRID), np.float32)
        aims = []
        for cells, _, agreeing, sure in ground.parts:
            aim = strength * self.loudness[cells]
            aims.append(np.where(sure | (agreeing > -NEAR_ZERO * aim), aim, -np.inf).astype(np.float32))
        now = ground.coefficients
        for number in range(ROUNDS):
            if number:
                now = ground.coefficients + to_coefficients(written)
            missing = np.zeros(GRID * GRID, np.float32)
            for (cells, signs, _, _), aim in zip(ground.parts, aims, strict=True):
                missing[cells] = signs * np.maximum(aim - now[cells] * signs, 0)
            written += to_picture(missing) * ground.room
        return written

    def votes(self, luma: Array, cover: Array | None = None) -> Array:
        """Return the vote of each coefficient: float32 (65536,) in [-1, 1], 0 outside the band.

        `cover`: float32 (16, 16), the share of each tile that the picture holds; what is not there does not vote.
        """
        loudness = (to_coefficients(luma) * self.weights).reshape(TILES * TILES, TILE * TILE)
        share = np.ones((TILES * TILES, 1), np.float32) if cover is None else cover.reshape(-1, 1)
        audible = loudness[share[:, 0] > 0.5][:, self.weights[: TILE * TILE] > 0]
        limit = LIMIT * float(np.median(np.abs(audible))) + 1e-6 if audible.size else 1.0
        return np.asarray(np.clip(loudness / limit, -1, 1) * share**2, np.float32).ravel()

    def listen(self, votes: Array) -> Array:
        """Return the soft word: float32 (127,), sign for the bit, size for how sure.

        Each ring of radii counts by how well its part of the pilot is heard: compression takes the high ones first.
        """
        agreement = np.bincount(
            self.rings[self.pilot_cells[0]], weights=(votes[self.pilot_cells] * self.pilot_signs)[0], minlength=RINGS
        ) / np.maximum(np.bincount(self.rings[self.pilot_cells[0]], minlength=RINGS), 1)
        trust = np.maximum(agreement, 0) / (1.05 - np.minimum(agreement, 1) ** 2)
        if not trust.any():
            trust = np.ones(RINGS)
        heard = votes[self.cells] * self.signs * (trust / trust.max())[self.rings[self.cells]]
        return np.asarray(heard.mean(axis=1), np.float32)

    def pilot_agreement(self, votes: Array) -> float:
        """Return how well the pilot is heard, in standard deviations of what noise would give."""
        heard = votes[self.pilot_cells]
        loudness = float(np.sqrt((heard * heard).sum()))
        return float((heard * self.pilot_signs).sum()) / loudness if loudness > 0 else 0.0


def to_grid(luma: NDArray[np.uint8] | Array) -> Array:
    """Return a luma of any size, (H, W), on the grid: float32 (256, 256)."""
    shrinks = luma.shape[0] >= GRID and luma.shape[1] >= GRID
    if not shrinks:  # scaling up invents no detail, but whole levels would be steps
        luma = luma.astype(np.float32)
    kind = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(luma, (GRID, GRID), interpolation=kind), np.float32)


def grid_sum(lumas: Iterable[NDArray[np.uint8]]) -> Array:
    """Return the sum of lumas of one size, uint8 (H, W) each, on the grid: float32 (256, 256).

    Scaling is linear: adding first and scaling once gives the same and costs a quarter.
    """
    total: Array | None = None
    for luma in lumas:
        if total is None:
            total = luma.astype(np.float32)
        else:
            cv2.accumulate(luma, total)
    return np.zeros((GRID, GRID), np.float32) if total is None else to_grid(total)


def each_luma(frames: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Yield the BT.601 luma of each frame, uint8 (H, W, 3) RGB, in an array that the next one overwrites."""
    luma: NDArray[np.uint8] | None = None
    for frame in frames:
        luma = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY, dst=luma), np.uint8)
        yield luma


def _room(luma: Array) -> Array:
    """How much more a place bears than others, its mean square 1: the same loss of SSIM everywhere, up to BUSIEST."""
    mean = cv2.GaussianBlur(luma, (0, 0), 2.0)
    variance = np.maximum(cv2.GaussianBlur(luma * luma, (0, 0), 2.0) - mean * mean, 0)
    room = np.clip(np.sqrt((2 * variance + SSIM_C2) / SSIM_C2), 1, BUSIEST)
    room[(np.abs(mean - 127.5) > 127.5 - CUT_OFF) & (variance < 1)] = BARS
    return np.asarray(room / np.sqrt((room * room).mean()), np.float32)
