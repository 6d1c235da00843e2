"""The words the watermark can say: a 48-bit id, a checksum and a BCH code, as 127 signs.

Knows nothing of pixels. A received word is decoded softly: besides the hard decision, the words that differ in its
least reliable places are tried (Chase, "A class of algorithms for decoding block codes with channel measurement
information", IEEE Trans. Inf. Theory 18, 1972, algorithm 2).

How often noise passes: a random word of 127 bits lies within 10 errors of one of the 2^64 code words with probability
2.5e-5, and its 16-bit checksum then agrees with probability 2^-16, so 3.8e-10 for each word tried.
"""

from __future__ import annotations

import binascii
import itertools
from dataclasses import dataclass
from math import comb

import bchlib  # type: ignore[import-not-found]
import numpy as np
from numpy.typing import NDArray

ID_BYTES = 6
CORRECTABLE = 10
"""Errors that BCH(127, 64) corrects."""

WORD_BITS = 127
DATA_BITS = 64
"""48 of the id, 16 of the checksum."""

CHECKSUM_START = 0xFFFF
"""Not 0: the code is linear, so with 0 the word of a black picture, all zeros, would be a valid id."""

FALSE_ACCEPT_PER_WORD = (
    sum(comb(WORD_BITS, errors) for errors in range(CORRECTABLE + 1)) / 2 ** (WORD_BITS - DATA_BITS) / 2**16
)
"""3.8e-10: probability that a random word decodes to some id."""


@dataclass(frozen=True)
class Word:
    """A decoded word."""

    id_hex: str
    corrected_bits: int
    """Places in which the hard decision differed from the code word."""


class WatermarkCode:
    """Encodes ids and decodes soft words. Not shared between threads: the BCH state is mutable."""

    def __init__(self) -> None:
        self._bch = bchlib.BCH(t=CORRECTABLE, m=7)

    def encode(self, id_hex: str) -> NDArray[np.float32]:
        """Return float32 (127,), each +1 or -1.

        Raises:
            ValueError: not 12 hex digits.
        """
        if len(id_hex) != 2 * ID_BYTES:
            raise ValueError(f"a watermark id has {2 * ID_BYTES} hex digits, not {len(id_hex)}")
        data = bytes.fromhex(id_hex)
        data += _checksum(data)
        bits = np.unpackbits(np.frombuffer(data + bytes(self._bch.encode(data)), np.uint8))[:WORD_BITS]
        return bits.astype(np.float32) * 2 - 1

    def decode(self, soft: NDArray[np.floating], *, tries: int = 0) -> Word | None:
        """Return the word in `soft`, float (127,): sign for the bit, size for its reliability; None without one.

        Args:
            tries: how many of the least reliable places are tried both ways; 2**tries words are decoded.
        """
        if not np.any(soft):
            return None
        hard = (soft > 0).astype(np.uint8)
        weakest = np.argsort(np.abs(soft), kind="stable")[:tries]
        for count in range(tries + 1):
            for places in itertools.combinations(weakest.tolist(), count):
                trial = hard.copy()
                trial[list(places)] ^= 1
                data = self._corrected(trial)
                if data is not None:
                    id_hex = data.hex()
                    return Word(id_hex, int(np.count_nonzero((self.encode(id_hex) > 0) != (hard > 0))))
        return None

    def _corrected(self, bits: NDArray[np.uint8]) -> bytes | None:
        packed = np.packbits(np.append(bits, np.uint8(0))).tobytes()
        data, check = bytearray(packed[:8]), bytearray(packed[8:] + b"\0")
        if self._bch.decode(data, check) < 0:
            return None
        self._bch.correct(data, check)
        found = bytes(data[:ID_BYTES])
        return found if bytes(data[ID_BYTES:]) == _checksum(found) else None


def _checksum(data: bytes) -> bytes:
    return binascii.crc_hqx(data, CHECKSUM_START).to_bytes(2, "big")
