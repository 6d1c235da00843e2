"""The networks that origin heads are trained on: how each is opened, and which of its numbers belong together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from classifiers.forensics import LARGE, SMALL, HeadFiles, Looker
from classifiers.frame_encoder import BLOCKS, DIMENSIONS, WIDTH, FrameEncoder
from classifiers.texture_encoder import CHANNELS, TextureEncoder


@dataclass(frozen=True)
class Network:
    """One network."""

    open: Callable[[], Looker]
    head: HeadFiles
    parts: tuple[slice, ...]
    """Numbers that one line is fitted to each; the lines are joined (`classifiers.training.origin_heads`)."""

    input: str
    """What the head reads, in words."""


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        "clip": Network(
            FrameEncoder,
            LARGE,
            (
                slice(0, DIMENSIONS),
                *(slice(start, start + WIDTH) for start in range(DIMENSIONS, DIMENSIONS + len(BLOCKS) * WIDTH, WIDTH)),
            ),
            f"mean over frames of the unit CLIP embedding and of blocks {BLOCKS} of central crops",
        ),
        "small": Network(
            TextureEncoder,
            SMALL,
            (slice(0, 2 * sum(CHANNELS)),),
            "mean over frames of channel means and spreads of central crops",
        ),
    }
)
