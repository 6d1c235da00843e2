"""Marks clips with an invisible identifier that survives compression, scaling and moderate cropping.

The mark is a SoftBinding: it leads from pixels whose credential was stripped back to the record of their release. It is
made in a closed loop: embed, attack the copy (half size, H.264 at CRF 28), read; raise the strength until it reads, or
until the lowest acceptable quality is reached: then the mark is said to be not robust.

Does not hide from someone who holds the key or may ask the detector without limit, and does not survive rotation, heavy
cropping or re-generation by another model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from media.clip import Clip, Frames
from media.errors import MediaError
from provenance.base import Mark, MarkingError
from provenance.self_attack import halve_and_compress
from provenance.watermark_carrier import Array, Carrier, grid_luma
from provenance.watermark_code import CORRECTABLE, WatermarkCode
from provenance.watermark_detector import SpreadSpectrumDetector

ALGORITHM = "io.framegate.spread-spectrum.1"
"""Our own name, not one of the C2PA soft binding algorithm list."""

MIN_KEY_BYTES = 16
FLOOR_PSNR_DB = 38.0
"""Below this the mark begins to be seen."""

FIRST_STRENGTH = 5.0
"""About 44 dB on a smooth picture."""

STEP = 1.25
SEGMENT_FRAMES = 24
"""Frames that share one pattern: about a second. Longer averages the picture's own voice out, but misses cuts."""

RESERVE_BITS = 4
"""Above the floor the loop wants this many correctable errors left over, for attacks it did not try."""

Attack = Callable[[Clip], Clip]


class SpreadSpectrumWatermark:
    """A Watermark of one key.

    Args:
        key: secret, at least 16 bytes; who holds it can read, forge and remove marks.
        attack: what a mark must survive before it counts as embedded.
        floor_psnr_db: lowest quality at which the loop gives up.
    """

    def __init__(
        self, key: bytes, *, attack: Attack = halve_and_compress, floor_psnr_db: float = FLOOR_PSNR_DB
    ) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise MarkingError(f"the watermark key has {len(key)} bytes; it needs at least {MIN_KEY_BYTES}")
        self._carrier = Carrier.for_key(key)
        self._attack = attack
        self._floor_psnr_db = floor_psnr_db

    @property
    def algorithm(self) -> str:
        """Return the soft binding's algorithm name."""
        return ALGORITHM

    def detector(self) -> SpreadSpectrumDetector:
        """Return a fresh accumulator for one video."""
        return SpreadSpectrumDetector(self._carrier)

    def embed(self, clip: Clip, id_hex: str) -> tuple[Clip, Mark]:
        """Return the marked clip and how strongly it had to be marked.

        Args:
            clip: at least one frame of any size.
            id_hex: 12 hex digits.

        Raises:
            MarkingError: the id is malformed, or the mark does not even read from the marked frames themselves at the
                lowest acceptable PSNR. One that reads but does not survive the attack is returned as not robust.
        """
        try:
            word = WatermarkCode().encode(id_hex)
        except ValueError as error:
            raise MarkingError(str(error)) from error
        wanted = bytes.fromhex(id_hex).hex()
        hosts = _segment_means(clip.frames)
        strength, last = FIRST_STRENGTH, False
        strongest: tuple[Clip, Mark] | None = None
        while True:
            frames = self._marked(clip.frames, hosts, word, strength)
            quality = psnr_db(clip.frames, frames)
            if quality < self._floor_psnr_db:
                break
            marked = replace(clip, frames=frames)
            strongest = marked, Mark(wanted, strength, quality, robust=False)
            errors = self._errors(self._attacked(marked), wanted)
            if errors is not None and (last or errors <= CORRECTABLE - RESERVE_BITS):
                return marked, Mark(wanted, strength, quality, robust=True)
            if last:
                break
            # Error grows with the square of the strength at most, so this lands on the floor or above it.
            to_floor = 10 ** ((quality - self._floor_psnr_db) / 20) * 0.99
            last = to_floor <= STEP
            strength *= min(STEP, to_floor)
        if strongest is None or self._errors(strongest[0], wanted) is None:
            raise MarkingError(
                f"the mark cannot be read at {self._floor_psnr_db:g} dB from this clip of {len(clip.frames)} frames, "
                f"{clip.frames.shape[2]}x{clip.frames.shape[1]}; use a larger, longer or calmer clip"
            )
        return strongest

    def _marked(self, frames: Frames, hosts: list[Array], word: Array, strength: float) -> Frames:
        height, width = frames.shape[1:3]
        marked = np.empty_like(frames)
        for number, host in enumerate(hosts):
            added = cv2.resize(
                self._carrier.write(host, word, strength), (width, height), interpolation=cv2.INTER_CUBIC
            )
            levels = np.repeat(np.rint(added)[..., None], 3, axis=2)
            up = np.clip(levels, 0, 255).astype(np.uint8)
            down = np.clip(-levels, 0, 255).astype(np.uint8)
            start = number * SEGMENT_FRAMES
            for index in range(start, min(start + SEGMENT_FRAMES, len(frames))):
                # The same step in R, G and B is a step of luma alone; OpenCV saturates at 0 and 255.
                cv2.subtract(cv2.add(frames[index], up), down, dst=marked[index])
        return marked

    def _attacked(self, marked: Clip) -> Clip:
        try:
            return self._attack(marked)
        except MediaError as error:
            raise MarkingError(f"the mark could not be tried: {error}") from error

    def _errors(self, clip: Clip, wanted: str) -> int | None:
        """Bits corrected while reading the wanted id, or None when it does not read."""
        detector = self.detector()
        detector.add(clip.frames)
        reading = detector.read_whole()
        return reading.corrected_bits if reading is not None and reading.id_hex == wanted else None


def psnr_db(original: Frames, changed: Frames) -> float:
    """Return the peak signal-to-noise ratio of all samples of a clip in dB; infinite when nothing changed."""
    squares = sum(float(cv2.norm(a, b, cv2.NORM_L2SQR)) for a, b in zip(original, changed, strict=True))
    return math.inf if squares == 0 else 10 * math.log10(255.0**2 * original.size / squares)


def _segment_means(frames: Frames) -> list[Array]:
    means = []
    for start in range(0, len(frames), SEGMENT_FRAMES):
        segment = frames[start : start + SEGMENT_FRAMES]
        total = np.zeros_like(grid_luma(segment[0]))
        for frame in segment:
            total += grid_luma(frame)
        means.append(total / np.float32(len(segment)))
    return means
