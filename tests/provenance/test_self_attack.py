"""The attack that a mark must survive is a real one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from media.clip import Clip
from provenance.self_attack import halve_and_compress


@pytest.mark.parametrize(
    ("size", "halved"), [((256, 256), (128, 128)), ((101, 67), (50, 32)), ((20, 360), (16, 180)), ((64, 66), (32, 32))]
)
def test_the_clip_comes_back_at_half_size_with_all_frames(
    size: tuple[int, int], halved: tuple[int, int], make_clip: Callable[..., Clip]
) -> None:
    attacked = halve_and_compress(make_clip(*size, 5, 1))

    assert attacked.frames.shape == (5, *halved, 3)
    assert attacked.fps == 12.0
