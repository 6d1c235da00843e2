"""What is sealed opens with its own key for its own person, unaltered, and says nothing without it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.errors import GalleryLocked
from safety.people import Enrolled, GalleryKey

KEY = GalleryKey(b"k" * 32)
ADA = Enrolled("per_1", ("Orla Quarnivek", "奥拉卡"), "net 1", np.arange(384, dtype=np.float32).reshape(3, 128) / 7)


def same(one: Enrolled, other: Enrolled) -> bool:
    return (one.id, one.names, one.recogniser) == (other.id, other.names, other.recogniser) and np.array_equal(
        one.descriptors, other.descriptors
    )


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), min_size=1, max_size=5),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_what_is_sealed_opens_again(names: list[str], photos: int, seed: int) -> None:
    rows = np.random.default_rng(seed).standard_normal((photos, 128)).astype(np.float32)
    person = Enrolled("per_2", tuple(names), "net", rows)

    assert same(KEY.open("per_2", KEY.seal(person)), person)


def test_what_is_sealed_shows_neither_name_nor_face() -> None:
    sealed = KEY.seal(ADA)

    assert b"Orla" not in sealed
    assert ADA.descriptors.astype("<f4").tobytes()[:64] not in sealed
    assert sealed != KEY.seal(dataclasses.replace(ADA, id="per_2"))
    assert len(sealed) > ADA.descriptors.nbytes


def test_another_key_opens_nothing_and_is_told_apart() -> None:
    other = GalleryKey(b"o" * 32)

    with pytest.raises(GalleryLocked, match=f"per_1 is sealed with the key {KEY.id}.*is the key {other.id}"):
        other.open("per_1", KEY.seal(ADA))


def test_nothing_opens_for_another_person() -> None:
    with pytest.raises(GalleryLocked, match="per_9 was altered or belongs to another"):
        KEY.open("per_9", KEY.seal(ADA))


@pytest.mark.parametrize("at", [8, 19, 20, 100, -1])
def test_no_byte_may_be_altered(at: int) -> None:
    sealed = bytearray(KEY.seal(ADA))
    sealed[at] ^= 1

    with pytest.raises(GalleryLocked, match="altered"):
        KEY.open("per_1", bytes(sealed))


@pytest.mark.parametrize("length", [0, 8, 15, 20, 30])
def test_what_was_cut_short_is_refused(length: int) -> None:
    with pytest.raises(GalleryLocked):
        KEY.open("per_1", KEY.seal(ADA)[:length])


def test_a_short_secret_is_no_key() -> None:
    with pytest.raises(GalleryLocked, match="31 bytes; it needs at least 32"):
        GalleryKey(b"k" * 31)


def test_a_person_never_prints_the_face() -> None:
    assert "0.14" not in repr(ADA)
    assert dataclasses.fields(ADA)[-1].name == "descriptors"
