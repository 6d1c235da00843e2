"""Recognises a video again after re-encoding, scaling or trimming: PDQ hashes of its frames, and an index of them.

PDQ: Facebook Research, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm" (2019); the matching
rule of a clip follows vPDQ (github.com/facebook/ThreatExchange, vpdq/README.md). A crop of 10 % or a mirror changes the
hash beyond recognition: mirrors are looked up as such, crops are the watermark's task. Stores nothing on disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pdqhash  # type: ignore[import-untyped]
from numpy.typing import NDArray

HASH_BITS = 256
MATCH_DISTANCE = 31
"""Hamming distance up to which two PDQ hashes show the same picture (PDQ's published threshold)."""

MIN_QUALITY = 50
"""PDQ quality in [0, 100] below which a frame has too little texture to prove anything (vPDQ's threshold)."""

MIN_MATCHED_SHARE = 0.5
"""Share of the textured query frames that must match one key. Re-encoded and scaled copies matched on every frame and
a copy at half the frame rate on 67 %; of 11 734 frame pairs of different videos none matched (closest distance 102)."""

_MAX_SIDE = 512
_CHUNKS = 16
_CHUNK_VALUES = 1 << 16
_PROBES = np.array([0, *(1 << bit for bit in range(16))], dtype=np.uint16)
"""A chunk itself and its 16 neighbours at one bit."""

_UNSORTED_AT_LEAST = 4096
_UNSORTED_SHARE = 16
"""New hashes are compared one by one until they are this many or a 16th of all; then the tables are built anew."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The PDQ hash of one frame."""

    hash_hex: str
    """64 lower-case hex digits, the first bit highest, as ThreatExchange writes them."""

    quality: int
    """0 (flat) to 100."""

    mirrored_hex: str = ""
    """Hash of the left-right mirrored frame; empty when it was not asked for."""


@dataclass(frozen=True, slots=True)
class ClipMatch:
    """A known key that explains a query."""

    key: str
    share: float
    """Share in [0, 1] of the distinct textured query frames within MATCH_DISTANCE of the key."""

    frames: int
    """Distinct textured query frames."""

    closest: int
    """Smallest Hamming distance found."""

    mirrored: bool
    """Whether the query matches as a mirror image."""


def fingerprint(frame: NDArray[np.uint8], *, mirrored: bool = False) -> Fingerprint:
    """Hash one frame, uint8 (H, W, 3) RGB: about 5 ms; for a query also its mirror image, which doubles that.

    PDQ's own derivation of the mirror's hash costs nothing, but strays by up to 88 bits on fine textures.
    """
    scale = _MAX_SIDE / max(frame.shape[:2])
    if scale < 1:
        size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
        frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    bits, quality = pdqhash.compute(np.ascontiguousarray(frame))
    mirror = _to_hex(pdqhash.compute(np.ascontiguousarray(frame[:, ::-1]))[0]) if mirrored else ""
    return Fingerprint(_to_hex(bits), int(quality), mirror)


class FingerprintIndex:
    """Finds every stored hash within MATCH_DISTANCE of a query, exactly.

    Multi-index hashing (Norouzi et al., CVPR 2012): 256 bits in 16 chunks of 16. Two hashes at most 31 bits apart
    differ by at most one bit in at least one chunk (16 x 2 > 31), so probing each chunk's value and its 16
    neighbours misses nothing. Not safe for concurrent writing.
    """

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._key_numbers: dict[str, int] = {}
        self._hashes = np.empty((0, _CHUNKS), dtype=np.uint16)
        self._owners = np.empty(0, dtype=np.int64)
        self._recent: list[tuple[NDArray[np.uint16], NDArray[np.int64]]] = []
        """Hashes and owners not in the tables yet."""

        self._recent_count = 0
        self._starts = np.zeros((_CHUNKS, _CHUNK_VALUES + 1), dtype=np.int64)
        self._order = np.empty((_CHUNKS, 0), dtype=np.int32)

    def __len__(self) -> int:
        return len(self._hashes) + self._recent_count

    def add(self, key: str, hashes: Iterable[str]) -> None:
        """Store hashes (64 hex digits each) under a key; a key may be added to again.

        Raises:
            ValueError: a hash has not 64 hex digits; nothing was added.
        """
        parsed = [_from_hex(hash_hex) for hash_hex in hashes]
        number = self._key_numbers.setdefault(key, len(self._keys))
        if number == len(self._keys):
            self._keys.append(key)
        if parsed:
            self._recent.append((np.stack(parsed), np.full(len(parsed), number, dtype=np.int64)))
            self._recent_count += len(parsed)

    def lookup(self, hash_hex: str, distance: int = MATCH_DISTANCE) -> list[tuple[str, int]]:
        """Return (key, Hamming distance of its closest hash) for all keys within `distance`, closest first.

        Raises:
            ValueError: not 64 hex digits, or a distance outside 0 to 31, which the tables cannot answer exactly.
        """
        if not 0 <= distance <= MATCH_DISTANCE:
            raise ValueError(f"the index is exact for distances 0 to {MATCH_DISTANCE}, not {distance}")
        if self._recent_count >= max(_UNSORTED_AT_LEAST, len(self._hashes) // _UNSORTED_SHARE):
            self._sort_in()
        query = _from_hex(hash_hex)
        found = self._candidates(query)
        hashes, owners = self._hashes[found], self._owners[found]
        if self._recent:
            recent = self._merge_recent()
            hashes, owners = np.concatenate([hashes, recent[0]]), np.concatenate([owners, recent[1]])
        distances = np.bitwise_count(hashes ^ query).sum(axis=1, dtype=np.int64)
        closest: dict[str, int] = {}
        for index in np.flatnonzero(distances <= distance):
            key, here = self._keys[owners[index]], int(distances[index])
            closest[key] = min(here, closest.get(key, here))
        return sorted(closest.items(), key=lambda item: (item[1], item[0]))

    def _candidates(self, query: NDArray[np.uint16]) -> NDArray[np.int64]:
        """Rows of the tables that agree with the query in one chunk up to one bit."""
        found = []
        for chunk in range(_CHUNKS):
            for value in (query[chunk] ^ _PROBES).tolist():
                first, end = self._starts[chunk, value], self._starts[chunk, value + 1]
                if first < end:
                    found.append(self._order[chunk, first:end])
        return np.unique(np.concatenate(found)).astype(np.int64) if found else np.empty(0, dtype=np.int64)

    def _merge_recent(self) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
        if len(self._recent) > 1:
            hashes, owners = zip(*self._recent, strict=True)
            self._recent = [(np.concatenate(hashes), np.concatenate(owners))]
        return self._recent[0]

    def _sort_in(self) -> None:
        hashes, owners = self._merge_recent()
        self._hashes = np.concatenate([self._hashes, hashes])
        self._owners = np.concatenate([self._owners, owners])
        self._recent, self._recent_count = [], 0
        self._order = np.empty((_CHUNKS, len(self._hashes)), dtype=np.int32)
        for chunk in range(_CHUNKS):
            values = self._hashes[:, chunk]
            self._order[chunk] = np.argsort(values, kind="stable")
            np.cumsum(np.bincount(values, minlength=_CHUNK_VALUES), out=self._starts[chunk, 1:])


def match_clip(
    index: FingerprintIndex, fingerprints: Sequence[Fingerprint], min_share: float = MIN_MATCHED_SHARE
) -> ClipMatch | None:
    """Return the key that explains most of a query's frames, or None below `min_share` of them.

    Frames without texture and repetitions of a frame prove nothing and do not count. Frames are tried as they are
    and, where the fingerprints have them, mirrored.
    """
    textured = {one.hash_hex: one for one in fingerprints if one.quality >= MIN_QUALITY}
    best: ClipMatch | None = None
    for mirrored in (False, True):
        matched: Counter[str] = Counter()
        closest: dict[str, int] = {}
        for one in textured.values():
            query = one.mirrored_hex if mirrored else one.hash_hex
            for key, distance in index.lookup(query) if query else ():
                matched[key] += 1
                closest[key] = min(distance, closest.get(key, distance))
        for key, count in matched.items():
            share = count / len(textured)
            if share >= min_share and (best is None or (share, -closest[key]) > (best.share, -best.closest)):
                best = ClipMatch(key, share, len(textured), closest[key], mirrored)
    return best


def _to_hex(bits: NDArray[np.integer]) -> str:
    return np.packbits(bits.astype(np.uint8)).tobytes().hex()


def _from_hex(hash_hex: str) -> NDArray[np.uint16]:
    raw = bytes.fromhex(hash_hex)
    if len(raw) * 8 != HASH_BITS:
        raise ValueError(f"a PDQ hash has {HASH_BITS // 4} hex digits, not {len(hash_hex)}")
    return np.frombuffer(raw, dtype=np.uint16)
