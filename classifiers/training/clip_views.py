"""Brings real and generated clips to the same shape before anything is learned from them.

What separates the two classes without being synthesis (frame rate, length, codec, resolution, corner marks) is removed
here as far as it can be: every k-th frame at about 8 a second, ten of them, the same x264 at a quality drawn from one
list for both classes, the central part of the picture. What is left of it: topic, native sharpness, speed-ups.
"""

from __future__ import annotations

import tempfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.forensics import CAPPED_SIDE, central_crop
from media.codec import decode, encode_mp4, probe
from media.glimpse import fit_short_side

Frame = NDArray[np.uint8]

TARGET_FPS = 8.0
CLIP_FRAMES = 10
QUALITIES = (18, 23, 28, 33)
"""x264 CRF, drawn for each clip and round."""

TILE = 32
"""Pixels. Tiles this small destroy the topic and keep the texture."""

VIEWS = {"encoded": 1, "raw": 2, "tiles": 2}
"""What a clip is looked at as, with every how many of its ten frames (time is what limits it)."""


def sampled(path: Path) -> list[Frame]:
    """Return the first ten frames about 1/8 s apart: uint8 (H, W, 3), short side at most 480."""
    step = max(1, round(probe(path).fps / TARGET_FPS))
    frames = []
    for at, (_, frame) in enumerate(decode(path)):
        if at % step == 0:
            frames.append(fit_short_side(frame, CAPPED_SIDE))
        if len(frames) == CLIP_FRAMES:
            break
    return frames


def viewed(frames: list[Frame], view: str, name: str) -> list[Frame]:
    """Return the frames as one of `VIEWS`: uint8 (192, 192, 3). `name` seeds what is drawn at random."""
    if view != "raw":
        chance = np.random.default_rng(zlib.crc32(f"{name} {view.rsplit(maxsplit=1)[-1]}".encode()))
        frames = _recompressed(frames, crf=int(chance.choice(QUALITIES)))
    crops = [central_crop(frame) for frame in frames][:: VIEWS[view]]
    return [_shuffled(crop, chance) for crop in crops] if view.startswith("tiles") else crops


def _recompressed(frames: list[Frame], *, crf: int) -> list[Frame]:
    even = [frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2] for frame in frames]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        encode_mp4(even, path, fps=TARGET_FPS, crf=crf)
        return [frame for _, frame in decode(path)]


def _shuffled(crop: Frame, chance: np.random.Generator) -> Frame:
    side = crop.shape[0] // TILE
    tiles = crop.reshape(side, TILE, side, TILE, 3).swapaxes(1, 2).reshape(side * side, TILE, TILE, 3)
    return chance.permutation(tiles).reshape(side, side, TILE, TILE, 3).swapaxes(1, 2).reshape(crop.shape)
