"""PSNR and SSIM agree with an outside implementation."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from media.quality import LumaLikeness, psnr_db, ssim


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


@pytest.mark.parametrize("noise", [1, 4, 20])
@pytest.mark.parametrize(("height", "width"), [(360, 540), (100, 150)])
def test_likeness_in_bands_is_likeness_of_the_whole(noise: float, height: int, width: int) -> None:
    """Six equal pictures are looked at once in every place; small ones are looked at whole."""
    luma = cv2.resize(cv2.cvtColor(data.coffee(), cv2.COLOR_RGB2GRAY), (width, height), interpolation=cv2.INTER_AREA)
    levels = np.rint(np.random.default_rng(0).normal(0, noise, luma.shape)).astype(np.float32)
    changed = np.clip(luma + levels, 0, 255).astype(np.uint8)
    whole = [np.repeat(each[None, ..., None], 3, axis=3) for each in (luma, changed)]
    likeness = LumaLikeness.of([luma] * 6).changed_by(levels)

    assert likeness.psnr_db == pytest.approx(psnr_db(*whole), abs=0.01)
    assert likeness.ssim == pytest.approx(ssim(*whole), abs=4e-3)  # bands have edges


def test_levels_that_are_cut_off_change_nothing() -> None:
    likeness = LumaLikeness.of([np.full((40, 40), 255, np.uint8)]).changed_by(np.full((40, 40), 9, np.float32))

    assert math.isinf(likeness.psnr_db)
    assert likeness.ssim == pytest.approx(1)
