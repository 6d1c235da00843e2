"""Shows real and generated clips in one shape before anything is learned from them.

`media.renditions` removes what separates the two classes without being synthesis (frame rate, length, codec, size,
corner marks); this chooses the views that a head learns from and is tested on. What is left of shortcuts: topic, native
sharpness, speed-ups.
"""

from __future__ import annotations

import zlib

import numpy as np

from media.renditions import QUALITIES, Frame, central_crop, recompressed, shuffled_tiles

VIEWS = {"encoded": 1, "raw": 2, "tiles": 2}
"""What a clip is looked at as, with every how many of its ten frames (time is what limits it)."""


def viewed(frames: list[Frame], view: str, name: str) -> list[Frame]:
    """Return the frames as one of `VIEWS`: uint8 (192, 192, 3). `name` seeds what is drawn at random."""
    chance = np.random.default_rng(zlib.crc32(f"{name} {view}".encode()))
    if view != "raw":
        frames = recompressed(frames, crf=int(chance.choice(QUALITIES)))
    crops = [central_crop(frame) for frame in frames][:: VIEWS[view]]
    return [shuffled_tiles(crop, chance) for crop in crops] if view == "tiles" else crops
