"""The same clip as it arrives elsewhere: brought to one shape for comparison, and worn as platforms and users wear it.

What separates two groups of clips without anybody looking at the pixels (frame rate, length, codec, size, corner marks)
is removed by `first_frames`, `recompressed` and `central_crop`, and `WEARS` are the changes a detector of origin has to
bear. Decodes in this process: for labelled data, not for uploads. Judges nothing.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from media.codec import decode, encode_mp4, probe
from media.glimpse import fit_short_side

Frame = NDArray[np.uint8]
"""uint8 (H, W, 3), RGB."""

TARGET_FPS = 8.0
"""Frames a second that every clip is thinned to."""

CLIP_FRAMES = 10
"""Frames that every clip is cut to."""

CAPPED_SIDE = 480
"""Pixels: larger short sides are brought down to it before anything else; smaller ones are left alone."""

SHORT_SIDE = 240
CROP = 192
"""Pixels: what is looked at is the central 192 of a short side of 240, where no platform's corner mark reaches."""

QUALITIES = (18, 23, 28, 33)
"""x264 CRF, from which each clip's is drawn, whichever group it is of."""

TILE = 32
"""Pixels. Tiles this small destroy the topic and keep the texture."""

TOPIC_SIDE = 32
"""Pixels of a short side that keep the topic and destroy the texture."""


def first_frames(path: Path, *, count: int = CLIP_FRAMES, fps: float = TARGET_FPS) -> list[Frame]:
    """Return up to `count` frames from the start, every k-th so that about `fps` make a second, short side <= 480.

    Raises:
        MediaError: the file cannot be decoded.
    """
    step = max(1, round(probe(path).fps / fps))
    frames: list[Frame] = []
    for at, (_, frame) in enumerate(decode(path)):
        if at % step == 0:
            frames.append(fit_short_side(frame, CAPPED_SIDE))
        if len(frames) == count:
            break
    return frames


def recompressed(frames: Sequence[Frame], *, crf: int, fps: float = TARGET_FPS) -> list[Frame]:
    """Return the frames after x264 at this quality: uint8, sides cut to even numbers."""
    even = [frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2] for frame in frames]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        encode_mp4(even, path, fps=fps, crf=crf)
        return [frame for _, frame in decode(path)]


def central_crop(frame: Frame) -> Frame:
    """Return the central square of at most 192 pixels of uint8 (H, W, 3) after its short side was brought down to 240.

    Nothing is enlarged: a frame whose short side is 192 or less keeps its whole central square.
    """
    small = fit_short_side(fit_short_side(frame, CAPPED_SIDE), SHORT_SIDE)
    side = min(CROP, *small.shape[:2])
    top, left = (small.shape[0] - side) // 2, (small.shape[1] - side) // 2
    return small[top : top + side, left : left + side]


def shuffled_tiles(crop: Frame, chance: np.random.Generator) -> Frame:
    """Return a square cut into tiles of 32 pixels in another order: its topic is gone, its texture is not."""
    side = crop.shape[0] // TILE
    whole = crop[: side * TILE, : side * TILE]
    tiles = whole.reshape(side, TILE, side, TILE, 3).swapaxes(1, 2).reshape(side * side, TILE, TILE, 3)
    return chance.permutation(tiles).reshape(side, side, TILE, TILE, 3).swapaxes(1, 2).reshape(whole.shape)


def grey(crop: Frame) -> Frame:
    """Return a picture without colour, of one mean (127) and one contrast (a deviation of 50): its style is gone."""
    luma = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    even = np.clip((luma - luma.mean()) / max(float(luma.std()), 1e-3) * 50 + 127, 0, 255).astype(np.uint8)
    return np.repeat(even[..., None], 3, axis=2)


def topic_only(crop: Frame) -> Frame:
    """Return a picture of the same size with nothing finer than 1/32 of it: the topic is there, the texture is not."""
    small = fit_short_side(crop, TOPIC_SIDE)
    size = crop.shape[1], crop.shape[0]
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _cropped(frame: Frame) -> Frame:
    height, width = frame.shape[:2]
    return frame[height // 8 : height - height // 8, width // 8 : width - width // 8]


def _small(frames: Sequence[Frame]) -> list[Frame]:
    return [fit_short_side(frame, 360) for frame in frames]


Wear = Callable[[Sequence[Frame]], list[Frame]]

WEARS: Mapping[str, Wear] = MappingProxyType(
    {
        "crf23": lambda frames: recompressed(frames, crf=23),
        "crf28": lambda frames: recompressed(frames, crf=28),
        "crf35": lambda frames: recompressed(frames, crf=35),
        "360p": lambda frames: recompressed(_small(frames), crf=23),
        "fps12": lambda frames: recompressed(frames[::2], crf=23, fps=TARGET_FPS / 2),
        "crop": lambda frames: recompressed([_cropped(frame) for frame in frames], crf=23),
        "double": lambda frames: recompressed(_small(recompressed(frames, crf=28)), crf=30),
    }
)
"""What platforms and users do to a clip, each ending in one more compression: quality, size, every second frame left
out (24 to 12 frames a second), the central three quarters, and two platforms one after the other."""

HEADLINE = "encoded"
"""Compressed at a quality drawn from one list, whichever class a clip is of."""

CONDITIONS = (HEADLINE, "as_is", *WEARS, "tiles", "grey")
"""`as_is`: not compressed again. `tiles` (texture only) and `grey` (no colour): of the headline's frames."""


class Renditions:
    """The frames of one clip in every condition, decoded when they are first asked for."""

    def __init__(self, load: Callable[[], list[Frame]], name: str) -> None:
        """Take what decodes the clip, and a name that seeds what is drawn by chance: equal names, equal renditions."""
        self._load = load
        self._name = name
        self._sampled: list[Frame] | None = None
        self._headline: list[Frame] | None = None

    def sampled(self) -> list[Frame]:
        """Return the frames as decoded."""
        if self._sampled is None:
            self._sampled = self._load()
        return self._sampled

    def seen(self, condition: str) -> list[Frame]:
        """Return what a detector is shown in one of `CONDITIONS`: uint8 (192, 192, 3), smaller for small clips."""
        if condition == "as_is":
            frames = self.sampled()
        else:
            frames = WEARS[condition](self.sampled()) if condition in WEARS else self._encoded()
        crops = [central_crop(frame) for frame in frames]
        if condition == "tiles":
            return [shuffled_tiles(crop, self._chance(f"tiles {at}")) for at, crop in enumerate(crops)]
        return [grey(crop) for crop in crops] if condition == "grey" else crops

    def _encoded(self) -> list[Frame]:
        if self._headline is None:
            crf = int(self._chance("quality").choice(QUALITIES))
            self._headline = recompressed(self.sampled(), crf=crf)
        return self._headline

    def _chance(self, what: str) -> np.random.Generator:
        return np.random.default_rng(zlib.crc32(f"{self._name} {what}".encode()))
