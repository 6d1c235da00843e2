"""What is sealed opens with its key at its place, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.errors import SealBroken
from safety.sealing import seal, unseal

KEYS = st.binary(min_size=32, max_size=32)


@given(key=KEYS, data=st.binary(max_size=300), context=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_is_sealed_opens_and_is_28_bytes_longer(key: bytes, data: bytes, context: str) -> None:
    sealed = seal(key, data, context)

    assert unseal(key, sealed, context) == data
    assert len(sealed) == len(data) + 28


@given(data=st.binary(min_size=1, max_size=60), place=st.integers(min_value=0), flip=st.integers(1, 255))
def test_one_changed_byte_shuts_it(data: bytes, place: int, flip: int) -> None:
    sealed = bytearray(seal(b"k" * 32, data, "here"))
    sealed[place % len(sealed)] ^= flip

    with pytest.raises(SealBroken, match="FRAMEGATE_SUBJECT_KEY"):
        unseal(b"k" * 32, bytes(sealed), "here")


@given(key=KEYS, other=KEYS, data=st.binary(max_size=60))
def test_another_key_or_another_place_does_not_open_it(key: bytes, other: bytes, data: bytes) -> None:
    sealed = seal(key, data, "the prompt of job 1")

    if other != key:
        with pytest.raises(SealBroken):
            unseal(other, sealed, "the prompt of job 1")
    with pytest.raises(SealBroken):
        unseal(key, sealed, "the prompt of job 2")


def test_a_step_that_runs_again_seals_to_the_same_bytes_and_nothing_else_does() -> None:
    sealed = {seal(key, data, context) for key in (b"a" * 32, b"b" * 32) for data in (b"", b"x") for context in "pq"}

    assert seal(b"a" * 32, b"x", "p") in sealed
    assert len({each[:12] for each in sealed}) == 8


@pytest.mark.parametrize("sealed", [b"", b"short", b"0" * 27])
def test_what_is_too_short_to_be_sealed_is_named(sealed: bytes) -> None:
    with pytest.raises(SealBroken, match="prompt of job 7"):
        unseal(b"k" * 32, sealed, "the prompt of job 7")
