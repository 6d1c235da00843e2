"""An index of PDQ hashes that misses nothing within its distance, and the rule by which a whole clip is known.

One index serves our own releases and banks of known content. It lives in memory and is filled by whoever keeps the
record; it stores nothing on disk and does not hash pictures (`media.fingerprint`).

Multi-index hashing (Norouzi, Punjani and Fleet, CVPR 2012): 256 bits in 16 chunks of 16. Two hashes at most 31 bits
apart differ by at most one bit in at least one chunk (16 x 2 > 31), so looking up each chunk's value and its 16
neighbours misses nothing. The rule for clips follows vPDQ (github.com/facebook/ThreatExchange, vpdq/README.md).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from media.fingerprint import HASH_BITS, MATCH_DISTANCE, MIN_QUALITY, Fingerprint

MIN_MATCHED_SHARE = 0.5
"""Share of the textured query frames that must match one key, or of the key's frames that the query must show.
Re-encoded and scaled copies matched on every frame and a copy at half the frame rate on 67 %; of 11 734 frame pairs of
different videos none matched (closest distance 102)."""

MIN_RUN = 8
"""Frames that must follow the key's own order before a part of a longer query counts: two seconds at 4 a second."""

_CHUNKS = 16
_WORDS = 4
_CHUNK_VALUES = 1 << 16
_PROBES = np.array([0, *(1 << bit for bit in range(16))], dtype=np.uint16)
"""A chunk itself and its 16 neighbours at one bit."""

_TABLE_AT_LEAST = 4096
"""Hashes compared one by one before tables are made of them: less than a table's lookup costs."""

_TABLE_GROWTH = 4
"""A table is merged with the one before it unless that is this many times larger: few tables, each hash copied rarely.
"""

Hashes = NDArray[np.uint64]
"""(N, 4): each row the 256 bits of one hash."""

Rows = NDArray[np.int64]


class Hit(NamedTuple):
    """A stored hash near a query."""

    key: str
    distance: int
    position: int
    """Place among the key's distinct hashes, in the order they were added, from 0."""


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

    key_share: float = 0.0
    """Share in [0, 1] of the key's own distinct frames that the query shows."""

    in_order: int = 0
    """Query frames that match the key in the key's own order: the longest such run, gaps allowed."""


class FingerprintIndex:
    """Finds every stored hash within MATCH_DISTANCE of a query, exactly. Not safe for concurrent writing."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._key_numbers: dict[str, int] = {}
        self._key_sizes: list[int] = []
        self._tables: list[_Table] = []
        self._recent: list[_Stored] = []
        self._recent_count = 0

    def __len__(self) -> int:
        return sum(len(table.stored.hashes) for table in self._tables) + self._recent_count

    def size(self, key: str) -> int:
        """Return how many hashes are stored under a key."""
        number = self._key_numbers.get(key)
        return 0 if number is None else self._key_sizes[number]

    def add(self, key: str, hashes: Iterable[str]) -> None:
        """Store hashes (64 hex digits each) under a key; a key may be added to again.

        Equal hashes of one call are stored once.

        Raises:
            ValueError: a hash has not 64 hex digits; nothing was added.
        """
        parsed = [_from_hex(hash_hex) for hash_hex in dict.fromkeys(hashes)]
        number = self._key_numbers.setdefault(key, len(self._keys))
        if number == len(self._keys):
            self._keys.append(key)
            self._key_sizes.append(0)
        if parsed:
            first = self._key_sizes[number]
            owners = np.full(len(parsed), number, dtype=np.int64)
            positions = np.arange(first, first + len(parsed), dtype=np.int64)
            self._recent.append(_Stored(np.stack(parsed), owners, positions))
            self._recent_count += len(parsed)
            self._key_sizes[number] += len(parsed)

    def hits(self, hash_hex: str, distance: int = MATCH_DISTANCE) -> list[Hit]:
        """Return every stored hash within `distance`, closest first.

        Raises:
            ValueError: not 64 hex digits, or a distance outside 0 to 31, which the tables cannot answer exactly.
        """
        if not 0 <= distance <= MATCH_DISTANCE:
            raise ValueError(f"the index is exact for distances 0 to {MATCH_DISTANCE}, not {distance}")
        query = _from_hex(hash_hex)
        self._tabulate()
        found: list[Hit] = []
        for table in self._tables:
            found += self._near(table.stored, table.candidates(query), query, distance)
        if self._recent:
            found += self._near(self._merged_recent(), None, query, distance)
        return sorted(found, key=lambda hit: (hit.distance, hit.key, hit.position))

    def lookup(self, hash_hex: str, distance: int = MATCH_DISTANCE) -> list[tuple[str, int]]:
        """Return (key, Hamming distance of its closest hash) for all keys within `distance`, closest first.

        Raises:
            ValueError: as `hits`.
        """
        closest: dict[str, int] = {}
        for hit in self.hits(hash_hex, distance):
            closest.setdefault(hit.key, hit.distance)
        return list(closest.items())

    def _near(self, stored: _Stored, rows: Rows | None, query: Hashes, distance: int) -> list[Hit]:
        hashes = stored.hashes if rows is None else stored.hashes[rows]
        distances = np.bitwise_count(hashes ^ query).sum(axis=1, dtype=np.int64)
        close = np.flatnonzero(distances <= distance)
        places = close if rows is None else rows[close]
        # A hash that agrees in several chunks was found several times.
        distinct = {int(place): int(distances[index]) for index, place in zip(close, places, strict=True)}
        return [
            Hit(self._keys[stored.owners[place]], far, int(stored.positions[place])) for place, far in distinct.items()
        ]

    def _tabulate(self) -> None:
        if self._recent_count < _TABLE_AT_LEAST:
            return
        stored = self._merged_recent()
        self._recent, self._recent_count = [], 0
        while self._tables and len(self._tables[-1].stored.hashes) < _TABLE_GROWTH * len(stored.hashes):
            stored = _joined([self._tables.pop().stored, stored])
        self._tables.append(_Table(stored))

    def _merged_recent(self) -> _Stored:
        if len(self._recent) > 1:
            self._recent = [_joined(self._recent)]
        return self._recent[0]


class _Stored(NamedTuple):
    hashes: Hashes
    owners: Rows
    positions: Rows


class _Table:
    """For each chunk, the rows sorted by its value, and where each value begins."""

    def __init__(self, stored: _Stored) -> None:
        self.stored = stored
        chunks = stored.hashes.view(np.uint16)
        count = len(chunks)
        self._order = np.empty(_CHUNKS * count, dtype=np.int32)
        self._starts = np.zeros((_CHUNKS, _CHUNK_VALUES + 1), dtype=np.int64)
        for chunk in range(_CHUNKS):
            values = np.ascontiguousarray(chunks[:, chunk])
            self._order[chunk * count : (chunk + 1) * count] = np.argsort(values, kind="stable")
            np.cumsum(np.bincount(values, minlength=_CHUNK_VALUES), out=self._starts[chunk, 1:])
        self._bases = np.arange(_CHUNKS, dtype=np.int64)[:, None] * count

    def candidates(self, query: Hashes) -> Rows:
        """Rows that agree with the query in one chunk up to one bit; some more than once."""
        probes = (query.view(np.uint16)[:, None] ^ _PROBES[None, :]).astype(np.int64)
        chunk = np.arange(_CHUNKS)[:, None]
        first, end = self._starts[chunk, probes], self._starts[chunk, probes + 1]
        lengths = (end - first).ravel()
        before = np.cumsum(lengths) - lengths
        places = np.repeat((first + self._bases).ravel() - before, lengths) + np.arange(lengths.sum())
        return np.asarray(self._order[places], dtype=np.int64)


def match_clip(
    index: FingerprintIndex, fingerprints: Sequence[Fingerprint], min_share: float = MIN_MATCHED_SHARE
) -> ClipMatch | None:
    """Return the key that explains a query best, or None; arguments and rule as `matches_of_clip`."""
    return next(iter(matches_of_clip(index, fingerprints, min_share)), None)


def matches_of_clip(
    index: FingerprintIndex, fingerprints: Sequence[Fingerprint], min_share: float = MIN_MATCHED_SHARE
) -> list[ClipMatch]:
    """Return every key that explains a query, the best first: a video may show several, one after the other.

    A key explains a query when at least `min_share` of the query's frames match it; or when the query shows at least
    `min_share` of the key, MIN_RUN frames of it in the key's own order: a clip inside a longer video. Frames without
    texture and repetitions of a frame prove nothing and do not count. Frames are tried as they are and, where the
    fingerprints have them, mirrored.

    Args:
        fingerprints: of a video's frames, in the order they are shown.
    """
    textured = list({one.hash_hex: one for one in fingerprints if one.quality >= MIN_QUALITY}.values())
    matches = [
        match
        for mirrored in (False, True)
        for match in _candidates(index, textured, mirrored=mirrored)
        if match.share >= min_share or (match.key_share >= min_share and match.in_order >= MIN_RUN)
    ]
    best: dict[str, ClipMatch] = {}
    for match in sorted(matches, key=lambda each: (-each.share, each.closest)):
        best.setdefault(match.key, match)
    return list(best.values())


def _candidates(index: FingerprintIndex, textured: Sequence[Fingerprint], *, mirrored: bool) -> list[ClipMatch]:
    hits: dict[str, list[list[Hit]]] = {}
    for one in textured:
        query = one.mirrored_hex if mirrored else one.hash_hex
        by_key: dict[str, list[Hit]] = {}
        for hit in index.hits(query) if query else ():
            by_key.setdefault(hit.key, []).append(hit)
        for key, of_key in by_key.items():
            hits.setdefault(key, []).append(of_key)
    return [
        ClipMatch(
            key=key,
            share=len(of_frames) / len(textured),
            frames=len(textured),
            closest=min(hit.distance for of_frame in of_frames for hit in of_frame),
            mirrored=mirrored,
            key_share=len({hit.position for of_frame in of_frames for hit in of_frame}) / index.size(key),
            in_order=_in_order(of_frames),
        )
        for key, of_frames in hits.items()
    ]


def _in_order(of_frames: Sequence[Sequence[Hit]]) -> int:
    """Most frames that can each choose one of their hits so that positions rise: whatever the speed and the gaps."""
    tails: list[int] = []
    for of_frame in of_frames:
        # Highest first, so that one frame lengthens a run at most once.
        for position in sorted({hit.position for hit in of_frame}, reverse=True):
            place = bisect_left(tails, position)
            tails[place : place + 1] = [position]
    return len(tails)


def _joined(parts: Sequence[_Stored]) -> _Stored:
    hashes, owners, positions = zip(*parts, strict=True)
    return _Stored(np.concatenate(hashes), np.concatenate(owners), np.concatenate(positions))


def _from_hex(hash_hex: str) -> Hashes:
    raw = bytes.fromhex(hash_hex)
    if len(raw) * 8 != HASH_BITS:
        raise ValueError(f"a PDQ hash has {HASH_BITS // 4} hex digits, not {len(hash_hex)}")
    return np.frombuffer(raw, dtype=np.uint64)
