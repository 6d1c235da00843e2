"""The words of the watermark: laws of the code, not of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.watermark_code import CORRECTABLE, FALSE_ACCEPT_PER_WORD, WORD_BITS, WatermarkCode

CODE = WatermarkCode()
ids = st.binary(min_size=6, max_size=6).map(bytes.hex)
places = st.lists(st.integers(0, WORD_BITS - 1), unique=True, max_size=CORRECTABLE)


@given(ids, places)
def test_every_id_survives_up_to_ten_wrong_bits(id_hex: str, wrong: list[int]) -> None:
    soft = CODE.encode(id_hex).copy()
    soft[wrong] *= -1
    word = CODE.decode(soft)

    assert word is not None
    assert (word.id_hex, word.corrected_bits) == (id_hex, len(wrong))


@given(ids, st.lists(st.integers(0, WORD_BITS - 1), unique=True, min_size=14, max_size=14))
def test_four_more_wrong_bits_are_found_where_they_are_unsure(id_hex: str, wrong: list[int]) -> None:
    soft = CODE.encode(id_hex).copy()
    soft[wrong] *= -1
    soft[wrong[:4]] *= 0.1
    word = CODE.decode(soft, tries=4)

    assert word is not None
    assert (word.id_hex, word.corrected_bits) == (id_hex, 14)


@given(ids, ids)
def test_two_ids_have_two_words(first: str, second: str) -> None:
    distance = int(np.count_nonzero(CODE.encode(first) != CODE.encode(second)))

    assert distance == 0 if first == second else distance > 2 * CORRECTABLE


def test_silence_and_the_zero_word_are_no_id() -> None:
    assert CODE.decode(np.zeros(WORD_BITS, np.float32)) is None
    assert CODE.decode(-np.ones(WORD_BITS, np.float32)) is None
    assert CODE.decode(np.ones(WORD_BITS, np.float32)) is None


def test_of_many_words_the_first_valid_one_is_found() -> None:
    softs = np.random.default_rng(1).normal(size=(5, WORD_BITS))
    softs[3] = CODE.encode("00112233aabb")
    found = CODE.decode_first(softs, tries=2)

    assert found is not None
    assert (found[0], found[1].id_hex) == (3, "00112233aabb")


def test_noise_is_accepted_no_more_often_than_computed() -> None:
    random = np.random.default_rng(7)

    assert FALSE_ACCEPT_PER_WORD < 4e-10
    assert all(CODE.decode_first(random.normal(size=(1000, WORD_BITS))) is None for _ in range(5))


@pytest.mark.parametrize("wrong", ["", "123", "123456789abcde", "zzzzzzzzzzzz"])
def test_a_malformed_id_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"12 hex digits|hexadecimal"):
        CODE.encode(wrong)
