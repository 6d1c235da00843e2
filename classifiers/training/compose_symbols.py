"""Puts drawn shapes onto photographs as paint, flag, patch, print or drawing, worn as frames of video are.

Photographs are those that installed packages carry (scikit-image, scikit-learn), pictures and clips of a frames data
set whose rows state a permissive licence, and grounds made of noise and shapes. Nothing is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import skimage
import sklearn  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image

from classifiers.training.cached_embeddings import manifest
from classifiers.training.draw_look_alikes import LIKE
from classifiers.training.draw_symbols import HATE
from classifiers.training.strokes import SIDE, Mask
from media.codec import decode
from media.errors import MediaError

Picture = NDArray[np.uint8]
Chance = np.random.Generator

GROUND_SIDE = 320
"""Pixels of the short side of kept grounds."""

FRAMES_OF_A_CLIP = (0.1, 0.8)
"""Places of the frames that are taken from a clip, as shares of its length."""


def grounds(data: Path | None) -> list[Picture]:
    """Return every photograph that may be drawn on, short side at most 320."""
    found = [_fitted(picture) for picture in _of_packages()]
    for row in manifest(data) if data is not None else ():
        if not row.is_permissive or row.file.startswith(("symbols/", "weapons/sasank")):
            continue
        path = (data or Path()) / row.file
        try:
            if path.suffix == ".mp4":
                seen = [frame for _, frame in decode(path)]
                found += [_fitted(seen[int(place * len(seen))]) for place in FRAMES_OF_A_CLIP]
            else:
                found.append(_fitted(np.asarray(Image.open(path).convert("RGB"))))
        except (MediaError, OSError) as error:
            print(f"left out {row.file}: {error}")
    return found


def _of_packages() -> list[Picture]:
    folders = (Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets" / "images")
    paths = sorted(path for folder in folders for path in folder.iterdir() if path.suffix in {".png", ".jpg"})
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def _fitted(picture: Picture) -> Picture:
    scale = min(1.0, GROUND_SIDE / min(picture.shape[:2]))
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@dataclass(frozen=True)
class Composer:
    """Makes pictures by chance. The same chance gives the same pictures."""

    grounds: list[Picture]

    def ground(self, chance: Chance, side: int) -> Picture:
        """Return a square part of a photograph, or of a made ground, at random scale: uint8 (side, side, 3)."""
        if chance.random() < 0.15:
            return _made_ground(chance, side)
        picture = self.grounds[int(chance.integers(len(self.grounds)))]
        height, width = picture.shape[:2]
        part = int(min(height, width) * np.exp(chance.uniform(np.log(0.15), 0)))
        part = max(part, min(24, height, width))
        top, left = int(chance.integers(height - part + 1)), int(chance.integers(width - part + 1))
        square = cv2.resize(picture[top : top + part, left : left + part], (side, side), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(square[:, ::-1] if chance.random() < 0.5 else square, dtype=np.uint8)

    def drawn(
        self, chance: Chance, ground: Picture, name: str, *, share: tuple[float, float], wander: float
    ) -> Picture:
        """Draw a shape on a ground: `share` of the short side that it spans, `wander` from the middle."""
        mask = {**HATE, **LIKE}[name](chance)
        colour, panel, alpha = _colours(chance, name, mask)
        side = min(ground.shape[:2])
        span = side * float(chance.uniform(*share)) / 0.9
        middle = np.array([ground.shape[1], ground.shape[0]]) / 2 + side * chance.uniform(-wander, wander, 2)
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64) * span / 2
        turn = np.deg2rad(chance.normal(0, 7))
        corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        corners[:, 0] *= chance.uniform(0.75, 1.0)
        corners += middle + chance.normal(0, 0.045 * span, (4, 2))
        square = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], dtype=np.float32)
        warp = cv2.getPerspectiveTransform(square, corners.astype(np.float32))
        size = ground.shape[1], ground.shape[0]
        shown = cv2.warpPerspective(colour, warp, size, flags=cv2.INTER_AREA)
        visible = cv2.warpPerspective(panel, warp, size, flags=cv2.INTER_AREA)[..., None] * alpha
        shade = 1 + 0.35 * float(chance.uniform(-1, 1)) * np.linspace(-1, 1, size[0])[None, :, None]
        return np.asarray(np.clip(ground * (1 - visible) + shown * shade * visible, 0, 255), dtype=np.uint8)


_WHOLE: Mask = np.ones((SIDE, SIDE), dtype=np.float32)
_DISC: Mask = np.asarray(
    cv2.circle(np.zeros((SIDE, SIDE), np.float32), (SIDE // 2, SIDE // 2), round(SIDE * 0.49), 1.0, -1),
    dtype=np.float32,
)


def _colours(chance: Chance, name: str, mask: Mask) -> tuple[NDArray[np.float32], Mask, float]:
    """Return the layer's colours float32 (SIDE, SIDE, 3), where it covers the ground, and how strongly."""
    dark, pale = chance.uniform(0, 60, 3).astype(np.float32), chance.uniform(190, 255, 3).astype(np.float32)
    loud = np.array([chance.uniform(150, 230), *chance.uniform(0, 50, 2)], dtype=np.float32)
    any_colour = chance.uniform(0, 255, 3).astype(np.float32)
    choice = float(chance.random())
    disc, whole = _DISC, _WHOLE
    ink, paper = (dark, pale) if chance.random() < 0.6 else (pale, dark)
    if name in {"banner", "plain_banner"} and chance.random() < 0.85:
        ink, paper, panel = pale, dark, whole
    elif choice < 0.22:  # black on a pale disc in a red field, or on an armband: whatever the shape is
        ink, paper, panel = dark, pale, whole
        layer = np.where(disc[..., None] > 0, paper, loud) * (1 - mask[..., None]) + ink * mask[..., None]
        return layer.astype(np.float32), panel, float(chance.uniform(0.85, 1.0))
    elif choice < 0.4:  # a field of one colour
        paper = any_colour if chance.random() < 0.6 else loud
        panel = whole
    elif choice < 0.5:  # a badge
        paper, panel = (any_colour if chance.random() < 0.5 else paper), disc
    else:  # paint, print, tattoo: only the shape itself, sometimes with a rim
        if chance.random() < 0.4:
            ink = any_colour
        rim = cv2.dilate(mask, np.ones((5, 5), np.uint8)) if chance.random() < 0.25 else mask
        panel = np.maximum(mask, rim)
    layer = paper * (1 - mask[..., None]) + ink * mask[..., None]
    return layer.astype(np.float32), panel.astype(np.float32), float(chance.uniform(0.55, 1.0))


def _made_ground(chance: Chance, side: int) -> Picture:
    """Return a plain, shaded or noisy ground with some shapes, lines or writing on it."""
    field = np.empty((side, side, 3), dtype=np.float32)
    field[:] = chance.uniform(0, 255, 3)
    if chance.random() < 0.5:
        rough = chance.uniform(-60, 60, (int(chance.integers(2, 9)),) * 2 + (3,)).astype(np.float32)
        field += cv2.resize(rough, (side, side), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(field, 0, 255).astype(np.uint8)
    for _ in range(int(chance.integers(0, 7))):
        colour = tuple(int(each) for each in chance.integers(0, 256, 3))
        points = chance.integers(-side // 4, side + side // 4, (int(chance.integers(2, 6)), 2)).astype(np.int32)
        if chance.random() < 0.5:
            cv2.fillPoly(picture, [points], colour, cv2.LINE_AA)
        else:
            cv2.polylines(
                picture, [points], bool(chance.random() < 0.5), colour, int(chance.integers(1, 7)), cv2.LINE_AA
            )
    return picture


def worn(chance: Chance, picture: Picture) -> Picture:
    """Blur, recolour, add noise and compress a picture, as cameras and encoders do."""
    field = picture.astype(np.float64)
    if chance.random() < 0.5:
        side, small = picture.shape[0], int(picture.shape[0] * chance.uniform(0.35, 0.95))
        field = np.asarray(cv2.resize(cv2.resize(field, (small, small), interpolation=cv2.INTER_AREA), (side, side)))
    if chance.random() < 0.2:
        field = field - field + field.mean(axis=2, keepdims=True)
    field = (field - 128) * chance.uniform(0.6, 1.25) + 128 + chance.uniform(-35, 35, 3)
    field = field + chance.standard_normal(field.shape) * chance.uniform(0, 12)
    seen = np.clip(field, 0, 255).astype(np.uint8)
    if chance.random() < 0.7:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(25, 93))]
        return np.asarray(cv2.imdecode(cv2.imencode(".jpg", seen, quality)[1], cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.asarray(seen, dtype=np.uint8)
