"""Marks clips with an invisible identifier that survives compression, scaling, mirroring and cropping.

The mark is a SoftBinding: it leads from pixels whose credential was stripped back to the record of their release. It is
made in a closed loop: as strong as good quality allows, then attacked (H.264 at CRF 28, and 10 % cropped); where it
does not read, as strong as the lowest acceptable quality allows; where it does not read then, it is not robust.

The loop works on two stretches of the clip; then the whole clip is marked once, each frame in two additions.
Does not hide from someone who holds the key or may ask the detector without limit, and does not survive rotation, heavy
cropping or re-generation by another model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from media.clip import Clip, Frames
from media.errors import MediaError
from media.quality import psnr_db, ssim
from provenance.base import Mark, MarkingError
from provenance.self_attack import CROPPED, recompress
from provenance.watermark_carrier import GRID, Array, Carrier, grid_luma
from provenance.watermark_code import CORRECTABLE, WatermarkCode
from provenance.watermark_detector import SpreadSpectrumDetector
from provenance.watermark_search import WHOLE, Place

ALGORITHM = "io.framegate.spread-spectrum.2"
"""Our own name, not one of the C2PA soft binding algorithm list."""

MIN_KEY_BYTES = 16


@dataclass(frozen=True)
class Quality:
    """Lowest quality of a marked clip beside the clip it was made from."""

    psnr_db: float
    ssim: float


GOOD = Quality(41.0, 0.985)
"""Where the loop begins."""

FLOOR = Quality(38.2, 0.981)
"""Where the loop gives up: 38 dB and SSIM 0.98 with a margin for frames that were not measured."""

FIRST_STRENGTH = 6.0
"""About 42 dB on a picture of medium detail; only where the search for a strength begins."""

TURNS = 5
"""Corrections while the strength of a quality is sought; the error shrinks with the square of the strength."""

SEGMENT_FRAMES = 24
"""Frames that share one pattern: about a second. Longer averages the picture's own voice out, but misses cuts."""

HOST_FRAMES = 8
"""Frames of a segment that its pattern is made for, evenly spread."""

SAMPLED_SEGMENTS = 2
MEASURED_FRAMES = 6
"""Frames whose SSIM is measured for each strength."""

RESERVE_BITS = 4
"""Correctable errors that the loop wants left over after compression, for attacks it did not try."""

Attack = Callable[[Clip], Clip]

_CUT = round(CROPPED * 2 / 3, 3)


class SpreadSpectrumWatermark:
    """A Watermark of one key.

    Args:
        key: secret, at least 16 bytes; who holds it can read, forge and remove marks.
        attack: what a mark must survive before it counts as embedded; a crop comes on top.
        floor: lowest quality at which the loop gives up.
    """

    def __init__(self, key: bytes, *, attack: Attack = recompress, floor: Quality = FLOOR) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise MarkingError(f"the watermark key has {len(key)} bytes; it needs at least {MIN_KEY_BYTES}")
        self._carrier = Carrier.for_key(key)
        self._attack = attack
        self._floor = floor

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
                lowest acceptable quality. One that reads but does not survive the attack is returned as not robust.
        """
        try:
            word = WatermarkCode().encode(id_hex)
        except ValueError as error:
            raise MarkingError(str(error)) from error
        wanted = bytes.fromhex(id_hex).hex()
        segments = [_Segment.of(part) for part in _parts(clip.frames)]
        sample = _spread(segments, SAMPLED_SEGMENTS)
        good = Quality(max(GOOD.psnr_db, self._floor.psnr_db), max(GOOD.ssim, self._floor.ssim))
        strength = self._strongest(sample, word, good)
        robust = self._survives(sample, word, strength, clip.fps, wanted)
        if not robust:
            strength = self._strongest(sample, word, self._floor)
            robust = self._survives(sample, word, strength, clip.fps, wanted)
        frames = self._marked(segments, word, strength)
        quality = psnr_db(clip.frames, frames)
        while quality < self._floor.psnr_db:  # stretches that were not sampled are darker or busier
            strength *= 10 ** ((quality - self._floor.psnr_db) / 20) * 0.99
            frames, robust = self._marked(segments, word, strength), False
            quality = psnr_db(clip.frames, frames)
        marked = Clip(frames, clip.times_s, clip.fps)
        if self._errors(marked.frames, wanted) is None:
            raise MarkingError(
                f"the mark cannot be read at {self._floor.psnr_db:g} dB from this clip of {len(clip.frames)} frames, "
                f"{clip.frames.shape[2]}x{clip.frames.shape[1]}; use a larger, longer or calmer clip"
            )
        return marked, Mark(wanted, strength, quality, robust=robust)

    def _strongest(self, sample: list[_Segment], word: Array, quality: Quality) -> float:
        """Return about the greatest strength at which the sample keeps a quality, never one at which it does not."""
        original = np.concatenate([segment.frames for segment in sample])
        measured = np.unique(np.linspace(0, len(original) - 1, MEASURED_FRAMES).round().astype(int))
        strength, kept, lost = FIRST_STRENGTH, 0.0, math.inf
        for _ in range(TURNS):
            marked = self._marked(sample, word, strength, measured)
            reached = psnr_db(original[measured], marked), ssim(original[measured], marked)
            if reached[0] >= quality.psnr_db and reached[1] >= quality.ssim:
                kept = strength
            else:
                lost = strength
            room = (1 - quality.ssim) / max(1 - reached[1], 1e-6)
            wanted = strength * min(10 ** ((reached[0] - quality.psnr_db) / 20), math.sqrt(room), 2.0) * 0.99
            if kept < wanted < lost:
                strength = wanted
            elif kept == 0:
                strength = min(wanted, strength) * 0.9
            elif math.isfinite(lost):
                strength = math.sqrt(kept * lost)
            else:
                break  # the prediction falls behind what is known to be good: there is nothing to gain
            if kept and strength < kept * 1.03:
                break
        return kept or strength

    def _survives(self, sample: list[_Segment], word: Array, strength: float, fps: float, wanted: str) -> bool:
        frames = self._marked(sample, word, strength)
        try:
            attacked = self._attack(Clip(frames, np.arange(len(frames)) / fps, fps)).frames
        except MediaError as error:
            raise MarkingError(f"the mark could not be tried: {error}") from error
        errors = self._errors(attacked, wanted)
        if errors is None or errors > CORRECTABLE - RESERVE_BITS:
            return False
        height, width = attacked.shape[1:3]
        top, left, rows, columns = (
            round(share * side)
            for share, side in ((_CUT, height), (_CUT, width), (1 - CROPPED, height), (1 - CROPPED, width))
        )
        place = Place(GRID * rows / height, GRID * columns / width, GRID * top / height, GRID * left / width)
        return self._errors(attacked[:, top : top + rows, left : left + columns], wanted, place) is not None

    def _marked(
        self, segments: list[_Segment], word: Array, strength: float, only: NDArray[np.intp] | None = None
    ) -> Frames:
        """Return the marked frames of the segments one after another, or `only` those."""
        total = sum(len(segment.frames) for segment in segments)
        chosen = np.arange(total) if only is None else only
        height, width = segments[0].frames.shape[1:3]
        marked = np.empty((len(chosen), height, width, 3), np.uint8)
        start = 0
        for segment in segments:
            inside = np.flatnonzero((chosen >= start) & (chosen < start + len(segment.frames)))
            if len(inside):
                up, down = segment.steps(self._carrier.write(segment.host, word, strength))
            for index in inside:
                # The same step in R, G and B is a step of luma alone; OpenCV saturates at 0 and 255.
                cv2.add(segment.frames[chosen[index] - start], up, dst=marked[index])
                cv2.subtract(marked[index], down, dst=marked[index])
            start += len(segment.frames)
        return marked

    def _errors(self, frames: Frames, wanted: str, place: Place = WHOLE) -> int | None:
        """Bits corrected while reading the wanted id, or None when it does not read."""
        detector = self.detector()
        detector.add(frames)
        reading = detector.read_at(place)
        return reading.corrected_bits if reading is not None and reading.id_hex == wanted else None


@dataclass(frozen=True, eq=False)
class _Segment:
    frames: Frames
    host: Array
    """Mean luma on the grid of some of its frames."""

    @classmethod
    def of(cls, frames: Frames) -> _Segment:
        chosen = np.unique(np.linspace(0, len(frames) - 1, HOST_FRAMES).round().astype(int))
        return cls(frames, np.asarray(np.mean([grid_luma(frames[index]) for index in chosen], axis=0), np.float32))

    def steps(self, pattern: Array) -> tuple[Frames, Frames]:
        """What is added to and taken from each pixel: uint8 (H, W, 3) each."""
        height, width = self.frames.shape[1:3]
        levels = np.rint(cv2.resize(pattern, (width, height), interpolation=cv2.INTER_CUBIC))[..., None]
        up, down = (np.clip(side, 0, 255).astype(np.uint8) for side in (levels, -levels))
        return np.repeat(up, 3, axis=2), np.repeat(down, 3, axis=2)


def _parts(frames: Frames) -> list[Frames]:
    return [frames[start : start + SEGMENT_FRAMES] for start in range(0, len(frames), SEGMENT_FRAMES)]


def _spread(segments: list[_Segment], count: int) -> list[_Segment]:
    if len(segments) <= count:
        return segments
    return [segments[(2 * index + 1) * len(segments) // (2 * count)] for index in range(count)]
