"""Marks clips with an invisible identifier that survives compression, scaling, mirroring and cropping.

The mark is a SoftBinding: it leads from pixels whose credential was stripped back to the record of their release. It is
made in a closed loop: as strong as good quality allows, then attacked (H.264 at CRF 28, and 10 % cropped); where it
does not read, as strong as the lowest acceptable quality allows; where it does not read then, it is not robust.

The loop works on a few frames (`watermark_trial`); then the whole clip is marked once, each frame in two additions.
Does not hide from someone who holds the key or may ask the detector without limit, and does not survive rotation, heavy
cropping or re-generation by another model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from media.clip import Clip, Frames
from media.quality import Quality
from provenance.base import Mark, MarkingError
from provenance.self_attack import recompress
from provenance.watermark_carrier import Carrier
from provenance.watermark_code import CORRECTABLE, WatermarkCode
from provenance.watermark_detector import SpreadSpectrumDetector
from provenance.watermark_trial import SEGMENT_FRAMES, Attack, Segment, Trial

ALGORITHM = "io.framegate.spread-spectrum.2"
"""Our own name, not one of the C2PA soft binding algorithm list."""

MIN_KEY_BYTES = 16

GOOD = Quality(41.0, 0.985)
"""Where the loop begins."""

FLOOR = Quality(38.2, 0.981)
"""Where the loop gives up: 38 dB and SSIM 0.98 with a margin for frames that were not measured."""

RESERVE_BITS = 4
"""Correctable errors that the loop wants left over after compression, for attacks it did not try."""

READ_EVERY = 6
"""Every so many-th marked frame is read back; all of them where these do not suffice."""


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

    def embed(self, clip: Clip, id_hex: str, *, overwrite: bool = False) -> tuple[Clip, Mark]:
        """Return the marked clip and how strongly it had to be marked.

        Args:
            clip: at least one frame of any size.
            id_hex: 12 hex digits.
            overwrite: mark the clip's own frames instead of a copy: half of the memory. On an error they are spoilt.

        Raises:
            MarkingError: the id is malformed, or the mark does not even read from the marked frames themselves at the
                lowest acceptable quality. One that reads but does not survive the attack is returned as not robust.
        """
        try:
            word = WatermarkCode().encode(id_hex)
        except ValueError as error:
            raise MarkingError(str(error)) from error
        wanted = bytes.fromhex(id_hex).hex()
        starts = range(0, len(clip.frames), SEGMENT_FRAMES)
        segments = [Segment.of(clip.frames[start : start + SEGMENT_FRAMES], self._carrier, word) for start in starts]
        trial = Trial(segments, self._carrier)
        good = Quality(max(GOOD.psnr_db, self._floor.psnr_db), max(GOOD.ssim, self._floor.ssim))
        for quality in (good, self._floor):
            strength = trial.strongest(quality)
            robust = trial.survives(strength, clip.fps, self._attack, wanted, CORRECTABLE - RESERVE_BITS)
            if robust:
                break
        while (short_db := self._floor.psnr_db - self._lowest_db(segments, strength)) > 0:
            strength *= 10 ** (-short_db / 20) * 0.99  # stretches that were not sampled are darker or busier
            robust = False
        frames = clip.frames if overwrite else np.empty_like(clip.frames)
        reached_db = self._mark(segments, strength, frames)
        if not any(self._reads(part, wanted) for part in (frames[::READ_EVERY], frames)):
            raise MarkingError(
                f"the mark cannot be read at {self._floor.psnr_db:g} dB from this clip of {len(frames)} frames, "
                f"{frames.shape[2]}x{frames.shape[1]}; use a larger, longer or calmer clip"
            )
        return Clip(frames, clip.times_s, clip.fps), Mark(wanted, strength, reached_db, robust=robust)

    def _lowest_db(self, segments: Sequence[Segment], strength: float) -> float:
        """Return a PSNR that the whole clip does not fall below, whatever is cut off at 0 and 255."""
        squares = pixels = 0.0
        for segment in segments:
            levels = np.rint(segment.levels(self._carrier, strength))
            squares += cv2.norm(levels, cv2.NORM_L2SQR) * len(segment.frames)
            pixels += levels.size * len(segment.frames)
        return math.inf if squares == 0 else 10 * math.log10(255.0**2 * pixels / squares)

    def _mark(self, segments: Sequence[Segment], strength: float, marked: Frames) -> float:
        """Write the marked frames of the segments, one after another, and return their PSNR in dB."""
        at, squares = 0, 0.0
        scratch = np.empty(marked.shape[1:], np.uint8)
        for segment in segments:
            levels = segment.levels(self._carrier, strength)
            # Rounded to whole levels and cut off at 0: what goes up, and what goes down.
            up, down = (
                cv2.merge([cv2.addWeighted(levels, sign, levels, 0.0, 0.0, dtype=cv2.CV_8U)] * 3)
                for sign in (1.0, -1.0)
            )
            for frame in segment.frames:
                # The same step in R, G and B is a step of luma alone; OpenCV saturates at 0 and 255.
                cv2.subtract(cv2.add(frame, up, dst=scratch), down, dst=scratch)
                squares += cv2.norm(frame, scratch, cv2.NORM_L2SQR)
                marked[at] = scratch
                at += 1
        return math.inf if squares == 0 else 10 * math.log10(255.0**2 * marked.size / squares)

    def _reads(self, frames: Frames, wanted: str) -> bool:
        detector = self.detector()
        detector.add(frames)
        reading = detector.read_at()
        return reading is not None and reading.id_hex == wanted
