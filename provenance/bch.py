"""A binary BCH(127, 64) code that corrects 10 errors: 64 bits to 127, and many received words corrected at once.

Arithmetic is in GF(2^7) with the primitive polynomial x^7 + x^3 + 1; the code is the narrow-sense primitive BCH code of
designed distance 21 (Bose and Ray-Chaudhuri, 1960), decoded by Berlekamp and Massey's shortest recurrence (IEEE Trans.
Inf. Theory 15, 1969) and Chien's search for its roots. Systematic: data first. Knows nothing of pixels, ids or
checksums. Pure functions: safe between threads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WORD_BITS = 127
DATA_BITS = 64
CORRECTABLE = 10

Bits = NDArray[np.uint8]

_PRIMITIVE = 0b1000_1001
"""x^7 + x^3 + 1."""


def _powers() -> NDArray[np.int64]:
    """Powers of the primitive element, twice around: the sum of two logarithms needs no modulo."""
    powers, value = [], 1
    for _ in range(2 * WORD_BITS):
        powers.append(value)
        value <<= 1
        if value > WORD_BITS:
            value ^= _PRIMITIVE
    return np.array(powers)


_EXP = _powers()
_LOG = np.zeros(WORD_BITS + 1, np.int64)
_LOG[_EXP[:WORD_BITS]] = np.arange(WORD_BITS)

_SYNDROMES = 2 * CORRECTABLE
_DEGREES = np.arange(WORD_BITS)[::-1]
"""Power of x that each place of a word stands for: most significant first."""

_PLACE_SYNDROMES = _EXP[np.outer(_DEGREES, np.arange(1, _SYNDROMES + 1)) % WORD_BITS]
"""(127, 20): what a set bit adds to each syndrome."""


def _times(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where((a == 0) | (b == 0), 0, _EXP[_LOG[a] + _LOG[b]])


def _generator() -> NDArray[np.int64]:
    """The least polynomial with the first 20 powers as roots, of degree 63, lowest coefficient first."""
    roots = {(power << doubling) % WORD_BITS for power in range(1, _SYNDROMES + 1) for doubling in range(7)}
    polynomial = np.array([1])
    for root in sorted(roots):
        polynomial = np.append(0, polynomial) ^ np.append(_times(polynomial, _EXP[root]), 0)
    return polynomial


_GENERATOR = _generator()[::-1].astype(np.uint8)


def encode(data: Bits) -> Bits:
    """Return the code word, uint8 (127,) of 0 and 1, whose first 64 bits are `data`."""
    word = np.append(data, np.zeros(WORD_BITS - DATA_BITS, np.uint8))
    rest = word.copy()
    for place in range(DATA_BITS):
        if rest[place]:
            rest[place : place + len(_GENERATOR)] ^= _GENERATOR
    return word ^ rest


def correct(words: Bits) -> tuple[Bits, NDArray[np.bool_]]:
    """Return the nearest code words of `words`, uint8 (N, 127), and which of them are within 10 bits.

    A row that is not within 10 bits of any code word comes back as it was, marked False.
    """
    syndromes = np.bitwise_xor.reduce(np.where(words[:, :, None] != 0, _PLACE_SYNDROMES, 0), axis=1)
    locator, length = _error_locators(syndromes)
    # Chien: the roots of the locator are the inverses of the error places.
    values = np.zeros((len(words), WORD_BITS), np.int64)
    for power in range(CORRECTABLE + 1):
        values ^= _times(locator[:, power, None], _EXP[-_DEGREES * power % WORD_BITS][None, :])
    errors = values == 0
    found = (length <= CORRECTABLE) & (errors.sum(axis=1) == length)
    return words ^ (errors & found[:, None]).astype(np.uint8), found


def _error_locators(syndromes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Berlekamp-Massey for every row: (N, 21) coefficients, lowest first, and the (N,) lengths of the recurrences."""
    rows, width = len(syndromes), _SYNDROMES + 1
    current = np.zeros((rows, width), np.int64)
    current[:, 0] = 1
    previous, length, last = current.copy(), np.zeros(rows, np.int64), np.ones(rows, np.int64)
    for step in range(_SYNDROMES):
        previous = np.roll(previous, 1, axis=1)
        previous[:, 0] = 0
        terms = _times(current[:, : step + 1], syndromes[:, step::-1])
        discrepancy = np.bitwise_xor.reduce(terms, axis=1)
        scale = np.where(discrepancy == 0, 0, _EXP[(_LOG[discrepancy] - _LOG[last]) % WORD_BITS])
        updated = current ^ _times(scale[:, None], previous)
        longer = (discrepancy != 0) & (2 * length <= step)
        previous = np.where(longer[:, None], current, previous)
        last = np.where(longer, discrepancy, last)
        length = np.where(longer, step + 1 - length, length)
        current = updated
    return current, length
