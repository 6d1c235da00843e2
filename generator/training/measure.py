"""Reads a clip of the small world back from its pixels: which colour, shape, motion, place and time it shows.

Plain measurements, no network: the object is what differs from the median of its pixel row. Good enough to compare
checkpoints; its own accuracy on true renders (`probe`) is the ceiling of every figure made with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from generator.scene import Scene, choices
from generator.training.draw_objects import COLOURS, draw_object
from generator.training.render_clips import draw_background, layout
from media.clip import Frames

SIDE = 64
"""Clips are measured at this height in pixels."""

SALIENT = 55
"""A pixel belongs to the object when a channel differs this much from the median of its row."""

NEAR = 80.0
"""Largest RGB distance from a palette colour (or its shade) that still counts as that colour."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Reading:
    """What the pixels show; None where nothing was found."""

    colour: str | None
    shape: str | None
    motion: str | None
    place: str
    time: str


def read(frames: Frames) -> Reading:
    """Measure a clip, uint8 (T, H, W, 3)."""
    width = round(frames.shape[2] * SIDE / frames.shape[1])
    frames = frames[np.linspace(0, len(frames) - 1, min(len(frames), 9)).astype(int)]
    small = np.stack([cv2.resize(frame, (width, SIDE), interpolation=cv2.INTER_AREA) for frame in frames])
    place, time = nearest_background(small)
    colour = object_colour(small)
    if colour is None:
        return Reading(None, None, None, place, time)
    masks = [object_mask(frame, colour) for frame in small]
    seen = [mask for mask in masks if mask.sum() >= 30]
    shapes = [nearest_shape(mask) for mask in seen]
    shape = max(sorted(set(shapes)), key=shapes.count) if shapes else None
    return Reading(colour, shape, motion(masks), place, time)


def _salient(frame: NDArray[np.uint8]) -> Mask:
    away = np.abs(frame.astype(np.int16) - np.median(frame, axis=1, keepdims=True).astype(np.int16)).max(-1)
    salient: Mask = away > SALIENT
    return salient


def _nearest_colour(frame: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Index of the palette colour of every pixel, or -1."""
    palette = np.array(list(COLOURS.values()), np.float32)
    shades = np.concatenate([palette * shade for shade in (1.0, 0.86, 0.72)])
    pixels = frame.reshape(-1, 3).astype(np.float32)
    squares = (pixels**2).sum(1)[:, None] + (shades**2).sum(1) - 2 * pixels @ shades.T
    nearest = np.where(squares.min(1) < NEAR**2, squares.argmin(1) % len(palette), -1)
    return nearest.reshape(frame.shape[:2])


def object_colour(frames: Frames) -> str | None:
    """Return the palette colour most salient pixels have, over all frames."""
    votes = np.zeros(len(COLOURS), np.int64)
    for frame in frames:
        index = _nearest_colour(frame)[_salient(frame)]
        votes += np.bincount(index[index >= 0], minlength=len(COLOURS))
    return list(COLOURS)[int(votes.argmax())] if votes.max() >= 20 * len(frames) else None


def object_mask(frame: NDArray[np.uint8], colour: str) -> Mask:
    """Return the largest connected salient region of a colour."""
    right = _salient(frame) & (_nearest_colour(frame) == list(COLOURS).index(colour))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(right.astype(np.uint8))
    if count < 2:
        return np.zeros(frame.shape[:2], bool)
    mask: Mask = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return mask


def object_centre(frame: NDArray[np.uint8], colour: str) -> NDArray[np.float64] | None:
    """Return where the object of a colour is, (down, right) as shares of the frame; None where there is none."""
    width = round(frame.shape[1] * SIDE / frame.shape[0])
    small = np.asarray(cv2.resize(frame, (width, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    mask = object_mask(small, colour)
    return np.argwhere(mask).mean(0) / mask.shape if mask.sum() >= 30 else None


@cache
def _silhouettes() -> dict[str, Mask]:
    drawn = {}
    for shape in choices("shape"):
        picture = np.zeros((64, 64, 3), np.uint8)
        draw_object(picture, shape, "white", (32, 32), 24)
        drawn[shape] = _fitted(picture[..., 0] > 150)
    return drawn


def _fitted(mask: Mask) -> Mask:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    return cv2.resize(cut, (32, 32), interpolation=cv2.INTER_LINEAR) > 0.5


def nearest_shape(mask: Mask) -> str:
    """Return the shape whose silhouette overlaps the mask best (intersection over union in the bounding box)."""
    fitted = _fitted(mask)
    return max(_silhouettes(), key=lambda s: (fitted & _silhouettes()[s]).sum() / (fitted | _silhouettes()[s]).sum())


def motion(masks: list[Mask]) -> str | None:
    """Return how the centre of the masks moves, in shares of the frame."""
    height, width = masks[0].shape
    centres = np.array([np.argwhere(mask).mean(0) / (height, width) for mask in masks if mask.sum() >= 30])
    if len(centres) < max(1, len(masks) // 2):
        return None
    down, right = centres[-3:].mean(0) - centres[:3].mean(0)
    swings = np.abs(np.diff(centres[:, 0])).sum() - abs(centres[-1, 0] - centres[0, 0])
    if swings > 0.25:
        return "bouncing"
    if max(abs(down), abs(right)) < 0.1:
        return "standing still"
    if abs(right) > abs(down):
        return "moving to the right" if right > 0 else "moving to the left"
    return "falling" if down > 0 else "rising"


def _background_features(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    rows = [frame[slice(int(a * SIDE), int(b * SIDE))] for a, b in ((0.0, 0.12), (0.36, 0.5), (0.86, 1.0))]
    return np.concatenate([np.median(row.reshape(-1, 3), axis=0) for row in rows])


@cache
def _backgrounds() -> dict[tuple[str, str], NDArray[np.float64]]:
    rng = np.random.default_rng(5)
    known = {}
    for place in choices("place"):
        for time in choices("time"):
            scene = Scene("small", "red", "ball", "standing still", place, time)
            pictures = [draw_background(scene, layout(scene, rng), SIDE, SIDE) for _ in range(16)]
            known[place, time] = np.median([_background_features(picture) for picture in pictures], axis=0)
    return known


def nearest_background(frames: Frames) -> tuple[str, str]:
    """Return the (place, time) whose sky, middle and ground colours are nearest."""
    features = np.median([_background_features(frame) for frame in frames], axis=0)
    return min(_backgrounds(), key=lambda key: float(np.linalg.norm(_backgrounds()[key] - features)))
