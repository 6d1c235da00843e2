"""Recognises a picture again after re-encoding or scaling: the PDQ hash of a frame.

PDQ: Facebook Research, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm" (2019). A crop of
10 % or a mirror changes the hash beyond recognition: mirrors are looked up as such, crops are the watermark's task.
Finds nothing by itself: the index and the rule for whole clips are `media.fingerprint_index`.
"""

from __future__ import annotations

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

_MAX_SIDE = 512


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The PDQ hash of one frame."""

    hash_hex: str
    """64 lower-case hex digits, the first bit highest, as ThreatExchange writes them."""

    quality: int
    """0 (flat) to 100."""

    mirrored_hex: str = ""
    """Hash of the left-right mirrored frame; empty when it was not asked for."""


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


def _to_hex(bits: NDArray[np.integer]) -> str:
    return np.packbits(bits.astype(np.uint8)).tobytes().hex()
