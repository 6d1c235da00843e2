"""How far a clip is from another of the same pictures: PSNR and SSIM. Knows no mark and no codec."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from media.clip import Frames

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""Constants of SSIM: Wang, Bovik, Sheikh and Simoncelli, IEEE Trans. Image Processing 13 (2004)."""

_WINDOW, _SIGMA = (11, 11), 1.5


_ROWS = 12
_EVERY = 6
"""`LumaLikeness` looks at every sixth of twelve bands of a frame, at other ones in the next: each place is looked at in
one of six frames."""


@dataclass(frozen=True)
class Quality:
    """How near a changed clip is to the clip it was made from."""

    psnr_db: float
    ssim: float


def psnr_db(original: Frames, changed: Frames) -> float:
    """Return the peak signal-to-noise ratio of all samples of a clip in dB; infinite when nothing changed."""
    squares = sum(float(cv2.norm(a, b, cv2.NORM_L2SQR)) for a, b in zip(original, changed, strict=True))
    return math.inf if squares == 0 else 10 * math.log10(255.0**2 * original.size / squares)


def ssim(original: Frames, changed: Frames) -> float:
    """Return the structural similarity of the lumas of two clips, the mean over their frames, at most 1."""
    return float(np.mean([_ssim(_luma(a), _luma(b)) for a, b in zip(original, changed, strict=True)]))


class LumaLikeness:
    """A few pictures, looked at in bands, and what changes of their brightness do to their likeness.

    What depends on the pictures alone is computed once: for asking about many changes.
    """

    def __init__(self, parts: list[tuple[slice, NDArray[np.float32]]]) -> None:
        self._parts = [(rows, part, mean := _blur(part), _blur(part * part) - mean**2) for rows, part in parts]

    @classmethod
    def of(cls, lumas: Iterable[NDArray[np.uint8]], *, first: int = 0) -> LumaLikeness:
        """`lumas`: uint8 (H, W) each. `first`: number of the first among all that are looked at, for its bands."""
        parts = []
        for number, luma in enumerate(lumas):
            edges = np.linspace(0, len(luma), (_ROWS if len(luma) >= _ROWS * _WINDOW[0] else 1) + 1).astype(int)
            chosen = range((first + number) % _EVERY, _ROWS, _EVERY) if len(edges) > 2 else (0,)
            rows = [slice(int(edges[band]), int(edges[band + 1])) for band in chosen]
            parts += [(each, luma[each].astype(np.float32)) for each in rows]
        return cls(parts)

    def changed_by(self, levels: NDArray[np.float32]) -> Quality:
        """Return the likeness once each picture is changed by `levels`, float32 (H, W), and cut off at 0 and 255."""
        squares = similar = pixels = 0.0
        for rows, part, mean, variance in self._parts:
            step = np.clip(part + levels[rows], 0, 255) - part
            mean_step, both = _blur(step), _blur(part * step)
            both -= mean * mean_step
            # Of the changed picture: mean + mean_step; variance + 2 both + variance of the step; covariance + both.
            variance_step = _blur(step * step) - mean_step**2
            changed = mean + mean_step
            means = (2 * mean * changed + _C1) / (mean**2 + changed**2 + _C1)
            shape = (2 * (variance + both) + _C2) / (2 * (variance + both) + variance_step + _C2)
            similar += float((means * shape).sum())
            squares += cv2.norm(step, cv2.NORM_L2SQR)
            pixels += part.size
        return Quality(math.inf if squares == 0 else 10 * math.log10(255.0**2 * pixels / squares), similar / pixels)


def _luma(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.float32)


def _ssim(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    mean_a, mean_b = _blur(a), _blur(b)
    variances = _blur(a * a) - mean_a**2 + _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    means = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return float((means * (2 * covariance + _C2) / (variances + _C2)).mean())


def _blur(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, _WINDOW, _SIGMA), np.float32)
