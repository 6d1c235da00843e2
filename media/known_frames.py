"""Finds where a clip shows known pictures or known stretches of video: frames that match, in the known order.

The rule is vPDQ's (github.com/facebook/ThreatExchange, vpdq/README.md: distance, quality, share of frames), with one
demand more: frames of a known video have to follow each other as they do there. Knows ids and hashes; what they stand
for, and for how long, is somebody else's matter. In memory only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from media.fingerprint import MIN_QUALITY, Fingerprint
from media.fingerprint_index import FingerprintIndex

OFFSET_TOLERANCE_S = 0.6
"""Seconds by which the shift between clip and known video may vary within one window: sampling grids of 4 and 2 frames
a second, and 4 % of speed over eight seconds."""

ENOUGH_FRAMES = 3
"""Matching frames in order from which the number of them weighs no more. One of a longer video is a third of that."""


@dataclass(frozen=True, slots=True)
class KnownFrame:
    """One frame of a known picture or video."""

    hash_hex: str
    time_s: float | None = None
    """Seconds from the start of the known video; None: a picture, or frames of which nobody knows when."""

    quality: int = 100
    """PDQ quality in [0, 100]; 100 where an exchange file does not say."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a clip shows a known item."""

    item: str
    value: float
    """In [0, 1]: share of the textured frames of the segment that match, times how many of the frames needed to be
    sure there were."""

    start_s: float
    end_s: float
    frames: int
    """Distinct matching frames, in order."""

    closest: int
    """Smallest Hamming distance among them."""

    mirrored: bool


@dataclass(frozen=True, slots=True)
class _Hit:
    at: int
    """Number of the frame of the query."""

    offset_s: float
    """Time in the query minus time in the known video; 0 for a picture."""

    distance: int


class KnownFrames:
    """Known items by their frames. Not safe for concurrent writing."""

    def __init__(self) -> None:
        self._index = FingerprintIndex()
        self._counts: dict[str, int] = {}
        """Distinct textured frames of each item that is looked for."""

        self._times_s: dict[str, list[list[float]]] = {}
        """Of each item with times: by the position of a distinct hash, when it shows."""

    def __len__(self) -> int:
        """Items that are looked for."""
        return len(self._counts)

    def add(self, item: str, frames: Iterable[KnownFrame]) -> int:
        """Look for an item from now on; return how many of its frames have texture enough (quality >= 50) to be known.

        An item is added once, whole.

        Raises:
            ValueError: a hash has not 64 hex digits, or the item was added before; nothing was added.
        """
        if self._index.size(item):
            raise ValueError(f"{item} was added before: an item is added once")
        when: dict[str, list[float]] = {}
        timed = False
        for frame in frames:
            if frame.quality >= MIN_QUALITY:
                times_s = when.setdefault(frame.hash_hex, [])
                if frame.time_s is not None:
                    times_s.append(frame.time_s)
                    timed = True
        if when:
            self._index.add(item, when)
            self._counts[item] = len(when)
            if timed:
                self._times_s[item] = list(when.values())
        return len(when)

    def drop(self, item: str) -> None:
        """Look for an item no more. Its hashes stay in the index of this process; unknown items are ignored."""
        self._counts.pop(item, None)
        self._times_s.pop(item, None)

    def find(
        self, prints: Sequence[tuple[float, Fingerprint]], wanted: Callable[[str], bool] | None = None
    ) -> list[Sighting]:
        """Return where known items show in (seconds, fingerprint) of frames in order, highest value first.

        `wanted`: only items for which it holds. Frames are tried as they are and, where the fingerprints have them,
        mirrored. Known frames have texture, so a frame that is close to one counts however little of it a coarse copy
        kept; frames without texture that match nothing prove nothing either way.
        """
        times_s = [time_s for time_s, _ in prints]
        found: dict[str, Sighting] = {}
        for mirrored in (False, True):
            hashes = [one.mirrored_hex if mirrored else one.hash_hex for _, one in prints]
            for item, hits in self._hits(times_s, hashes).items():
                if wanted is None or wanted(item):
                    sighting = self._sighting(item, prints, hits, mirrored=mirrored)
                    if item not in found or sighting.value > found[item].value:
                        found[item] = sighting
        return sorted(found.values(), key=lambda each: (-each.value, each.start_s, each.item))

    def _hits(self, times_s: Sequence[float], hashes: Sequence[str]) -> dict[str, list[_Hit]]:
        hits: dict[str, list[_Hit]] = {}
        for at, (time_s, hash_hex) in enumerate(zip(times_s, hashes, strict=True)):
            for hit in self._index.hits(hash_hex) if hash_hex else ():
                if hit.key in self._counts:
                    when = self._times_s.get(hit.key)
                    for known_s in when[hit.position] if when else (time_s,):
                        hits.setdefault(hit.key, []).append(_Hit(at, time_s - known_s, hit.distance))
        return hits

    def _sighting(
        self, item: str, prints: Sequence[tuple[float, Fingerprint]], hits: Sequence[_Hit], *, mirrored: bool
    ) -> Sighting:
        aligned = _aligned(hits)
        first, last = min(hit.at for hit in aligned), max(hit.at for hit in aligned)
        matching = {prints[hit.at][1].hash_hex for hit in aligned}
        there = matching | _textured(prints[first : last + 1])
        enough = min(ENOUGH_FRAMES, self._counts[item], len(matching | _textured(prints)))
        return Sighting(
            item=item,
            value=len(matching) / len(there) * min(1.0, len(matching) / enough),
            start_s=prints[first][0],
            end_s=prints[last][0],
            frames=len(matching),
            closest=min(hit.distance for hit in aligned),
            mirrored=mirrored,
        )


def _textured(prints: Sequence[tuple[float, Fingerprint]]) -> set[str]:
    return {one.hash_hex for _, one in prints if one.quality >= MIN_QUALITY}


def _aligned(hits: Sequence[_Hit]) -> list[_Hit]:
    """Return the hits of the shift in time that most frames of the query agree on."""
    ordered = sorted(hits, key=lambda hit: hit.offset_s)
    best: list[_Hit] = []
    most = start = 0
    inside: dict[int, int] = {}
    for end, hit in enumerate(ordered):
        inside[hit.at] = inside.get(hit.at, 0) + 1
        while hit.offset_s - ordered[start].offset_s > OFFSET_TOLERANCE_S:
            left = ordered[start].at
            inside[left] -= 1
            if not inside[left]:
                del inside[left]
            start += 1
        if len(inside) > most:
            most, best = len(inside), ordered[start : end + 1]
    return best
