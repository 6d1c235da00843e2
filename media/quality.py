"""How far a clip is from another of the same pictures: PSNR and SSIM. Knows no mark and no codec."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from media.clip import Frames

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""Constants of SSIM: Wang, Bovik, Sheikh and Simoncelli, IEEE Trans. Image Processing 13 (2004)."""

_WINDOW, _SIGMA = (11, 11), 1.5


def psnr_db(original: Frames, changed: Frames) -> float:
    """Return the peak signal-to-noise ratio of all samples of a clip in dB; infinite when nothing changed."""
    squares = sum(float(cv2.norm(a, b, cv2.NORM_L2SQR)) for a, b in zip(original, changed, strict=True))
    return math.inf if squares == 0 else 10 * math.log10(255.0**2 * original.size / squares)


def ssim(original: Frames, changed: Frames) -> float:
    """Return the structural similarity of the lumas of two clips, the mean over their frames, at most 1."""
    return float(np.mean([_ssim(_luma(a), _luma(b)) for a, b in zip(original, changed, strict=True)]))


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
