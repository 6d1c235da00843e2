"""The attack that a mark must survive is a real one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from media.clip import Clip
from provenance.self_attack import recompress


@pytest.mark.parametrize(
    ("size", "scaled"),
    [((256, 256), (256, 256)), ((101, 67), (100, 68)), ((600, 800), (480, 640)), ((2, 360), (2, 360))],
)
def test_the_clip_comes_back_with_all_frames_and_480_lines_at_most(
    size: tuple[int, int], scaled: tuple[int, int], make_clip: Callable[..., Clip]
) -> None:
    attacked = recompress(make_clip(*size, 5, 1))

    assert attacked.frames.shape == (5, *scaled, 3)
    assert attacked.fps == 12.0


def test_it_costs_detail() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    attacked = recompress(Clip(noise, np.arange(4) / 12, 12.0))

    assert attacked.frames.std() < 0.8 * noise.std()
