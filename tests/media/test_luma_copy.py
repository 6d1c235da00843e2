"""Brightness through a codec and back: near what a file would give, and nothing else changed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from media.clip import Clip
from media.codec.luma_copy import luma_copy
from media.damage import re_encoded
from media.errors import EncodingError


def moving(count: int = 6, height: int = 96, width: int = 128) -> np.ndarray:
    texture = cv2.GaussianBlur(np.random.default_rng(2).normal(128, 90, (height, width + 60)), (0, 0), 1.5)
    texture = np.clip(texture, 0, 255).astype(np.uint8)
    return np.stack([texture[:, 5 * n : 5 * n + width] for n in range(count)])


def test_frames_come_back_in_their_order_with_black_and_white_in_place() -> None:
    lumas = np.stack([np.full((32, 48), level, np.uint8) for level in (0, 60, 128, 200, 255)])
    copied = luma_copy(lumas, fps=24.0, crf=10)

    assert np.abs(copied.astype(int) - lumas).max() <= 2


def test_it_loses_what_a_file_of_the_same_quality_loses() -> None:
    lumas = moving()
    colour = Clip(np.repeat(lumas[..., None], 3, axis=3), np.arange(len(lumas)) / 24, 24.0)
    file = re_encoded(colour, "h264-fast", 28).frames[..., 0].astype(int)
    copied = luma_copy(lumas, fps=24.0, crf=28).astype(int)
    lost_by_file, lost = (np.abs(each - lumas).mean() for each in (file, copied))

    assert lost == pytest.approx(lost_by_file, rel=0.2)


def test_more_is_lost_at_a_lower_quality() -> None:
    lumas = moving()
    losses = [np.abs(luma_copy(lumas, fps=24.0, crf=crf).astype(int) - lumas).mean() for crf in (10, 28, 40)]

    assert losses == sorted(losses)
    assert losses[0] < losses[2] / 2


def test_one_frame_is_enough_and_odd_sides_are_refused() -> None:
    assert luma_copy(moving(1), fps=12.0, crf=23).shape == (1, 96, 128)
    with pytest.raises(EncodingError, match="127x96"):
        luma_copy(moving(1, width=127), fps=12.0, crf=23)
