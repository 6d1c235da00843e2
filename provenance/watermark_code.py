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

import numpy as np
from numpy.typing import NDArray

from provenance import bch

ID_BYTES = 6
CORRECTABLE = bch.CORRECTABLE
WORD_BITS = bch.WORD_BITS
DATA_BITS = bch.DATA_BITS
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
    """Encodes ids and decodes soft words. Has no state: safe between threads."""

    def encode(self, id_hex: str) -> NDArray[np.float32]:
        """Return float32 (127,), each +1 or -1.

        Raises:
            ValueError: not 12 hex digits.
        """
        if len(id_hex) != 2 * ID_BYTES:
            raise ValueError(f"a watermark id has {2 * ID_BYTES} hex digits, not {len(id_hex)}")
        data = bytes.fromhex(id_hex)
        bits = np.unpackbits(np.frombuffer(data + _checksum(data), np.uint8))
        return bch.encode(bits).astype(np.float32) * 2 - 1

    def decode(self, soft: NDArray[np.floating], *, tries: int = 0) -> Word | None:
        """Return the word in `soft`, float (127,): sign for the bit, size for its reliability; None without one.

        Args:
            tries: how many of the least reliable places are tried both ways; 2**tries words are decoded.
        """
        first = self.decode_first(soft[None], tries=tries)
        return None if first is None else first[1]

    def decode_first(self, softs: NDArray[np.floating], *, tries: int = 0) -> tuple[int, Word] | None:
        """Return the first row of `softs`, float (N, 127), that holds a word, and the word; None when none does."""
        hard = (softs > 0).astype(np.uint8)
        weakest = np.argsort(np.abs(softs), axis=1, kind="stable")
        # Fewest changes first: the first word that is valid is the one nearest to what was read.
        changes = [ranks for count in range(tries + 1) for ranks in itertools.combinations(range(tries), count)]
        trials = np.repeat(hard[:, None, :], len(changes), axis=1)
        rows = np.arange(len(softs))
        for number, ranks in enumerate(changes):
            for rank in ranks:
                trials[rows, number, weakest[:, rank]] ^= 1
        words, found = bch.correct(trials.reshape(-1, WORD_BITS))
        for index in np.flatnonzero(found):
            row = int(index) // len(changes)
            data = np.packbits(words[index, :DATA_BITS]).tobytes()
            if data[ID_BYTES:] == _checksum(data[:ID_BYTES]) and softs[row].any():  # silence says nothing
                return row, Word(data[:ID_BYTES].hex(), int(np.count_nonzero(words[index] != hard[row])))
        return None


def _checksum(data: bytes) -> bytes:
    return binascii.crc_hqx(data, CHECKSUM_START).to_bytes(2, "big")
