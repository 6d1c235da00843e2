"""A video is known again after re-encoding and scaling; the index misses nothing within its distance."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from media.codec import decode, encode_mp4
from media.fingerprint import MATCH_DISTANCE, Fingerprint, fingerprint
from media.fingerprint_index import MIN_RUN, FingerprintIndex, match_clip, matches_of_clip

PICTURES = {name: cv2.resize(getattr(data, name)(), (640, 360)) for name in ("astronaut", "coffee", "chelsea")}


def shots(name: str, count: int = 8) -> list[np.ndarray]:
    """A slow zoom into a photograph."""
    picture = PICTURES[name]
    return [
        cv2.resize(picture[4 * i : 360 - 4 * i, 7 * i : 640 - 7 * i], (640, 360), interpolation=cv2.INTER_AREA)
        for i in range(count)
    ]


def flip_bits(hash_hex: str, positions: list[int]) -> str:
    number = int(hash_hex, 16)
    for position in positions:
        number ^= 1 << position
    return f"{number:064x}"


def distance(left: str, right: str) -> int:
    return (int(left, 16) ^ int(right, 16)).bit_count()


@pytest.fixture(scope="module")
def known() -> FingerprintIndex:
    index = FingerprintIndex()
    for name in PICTURES:
        index.add(name, [fingerprint(shot).hash_hex for shot in shots(name)])
    return index


@pytest.mark.parametrize("crf", [28, 35])
def test_a_reencoded_smaller_copy_is_known_again(tmp_path: Path, known: FingerprintIndex, crf: int) -> None:
    small = [cv2.resize(shot, (320, 180), interpolation=cv2.INTER_AREA) for shot in shots("chelsea")]
    encode_mp4(small, tmp_path / "copy.mp4", fps=4, crf=crf)

    match = match_clip(known, [fingerprint(frame) for _, frame in decode(tmp_path / "copy.mp4")])

    assert match is not None
    assert (match.key, match.share, match.mirrored) == ("chelsea", 1.0, False)


def test_a_mirrored_copy_is_known_when_mirrors_are_hashed(known: FingerprintIndex) -> None:
    flipped = [np.ascontiguousarray(shot[:, ::-1]) for shot in shots("astronaut")]

    match = match_clip(known, [fingerprint(frame, mirrored=True) for frame in flipped])

    assert match is not None
    assert (match.key, match.mirrored) == ("astronaut", True)
    assert match_clip(known, [fingerprint(frame) for frame in flipped]) is None


def test_a_part_of_a_known_clip_is_known(known: FingerprintIndex) -> None:
    assert match_clip(known, [fingerprint(shot) for shot in shots("coffee")[3:5]]).key == "coffee"


def test_another_picture_is_not_known(known: FingerprintIndex) -> None:
    assert match_clip(known, [fingerprint(cv2.resize(data.rocket(), (640, 360)))]) is None


def test_half_of_the_frames_must_match(known: FingerprintIndex) -> None:
    strange = [Fingerprint(f"{number:064x}", 100) for number in range(1, 7)]
    ours = [fingerprint(shot) for shot in shots("coffee", 6)]

    assert match_clip(known, ours + strange).share == 0.5
    assert match_clip(known, ours[:5] + strange) is None


def test_frames_without_texture_neither_match_nor_count(known: FingerprintIndex) -> None:
    ours = [fingerprint(shot) for shot in shots("coffee", 2)]
    flat = [Fingerprint(one.hash_hex, 49) for one in ours]

    assert match_clip(known, flat) is None
    assert match_clip(known, flat + ours).frames == 2
    assert match_clip(known, []) is None


def test_a_standing_picture_counts_once(known: FingerprintIndex) -> None:
    strange = [Fingerprint(f"{number:064x}", 100) for number in range(1, 4)]
    standing = [fingerprint(shots("coffee", 1)[0])] * 30

    assert match_clip(known, standing + strange) is None


def noise(count: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [rng.bytes(32).hex() for _ in range(count)]


def frames(hashes: list[str]) -> list[Fingerprint]:
    return [Fingerprint(one, 100) for one in hashes]


def test_a_whole_release_inside_a_long_video_is_known() -> None:
    index = FingerprintIndex()
    index.add("ours", noise(12, 1))
    before, after = noise(60, 2), noise(60, 3)

    match = match_clip(index, frames(before + noise(12, 1) + after))

    assert match is not None
    assert (match.key, match.share, match.key_share, match.in_order) == ("ours", 12 / 132, 1.0, 12)


def test_every_release_that_a_video_shows_is_named_the_best_first_and_each_once() -> None:
    index = FingerprintIndex()
    index.add("short", noise(40, 1))
    index.add("long", noise(80, 2))
    index.add("other", noise(80, 3))

    found = matches_of_clip(index, frames(noise(80, 2) + noise(40, 1)))
    symmetric = [Fingerprint(one, 100, one) for one in noise(40, 1)]

    assert [(each.key, each.key_share) for each in found] == [("long", 1.0), ("short", 1.0)]
    assert [each.key for each in matches_of_clip(index, symmetric)] == ["short"]
    assert matches_of_clip(index, []) == []


def test_a_few_frames_of_a_release_inside_a_long_video_are_not_enough() -> None:
    index = FingerprintIndex()
    index.add("short", noise(MIN_RUN - 1, 1))
    index.add("long", noise(3 * MIN_RUN, 4))
    strange = noise(60, 2)

    assert match_clip(index, frames(strange + noise(MIN_RUN - 1, 1))) is None
    assert match_clip(index, frames(strange + noise(3 * MIN_RUN, 4)[:MIN_RUN])) is None


def test_shuffled_frames_inside_a_long_video_prove_no_clip() -> None:
    index = FingerprintIndex()
    index.add("ours", noise(12, 1))

    assert match_clip(index, frames(noise(60, 2) + noise(12, 1)[::-1])) is None


@pytest.mark.parametrize("step", [1, 2])
def test_speed_does_not_change_the_order(step: int) -> None:
    index = FingerprintIndex()
    index.add("ours", noise(40, 1))

    assert match_clip(index, frames(noise(40, 1)[::step])).in_order == 40 // step


def test_equal_hashes_of_a_standing_picture_are_stored_once() -> None:
    index = FingerprintIndex()
    index.add("still", noise(1, 1) * 500)

    assert len(index) == index.size("still") == 1
    assert index.size("other") == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 40), st.sampled_from([0, 3000, 6000]))
def test_lookup_equals_brute_force(seed: int, flips: int, count: int) -> None:
    """Before and after the tables are built, at, below and above the limit of 31 bits."""
    rng = np.random.default_rng(seed)
    stored = [rng.bytes(32).hex() for _ in range(count + 3)]
    index = FingerprintIndex()
    index.add("some", stored[: count // 2])
    index.add("rest", stored[count // 2 :])
    query = flip_bits(stored[int(rng.integers(len(stored)))], [int(p) for p in rng.choice(256, flips, replace=False)])

    expected: dict[str, int] = {}
    for number, hash_hex in enumerate(stored):
        key = "some" if number < count // 2 else "rest"
        if (here := distance(query, hash_hex)) <= MATCH_DISTANCE:
            expected[key] = min(here, expected.get(key, here))

    assert dict(index.lookup(query)) == expected
    assert len(index) == len(stored)


def test_thirty_one_bits_spread_over_all_chunks_are_found() -> None:
    """The worst case of the tables: two bits in fifteen chunks and one in the last."""
    index = FingerprintIndex()
    rng = np.random.default_rng(3)
    index.add("noise", [rng.bytes(32).hex() for _ in range(5000)])
    target = rng.bytes(32).hex()
    index.add("target", [target])
    index.lookup(target)
    index.add("more", [rng.bytes(32).hex() for _ in range(5000)])
    positions = [16 * chunk + bit for chunk in range(16) for bit in (3, 9)][:31]

    assert index.lookup(flip_bits(target, positions)) == [("target", 31)]
    assert index.lookup(flip_bits(target, [*positions, 255 - 6])) == []


def test_hits_say_where_in_the_key_they_are() -> None:
    """Also after tables were made and merged."""
    index = FingerprintIndex()
    ours = noise(3, 1)
    index.add("ours", ours[:2])
    index.add("ours", ours[2:])
    for part in range(6):
        index.add(f"other {part}", noise(4100, 10 + part))
        assert [(hit.key, hit.distance, hit.position) for hit in index.hits(ours[2])] == [("ours", 0, 2)]
    assert len(index) == 3 + 6 * 4100


def test_the_closest_key_comes_first() -> None:
    index = FingerprintIndex()
    index.add("far", [flip_bits("0" * 64, [1, 2, 3])])
    index.add("near", [flip_bits("0" * 64, [1]), "f" * 64])

    assert index.lookup("0" * 64) == [("near", 1), ("far", 3)]
    assert index.lookup("0" * 64, distance=2) == [("near", 1)]


def test_a_malformed_hash_or_distance_is_refused() -> None:
    index = FingerprintIndex()

    with pytest.raises(ValueError, match="hex"):
        index.add("a", ["00"])
    with pytest.raises(ValueError, match="31"):
        index.lookup("0" * 64, distance=32)
    assert len(index) == 0
