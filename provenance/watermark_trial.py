"""Tries a mark on a few frames of a clip: how it looks at a strength, and whether it survives an attack.

Everything happens on brightness, where the mark is, and on two stretches of eight frames; the whole clip is marked by
`watermark`, once. Does not choose: it measures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from media.clip import Frames, Lumas
from media.errors import MediaError
from media.quality import LumaLikeness, Quality
from provenance.base import MarkingError
from provenance.self_attack import CROPPED
from provenance.watermark_carrier import GRID, Array, Carrier, Ground, each_luma, grid_sum
from provenance.watermark_detector import SpreadSpectrumDetector
from provenance.watermark_search import WHOLE, Place

SEGMENT_FRAMES = 24
"""Frames that share one pattern: about a second. Longer averages the picture's own voice out, but misses cuts."""

HOST_FRAMES = 8
"""Frames of a segment that its pattern is made for, evenly spread."""

SAMPLED_SEGMENTS = 2
ATTACKED_FRAMES = 8
"""Frames of each sampled segment that go through the attack, one after another: the codec sees real motion."""

MEASURED_FRAMES = 3
"""Frames of each sampled segment whose likeness is measured for each strength."""

STARTING_STRENGTH = 6.0
"""About 42 dB on a picture of medium detail; only where the search for a strength begins."""

TURNS = 5
"""Corrections while the strength of a quality is sought; the error shrinks with the square of the strength."""

Attack = Callable[[Lumas, float], Lumas]
"""Frames and frames a second, to what is left of the frames."""

_CUT = round(CROPPED * 2 / 3, 3)


@dataclass(frozen=True, eq=False)
class Segment:
    """Frames that share one pattern."""

    frames: Frames
    ground: Ground

    @classmethod
    def of(cls, frames: Frames, carrier: Carrier, word: Array) -> Segment:
        """Make frames ready for a word: float32 (127,), +1 or -1."""
        chosen = _spread(len(frames), HOST_FRAMES)
        luma = grid_sum(each_luma(frames[index] for index in chosen)) / len(chosen)
        return cls(frames, carrier.ground(luma.astype(np.float32), word))

    def levels(self, carrier: Carrier, strength: float) -> Array:
        """What is added to each pixel, before it is rounded to whole levels: float32 (H, W)."""
        height, width = self.frames.shape[1:3]
        pattern = carrier.write(self.ground, strength)
        return np.asarray(cv2.resize(pattern, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


class Trial:
    """The mark of one clip on a sample of it.

    Args:
        segments: all of the clip.
        carrier: of the key.
    """

    def __init__(self, segments: Sequence[Segment], carrier: Carrier) -> None:
        count = min(SAMPLED_SEGMENTS, len(segments))
        self._sample = [segments[(2 * index + 1) * len(segments) // (2 * count)] for index in range(count)]
        self._carrier = carrier
        self._known: tuple[float, Quality] | None = None
        # The frames of the attack come from the middle: the likeness is measured on all of the segment.
        self._attacked: list[list[Array]] = []
        self._likeness: list[LumaLikeness] = []
        for number, segment in enumerate(self._sample):
            start = max(0, (len(segment.frames) - ATTACKED_FRAMES) // 2)
            part = segment.frames[start : start + ATTACKED_FRAMES]
            self._attacked.append([luma.copy() for luma in each_luma(part)])  # type: ignore[misc]
            measured = [segment.frames[index] for index in _spread(len(segment.frames), MEASURED_FRAMES)]
            self._likeness.append(LumaLikeness.of(each_luma(measured), first=number * MEASURED_FRAMES))

    def strongest(self, quality: Quality) -> float:
        """Return about the greatest strength at which the sample keeps a quality, never one at which it does not."""
        strength, kept, lost = STARTING_STRENGTH, 0.0, math.inf
        if self._known is not None:
            strength = _predicted(*self._known, quality)
        for _ in range(TURNS):
            reached = self._reached(strength)
            if reached.psnr_db >= quality.psnr_db and reached.ssim >= quality.ssim:
                kept = strength
            else:
                lost = strength
            self._known = strength, reached
            wanted = _predicted(strength, reached, quality)
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

    def _reached(self, strength: float) -> Quality:
        """The sample's quality at a strength: mean square error and SSIM over all measured pixels."""
        parts = [
            likeness.changed_by(np.rint(segment.levels(self._carrier, strength)))
            for segment, likeness in zip(self._sample, self._likeness, strict=True)
        ]
        error = float(np.mean([10 ** (-part.psnr_db / 10) for part in parts]))
        return Quality(-10 * math.log10(error) if error else math.inf, float(np.mean([part.ssim for part in parts])))

    def survives(self, strength: float, fps: float, attack: Attack, wanted: str, most_errors: int) -> bool:
        """Return whether the id reads after the attack, with `most_errors` at most, and from a crop of what is left.

        Raises:
            MarkingError: the attack cannot be run.
        """
        marked = []
        for segment, lumas in zip(self._sample, self._attacked, strict=True):
            levels = segment.levels(self._carrier, strength)
            marked += [cv2.add(luma, levels, dtype=cv2.CV_8U) for luma in lumas]
        try:
            attacked = attack(np.stack(marked).astype(np.uint8), fps)
        except MediaError as error:
            raise MarkingError(f"the mark could not be tried: {error}") from error
        errors = self._errors(attacked, wanted)
        if errors is None or errors > most_errors:
            return False
        height, width = attacked.shape[1:]
        top, left, rows, columns = (
            round(share * side)
            for share, side in ((_CUT, height), (_CUT, width), (1 - CROPPED, height), (1 - CROPPED, width))
        )
        place = Place(GRID * rows / height, GRID * columns / width, GRID * top / height, GRID * left / width)
        return self._errors(attacked[:, top : top + rows, left : left + columns], wanted, place) is not None

    def _errors(self, lumas: Lumas, wanted: str, place: Place = WHOLE) -> int | None:
        """Bits corrected while reading the wanted id, or None when it does not read."""
        detector = SpreadSpectrumDetector(self._carrier)
        detector.add_lumas(lumas)
        reading = detector.read_at(place)
        return reading.corrected_bits if reading is not None and reading.id_hex == wanted else None


def _predicted(strength: float, reached: Quality, quality: Quality) -> float:
    """Where a quality is about reached: errors grow with the square of the strength. At most twice of what is known."""
    room = (1 - quality.ssim) / max(1 - reached.ssim, 1e-6)
    return strength * min(10 ** ((reached.psnr_db - quality.psnr_db) / 20), math.sqrt(room), 2.0) * 0.99


def _spread(total: int, count: int) -> list[int]:
    """Up to `count` different places among `total`, the first and the last among them."""
    return sorted({round(index * (total - 1) / max(count - 1, 1)) for index in range(count)})
