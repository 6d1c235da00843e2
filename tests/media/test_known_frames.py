"""Known frames are found where they show, in their order, however much else is known; nothing else is."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.fingerprint import Fingerprint
from media.known_frames import ENOUGH_FRAMES, KnownFrame, KnownFrames

HASHES = st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}")


def hashes(seed: int, count: int) -> list[str]:
    return [f"{random.Random(f'{seed}/{at}').getrandbits(256):064x}" for at in range(count)]


def flipped(hash_hex: str, bits: int, seed: int = 0) -> str:
    value = int(hash_hex, 16)
    for bit in random.Random(seed).sample(range(256), bits):
        value ^= 1 << bit
    return f"{value:064x}"


def video(seed: int, seconds: int = 8) -> list[KnownFrame]:
    return [KnownFrame(each, at / 4) for at, each in enumerate(hashes(seed, 4 * seconds))]


def shown(frames: list[KnownFrame], start_s: float = 0.0, step: int = 2) -> list[tuple[float, Fingerprint]]:
    return [(start_s + at * step / 4, Fingerprint(each.hash_hex, 100)) for at, each in enumerate(frames[::step])]


def index(**items: list[KnownFrame]) -> KnownFrames:
    known = KnownFrames()
    for item, frames in items.items():
        known.add(item, frames)
    return known


def test_a_trimmed_copy_is_wholly_known_and_its_place_is_told():
    known = index(other=video(1), mine=video(2))

    (found,) = known.find(shown(hashes_of_others(4)) + shown(video(2)[8:20], start_s=2.0))

    assert (found.item, found.value) == ("mine", 1.0)
    assert (found.start_s, found.end_s) == (2.0, 4.5)
    assert not found.mirrored


def hashes_of_others(count: int) -> list[KnownFrame]:
    return [KnownFrame(each) for each in hashes(99, count)]


def test_frames_in_another_order_count_only_as_far_as_they_agree():
    straight, shuffled = shown(video(3)), shown(random.Random(1).sample(video(3), 32))
    known = index(mine=video(3))

    assert known.find(straight)[0].frames == 16
    assert known.find(shuffled)[0].frames <= 5


def test_one_frame_of_a_video_is_a_third_of_enough_and_a_picture_is_all_of_itself():
    known = index(video=video(4), picture=[KnownFrame(hashes(5, 1)[0])])
    around = shown(hashes_of_others(8))

    one = (4.0, Fingerprint(video(4)[3].hash_hex, 100))
    picture = (4.0, Fingerprint(hashes(5, 1)[0], 100))

    assert known.find([*around, one])[0].value == pytest.approx(1 / ENOUGH_FRAMES)
    assert known.find([*around, picture])[0].value == 1.0


def test_a_still_of_a_known_video_alone_is_known():
    (found,) = index(video=video(4)).find([(0.0, Fingerprint(video(4)[3].hash_hex, 100))])

    assert found.value == 1.0


def test_frames_without_texture_prove_nothing_on_either_side():
    flat = [KnownFrame(each, at / 4, quality=49) for at, each in enumerate(hashes(6, 8))]
    known = KnownFrames()

    assert known.add("flat", flat) == 0
    assert len(known) == 0
    assert known.find(shown(flat)) == []


def test_a_coarse_copy_that_lost_its_texture_is_known_and_flat_frames_beside_it_do_not_count():
    coarse = [(time_s, Fingerprint(one.hash_hex, 20)) for time_s, one in shown(video(6)[:16])]
    flat = [(8.0 + at, Fingerprint(each, 10)) for at, each in enumerate(hashes(55, 4))]

    (found,) = index(mine=video(6)).find([*coarse[:4], *flat[:2], *coarse[4:], *flat[2:]])

    assert (found.value, found.frames) == (1.0, 8)


def test_a_mirror_image_is_known_as_such():
    mirrored = [(at / 2, Fingerprint(hashes(7, 1)[0], 100, each.hash_hex)) for at, each in enumerate(video(8)[::2])]

    (found,) = index(mine=video(8)).find(mirrored)

    assert found.mirrored
    assert found.value > 0.9


def test_what_was_dropped_is_not_known_and_what_is_not_wanted_is_not_told():
    known = index(one=video(9), two=video(9))

    assert [each.item for each in known.find(shown(video(9)))] == ["one", "two"]
    assert [each.item for each in known.find(shown(video(9)), lambda item: item == "two")] == ["two"]
    known.drop("one")
    known.drop("never there")
    assert [each.item for each in known.find(shown(video(9)))] == ["two"]


def test_a_frame_that_shows_for_long_is_in_order_at_all_its_times():
    still = [KnownFrame(hashes(10, 1)[0], at / 4) for at in range(40)]
    tail = [KnownFrame(each, 10 + at / 4) for at, each in enumerate(hashes(11, 8))]

    (found,) = index(mine=[*still, *tail]).find(shown([*still[-8:], *tail]))

    assert found.value == 1.0
    assert (found.start_s, found.end_s) == (0.0, 3.5)


def test_a_broken_hash_adds_nothing_and_an_item_is_added_once():
    known = KnownFrames()

    with pytest.raises(ValueError, match="64 hex digits"):
        known.add("bad", [KnownFrame("ab"), *video(1)])
    assert len(known) == 0
    known.add("mine", video(1))
    with pytest.raises(ValueError, match="once"):
        known.add("mine", video(2))


@given(st.lists(HASHES, min_size=1, max_size=12, unique=True), st.integers(0, 31), st.integers(0, 10**6))
def test_whatever_is_known_is_found_up_to_31_bits_away(stored: list[str], bits: int, seed: int):
    known = KnownFrames()
    known.add("mine", [KnownFrame(each, float(at)) for at, each in enumerate(stored)])

    query = [(float(at), Fingerprint(flipped(each, bits, seed), 100)) for at, each in enumerate(stored)]
    (found,) = known.find(query)

    assert found.frames == len({one.hash_hex for _, one in query})
    assert found.value == 1.0
    assert found.closest <= bits
