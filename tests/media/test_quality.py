"""PSNR and SSIM agree with an outside implementation."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from media.quality import psnr_db, ssim


@pytest.mark.parametrize("noise", [1, 4, 20])
def test_they_agree_with_scikit_image(noise: float) -> None:
    original = data.coffee()[None]
    grain = np.random.default_rng(0).normal(0, noise, original.shape[:3])[..., None]
    changed = np.clip(original + grain, 0, 255).astype(np.uint8)
    greys = [cv2.cvtColor(frames[0], cv2.COLOR_RGB2GRAY) for frames in (original, changed)]
    theirs = structural_similarity(*greys, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)

    assert psnr_db(original, changed) == pytest.approx(peak_signal_noise_ratio(original, changed), abs=1e-6)
    assert ssim(original, changed) == pytest.approx(theirs, abs=2e-3)


def test_nothing_changed_is_perfect() -> None:
    original = data.coffee()[None]

    assert math.isinf(psnr_db(original, original))
    assert ssim(original, original) == pytest.approx(1)
