"""Finds a picture inside the picture: a box in a corner whose straight borders stay where they are while all moves.

Looks for two straight lines, one upright and one level, that meet in a right angle, end there, and stand at the same
place in frame after frame. That is what a smaller video over a corner of a larger one looks like, and sometimes a
window, a sign or a screen: it says where to look closer and judges nothing. Does not find inserts in the middle, at an
angle, with soft or round borders, split screens, or masks that follow a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from media.clip import Clip
from media.glimpse import fit_short_side

Booleans = NDArray[np.bool_]
Frame = NDArray[np.uint8]

MOST_FRAMES = 24
"""Frames of which borders are kept, evenly spread."""

SIDE = 320
"""Pixels of the short side that borders are looked for at."""

EVERY_S = 0.5

GROUP = 4
"""Frames in which a border has to stand at the same place, so that what moves has moved."""

SMALLEST, LARGEST = 0.15, 0.6
"""Width and height of an insert as shares of the frame's."""

_STEP = 10.0
"""Grey levels of 256 between the two sides of a border, at least."""

_NEAR = 4
"""Pixels beside a border where the picture changes less than at it: what tells a border from a texture."""

_STANDING = 0.75
"""Share of the frames of a group in which a border stands."""

_FILLED = 0.55
"""Share of each of the two lines that stands, less what goes on beyond the corner by half of its length. Chosen by
looking at composites of training clips."""

_SAME = 0.8
"""Intersection over union of boxes of neighbouring groups that are one insert."""


@dataclass(frozen=True)
class Insert:
    """A picture inside the picture."""

    box: tuple[float, float, float, float]
    """(left, top, right, bottom), each a share of width or height in [0, 1]."""

    start_s: float
    end_s: float
    """Seconds of the first and last frame in which its borders stand."""

    def of(self, clip: Clip) -> Clip | None:
        """Return that part of a clip's frames and time, or None where it does not stand."""
        at = np.flatnonzero((clip.times_s >= self.start_s) & (clip.times_s <= self.end_s))
        if not len(at):
            return None
        high, wide = clip.frames.shape[1:3]
        left, top, right, bottom = self.box
        rows = slice(round(top * high), round(bottom * high))
        columns = slice(round(left * wide), round(right * wide))
        return Clip(clip.frames[at, rows, columns], clip.times_s[at], clip.fps)


@dataclass(frozen=True)
class _Borders:
    """Where borders stand in one frame."""

    time_s: float
    picture: Frame
    upright: Booleans
    level: Booleans


@dataclass
class InsertFinder:
    """Watches a video clip by clip and keeps a few grey frames of it."""

    _kept: list[_Borders] = field(default_factory=list)
    _every_s: float = EVERY_S
    _next_s: float = float("-inf")

    def watch(self, clip: Clip) -> None:
        """Take the next frames."""
        for time_s, frame in zip(clip.times_s.tolist(), clip.frames, strict=True):
            if time_s < self._next_s:
                continue
            self._next_s = time_s + self._every_s
            grey = np.asarray(cv2.cvtColor(fit_short_side(frame, SIDE), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
            self._kept.append(_Borders(time_s, grey, _border(grey), _border(grey.T).T))
            if len(self._kept) > MOST_FRAMES:
                self._kept, self._every_s = self._kept[::2], self._every_s * 2
                self._next_s = self._kept[-1].time_s + self._every_s

    def found(self) -> list[Insert]:
        """Return the inserts, in order of their start; of several at once the most distinct one."""
        inserts: list[Insert] = []
        for first in range(len(self._kept) - GROUP + 1):
            group = self._kept[first : first + GROUP]
            box = _box_in(group) if len({each.picture.shape for each in group}) == 1 else None
            if box is None:
                continue
            start_s, end_s = group[0].time_s, group[-1].time_s
            if inserts and start_s <= inserts[-1].end_s and _overlap(inserts[-1].box, box) >= _SAME:
                inserts[-1] = replace(inserts[-1], end_s=end_s)
            else:
                inserts.append(Insert(box, start_s, end_s))
        return inserts


def _box_in(group: Sequence[_Borders]) -> tuple[float, float, float, float] | None:
    """Return the box over a corner whose borders stand in most frames of a group, or None."""
    if np.array_equal(group[0].picture, group[-1].picture):
        return None  # a still picture has borders of its own
    upright = np.mean([each.upright for each in group], axis=0) >= _STANDING
    level = np.mean([each.level for each in group], axis=0) >= _STANDING
    best, found = _FILLED, None
    for bottom in (False, True):
        for right in (False, True):
            turned = [each[:: -1 if bottom else 1, :: -1 if right else 1] for each in (upright, level)]
            score, high, wide = _corner(*turned)
            if score > best:
                best = score
                left, top = (1 - wide if right else 0.0), (1 - high if bottom else 0.0)
                found = (left, top, left + wide, top + high)
    return found


def _border(frame: Frame) -> Booleans:
    """Return where an upright border stands between a pixel and the one before it: a step, and calm on both sides."""
    grey = frame.astype(np.float32)
    step = np.zeros_like(grey)
    step[:, 1:] = np.abs(np.diff(grey, axis=1))
    wide = np.maximum(step, np.maximum(np.roll(step, 1, axis=1), np.roll(step, -1, axis=1)))
    beside = np.maximum(np.roll(step, _NEAR, axis=1), np.roll(step, -_NEAR, axis=1))
    return np.asarray((wide >= _STEP) & (wide >= 2 * beside), dtype=np.bool_)


def _corner(upright: Booleans, level: Booleans) -> tuple[float, float, float]:
    """Return how well a box over the upper left corner stands out, and its height and width as shares."""
    high, wide = upright.shape
    down = np.vstack([np.zeros((1, wide), np.int32), np.cumsum(upright, axis=0, dtype=np.int32)])
    across = np.hstack([np.zeros((high, 1), np.int32), np.cumsum(level, axis=1, dtype=np.int32)])
    ys = np.arange(int(SMALLEST * high), int(LARGEST * high))
    xs = np.arange(int(SMALLEST * wide), int(LARGEST * wide))
    beyond_y, beyond_x = np.minimum(ys * 3 // 2, high), np.minimum(xs * 3 // 2, wide)
    side = down[np.ix_(ys, xs)] / ys[:, None]
    base = across[np.ix_(ys, xs)] / xs[None, :]
    further_down = (down[np.ix_(beyond_y, xs)] - down[np.ix_(ys, xs)]) / (beyond_y - ys)[:, None]
    further_on = (across[np.ix_(ys, beyond_x)] - across[np.ix_(ys, xs)]) / (beyond_x - xs)[None, :]
    score = np.minimum(side, base) - np.maximum(further_down, further_on)
    y, x = np.unravel_index(int(score.argmax()), score.shape)
    return float(score[y, x]), float(ys[y]) / high, float(xs[x]) / wide


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    area = sum((each[2] - each[0]) * (each[3] - each[1]) for each in (one, other))
    return wide * high / (area - wide * high)
