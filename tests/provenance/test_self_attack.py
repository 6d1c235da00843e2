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
def test_the_frames_come_back_all_of_them_and_480_lines_at_most(
    size: tuple[int, int], scaled: tuple[int, int], make_clip: Callable[..., Clip]
) -> None:
    lumas = make_clip(*size, 5, 1).frames[..., 0]

    assert recompress(np.ascontiguousarray(lumas), 12.0).shape == (5, *scaled)


def test_it_costs_detail() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (4, 64, 64), dtype=np.uint8)

    assert np.abs(recompress(noise, 12.0).astype(int) - noise).mean() > 10
