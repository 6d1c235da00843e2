"""Makes a network's input out of RGB frames as `preprocessor_config.json` of its checkpoint says, and nothing else.

Resize, central crop, scale and normalise are what image classifiers in the transformers format ask for; a checkpoint
that asks for more is refused instead of being fed something else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifiers.base import WeightsError

FILE = "preprocessor_config.json"
_LARGEST = 4096
_UNKNOWN = ("do_pad", "do_thumbnail", "do_align_long_axis")


@dataclass(frozen=True)
class PictureInput:
    """What to do with a frame."""

    resize: tuple[int, int] | int | None
    """(height, width); one number: the shorter side; None: as it is."""

    crop: tuple[int, int] | None
    """(height, width) of the central crop."""

    resample: int
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 (3, H, W) for one RGB frame uint8 (H, W, 3)."""
        picture = Image.fromarray(frame)
        if self.resize is not None:
            picture = picture.resize(self._size(picture), Image.Resampling(self.resample))
        if self.crop is not None:
            height, width = self.crop
            left, top = (picture.width - width) // 2, (picture.height - height) // 2
            picture = picture.crop((left, top, left + width, top + height))
        pixels = np.asarray(picture, dtype=np.float32) * np.float32(self.scale)
        normal = (pixels - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normal.transpose(2, 0, 1), dtype=np.float32)

    def _size(self, picture: Image.Image) -> tuple[int, int]:
        """(width, height) as PIL wants it."""
        if isinstance(self.resize, tuple):
            return self.resize[1], self.resize[0]
        short = self.resize or 0
        if picture.width <= picture.height:
            return short, int(short * picture.height / picture.width)
        return int(short * picture.width / picture.height), short


def read_picture_input(folder: Path, name: str) -> PictureInput:
    """Read what the checkpoint in this folder asks for; `name` stands in messages.

    Raises:
        WeightsError: there is no such file, or it asks for what is not done here.
    """
    try:
        given = json.loads((folder / FILE).read_bytes())
        if any(given.get(key) for key in _UNKNOWN):
            raise WeightsError(f"{name}: {FILE} asks for more than to resize, crop and normalise")
        normalises = given.get("do_normalize", True)
        return PictureInput(
            resize=_size(given.get("size")) if given.get("do_resize", True) else None,
            crop=_pair(given.get("crop_size", given.get("size"))) if given.get("do_center_crop", False) else None,
            resample=Image.Resampling(int(given.get("resample", Image.Resampling.BILINEAR))),
            scale=float(given.get("rescale_factor", 1 / 255)) if given.get("do_rescale", True) else 1.0,
            mean=_three(given["image_mean"]) if normalises else (0.0, 0.0, 0.0),
            std=_three(given["image_std"]) if normalises else (1.0, 1.0, 1.0),
        )
    except OSError as error:
        raise WeightsError(
            f"{name}: {folder} holds no {FILE}: without it nobody knows what the network sees"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{name}: {FILE} cannot be understood ({type(error).__name__})") from error


def _size(size: Any) -> tuple[int, int] | int:  # noqa: ANN401 - somebody's JSON
    if isinstance(size, dict) and set(size) == {"shortest_edge"}:
        return _side(size["shortest_edge"])
    return _pair(size)


def _pair(size: Any) -> tuple[int, int]:  # noqa: ANN401 - somebody's JSON
    if isinstance(size, dict):
        return _side(size["height"]), _side(size["width"])
    return _side(size), _side(size)


def _side(side: Any) -> int:  # noqa: ANN401 - somebody's JSON
    if not isinstance(side, int) or not 1 <= side <= _LARGEST:
        raise ValueError("a side is a number of pixels")
    return side


def _three(values: Any) -> tuple[float, ...]:  # noqa: ANN401 - somebody's JSON
    if len(values) != 3:
        raise ValueError("three channels")
    return tuple(float(value) for value in values)
