"""The code corrects what its distance promises, refuses the rest, and accepts noise as rarely as counting says."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.bch import CORRECTABLE, DATA_BITS, WORD_BITS, correct, encode

data_bits = st.lists(st.integers(0, 1), min_size=DATA_BITS, max_size=DATA_BITS).map(
    lambda bits: np.array(bits, np.uint8)
)
places = st.lists(st.integers(0, WORD_BITS - 1), max_size=CORRECTABLE, unique=True)


@settings(max_examples=60, deadline=None)
@given(data_bits, places)
def test_any_ten_errors_are_corrected(data: np.ndarray, errors: list[int]) -> None:
    word = encode(data)
    received = word.copy()
    received[errors] ^= 1

    corrected, found = correct(received[None])

    assert found.tolist() == [True]
    assert corrected[0].tolist() == word.tolist()
    assert word[:DATA_BITS].tolist() == data.tolist()


@settings(max_examples=60, deadline=None)
@given(data_bits, data_bits)
def test_the_code_is_linear_and_its_words_are_far_apart(one: np.ndarray, other: np.ndarray) -> None:
    together = encode(one) ^ encode(other)

    assert together.tolist() == encode(one ^ other).tolist()
    assert not together.any() or together.sum() >= 2 * CORRECTABLE + 1


def test_a_row_says_nothing_about_its_neighbours() -> None:
    """Rows are corrected together; one that is beyond repair comes back as it was."""
    random = np.random.default_rng(0)
    words = np.stack([encode(row) for row in random.integers(0, 2, (40, DATA_BITS)).astype(np.uint8)])
    received = words.copy()
    for index, row in enumerate(received):
        row[random.choice(WORD_BITS, 3 if index % 2 else 13, replace=False)] ^= 1

    corrected, found = correct(received)

    assert found.tolist() == [bool(index % 2) for index in range(40)]
    assert (corrected[found] == words[found]).all()
    assert (corrected[~found] == received[~found]).all()


@pytest.mark.slow
def test_noise_is_accepted_as_rarely_as_counting_says() -> None:
    """200,000 random words against the share of words within 10 bits of a code word: 2.5e-5, about 5 expected."""
    expected = (
        200_000 * sum(comb(WORD_BITS, errors) for errors in range(CORRECTABLE + 1)) / 2 ** (WORD_BITS - DATA_BITS)
    )
    random = np.random.default_rng(1)

    accepted = sum(int(correct(random.integers(0, 2, (1000, WORD_BITS)).astype(np.uint8))[1].sum()) for _ in range(200))

    assert 0 < accepted < 4 * expected
