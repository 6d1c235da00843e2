"""From sampled frames to delivered ones, and from given pictures to the size that is sampled.

What was given is delivered as it was given: the sampled copy of a given frame is replaced by the frame itself, and the
detail that the sampling lost is carried on to the frames around it, wherever nothing moves. Samples nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from generator.base import Picture
from media.clip import Clip, Frames

FloatFrames = NDArray[np.float32]
"""float32 (T, H, W, 3), RGB in [0, 1]."""

STILL = 0.06
"""Change of a channel, in [0, 1], at which a pixel keeps about a third of a given frame's detail."""

FADE_FRAMES = 24.0
"""Frames after which a third of the detail is left where nothing moves."""


def fit(picture: Picture | NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Scale a picture to cover width x height and crop the middle; returns floats in the range of what came in."""
    rows, columns = picture.shape[:2]
    scale = max(width / columns, height / rows)
    wide, high = max(width, round(columns * scale)), max(height, round(rows * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4
    large = cv2.resize(np.asarray(picture, np.float32), (wide, high), interpolation=how)
    left, top = (wide - width) // 2, (high - height) // 2
    return np.ascontiguousarray(large[top : top + height, left : left + width])


def to_sampled(pictures: Frames, size: tuple[int, int]) -> FloatFrames:
    """Scale given frames, uint8, to the (width, height) that is sampled; floats in [0, 1]."""
    return np.stack([fit(picture, *size) for picture in pictures]) / np.float32(255)


def to_delivered(picture: NDArray[np.float32]) -> Picture:
    """Round a float picture in [0, 255] to uint8."""
    return np.asarray(np.clip(picture + 0.5, 0, 255), np.uint8)


def deliver(frames: FloatFrames, width: int, height: int, pinned: Mapping[int, Picture] | None = None) -> Frames:
    """Scale sampled frames to cover width x height (Lanczos), crop the middle; uint8 (T, H, W, 3).

    `pinned`: index -> the given picture, uint8 (height, width, 3), that stands at this frame.
    """
    delivered = np.empty((len(frames), height, width, 3), np.uint8)
    pinned = pinned or {}
    lost = {at: np.float32(picture) - fit(frames[at] * 255, width, height) for at, picture in pinned.items()}
    for number, frame in enumerate(frames):
        large = fit(frame * 255, width, height)
        for at, share in _nearest(number, sorted(pinned)):
            moved = np.abs(frame - frames[at]).max(-1)
            kept = np.exp(-((moved / STILL) ** 2)) * np.exp(-abs(number - at) / FADE_FRAMES)
            large += share * fit(kept.astype(np.float32), width, height)[..., None] * lost[at]
        delivered[number] = pinned[number] if number in pinned else to_delivered(large)
    return delivered


def _nearest(number: int, places: list[int]) -> list[tuple[int, float]]:
    """Return the given frames before and after this one with their shares."""
    before = [place for place in places if place <= number]
    after = [place for place in places if place > number]
    if before and after:
        share = (number - before[-1]) / (after[0] - before[-1])
        return [(before[-1], 1 - share), (after[0], share)]
    return [(before[-1], 1.0)] if before else [(after[0], 1.0)] if after else []


def at_rate(clip: Clip, fps: float) -> Frames:
    """Return a clip's frames at another rate: for every moment the frame that is shown then."""
    end_s = clip.end_s + 1 / clip.fps
    moments = clip.start_s + np.arange(max(1, round((end_s - clip.start_s) * fps))) / fps
    shown = np.searchsorted(clip.times_s, moments + 1e-6, side="right") - 1
    return np.asarray(clip.frames[np.maximum(shown, 0)], np.uint8)
