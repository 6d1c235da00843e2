"""Pictures for local features: discs over discs, drawn from a number; and what is done to copies of them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
SIZE = (360, 640)


def scene(seed: int, discs: int = 500, size: tuple[int, int] = SIZE) -> Frame:
    random = np.random.default_rng(seed)
    frame = np.full((*size, 3), 128, np.uint8)
    for _ in range(discs):
        centre = (int(random.integers(size[1])), int(random.integers(size[0])))
        colour = [int(each) for each in random.integers(0, 256, 3)]
        cv2.circle(frame, centre, int(random.integers(4, 40)), colour, -1, cv2.LINE_AA)
    return frame


def pan(seed: int, count: int = 6, step: int = 24) -> list[Frame]:
    """A camera that goes over one scene."""
    wide = scene(seed, 900, (SIZE[0], SIZE[1] + step * count))
    return [np.ascontiguousarray(wide[:, step * at : step * at + SIZE[1]]) for at in range(count)]


def encoded(frame: Frame, quality: int = 40) -> Frame:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1), np.uint8)


def cropped(frame: Frame, top: float = 0.1, left: float = 0.2, keep: float = 0.7) -> Frame:
    height, width = frame.shape[:2]
    y, x = round(height * top), round(width * left)
    return np.ascontiguousarray(frame[y : y + round(height * keep), x : x + round(width * keep)])


def turned(frame: Frame, degrees: float = 4.0) -> Frame:
    height, width = frame.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.15)
    return np.asarray(cv2.warpAffine(frame, turn, (width, height)), np.uint8)


def on_a_screen(frame: Frame, seed: int = 3) -> Frame:
    """Within the window of a player, on a desktop with other things on it."""
    out = scene(seed, 40)
    small = cv2.resize(frame, (416, 234), interpolation=cv2.INTER_AREA)
    out[40:294, 100:536] = 30
    out[50:284, 110:526] = small
    return out


def written_over(frame: Frame) -> Frame:
    out = frame.copy()
    out[280:340, 60:580] //= 4
    for row, words in ((305, "the same words stand"), (330, "under every one of them")):
        cv2.putText(out, words, (90, row), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2, cv2.LINE_AA)
    return out


def mirrored(frame: Frame) -> Frame:
    return np.ascontiguousarray(frame[:, ::-1])
