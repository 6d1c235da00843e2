"""Finds flashing that can trigger seizures, in every decoded frame: how fast, and from when to when.

After the common core of ITU-R BT.1702 and WCAG 2 (three flashes or below threshold): a flash is a pair of opposing
changes of relative luminance by 0.1 or more where the darker state is below 0.8, or of saturated red; flashes count
when a quarter of the picture or more flashes together. Works on 32x32 thumbnails, so patterns (stripes, checkers) and
screens seen from another distance are not judged. Holds one second of history, whatever the length.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

KINDS = ("general", "red")
"""Of flashing: of luminance, of saturated red."""

Values = NDArray[np.float32]

STEP = 0.1
"""Change of relative luminance that counts: 10 % of the maximum (WCAG); 20 of 200 cd/m2 (BT.1702)."""

DARK_BELOW = 0.8
"""Relative luminance that the darker state must not reach (WCAG); 160 of 200 cd/m2 (BT.1702)."""

RED_STEP = 20 / 320
"""Change of max(R - G - B, 0) that counts, with linear R, G, B in [0, 1] (WCAG: 20, where it is scaled by 320)."""

RED_SHARE = 0.8
"""R / (R + G + B) from which red is saturated (WCAG)."""

AREA = 0.25
"""Share of the picture that must change together."""

TOGETHER_S = 0.1
"""Seconds within which changes of one direction belong to one: a flash may be blended over a few frames."""

SECOND = 1.0
GAP_S = 1.0
"""Flashing that pauses for longer begins anew."""

FEWEST = 2
"""Flashes within a second from which a stretch is told at all; what is too many is the policy's matter."""


@dataclass(frozen=True, slots=True)
class Flashing:
    """A stretch of a video that flashes."""

    kind: str
    """`general` (luminance) or `red`."""

    start_s: float
    end_s: float
    per_second: int
    """Most flashes that begin and end within one second of the stretch."""

    peak_s: float
    """End of that second."""


@dataclass
class _Meter:
    """Opposing changes of one quantity."""

    kind: str
    step: float
    below: float
    """Counts only if the lower of both states is below."""

    _extreme: Values | None = None
    _rising: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    _since: dict[bool, NDArray[np.float64]] = field(default_factory=dict)
    """By direction: when each cell last changed so far."""

    _changes: deque[tuple[float, bool]] = field(default_factory=deque)
    """Changes of a quarter of the picture within the last second: time, whether upwards."""

    _last: bool | None = None
    found: list[Flashing] = field(default_factory=list)

    def offer(self, time_s: float, values: Values) -> None:
        if self._extreme is None:
            self._extreme = values.copy()
            self._rising = np.zeros(values.shape, bool)
            self._since = {up: np.full(values.shape, -np.inf) for up in (True, False)}
            return
        extreme, rising = self._extreme, self._rising
        np.copyto(extreme, np.maximum(extreme, values), where=rising)
        np.copyto(extreme, np.minimum(extreme, values), where=~rising)
        fallen = rising & (extreme - values >= self.step) & (values < self.below)
        risen = ~rising & (values - extreme >= self.step) & (extreme < self.below)
        turned = fallen | risen
        np.copyto(extreme, values, where=turned)
        self._rising = rising ^ turned
        for up, cells in ((True, risen), (False, fallen)):
            since = self._since[up]
            since[cells] = time_s
            if cells.any() and up is not self._last and float((since > time_s - TOGETHER_S).mean()) >= AREA:
                self._last = up
                self._changes.append((time_s, up))
                since.fill(-np.inf)
                self._count(time_s)

    def _count(self, time_s: float) -> None:
        while self._changes and self._changes[0][0] <= time_s - SECOND - 1e-9:
            self._changes.popleft()
        flashes = len(self._changes) // 2
        if flashes < FEWEST:
            return
        start_s = self._changes[0][0]
        last = self.found[-1] if self.found else None
        if last is not None and start_s - last.end_s <= GAP_S:
            best = max((flashes, -time_s), (last.per_second, -last.peak_s))
            self.found[-1] = Flashing(self.kind, last.start_s, time_s, best[0], -best[1])
        else:
            self.found.append(Flashing(self.kind, start_s, time_s, flashes, time_s))


class FlashMeter:
    """Takes every frame of a video in order."""

    def __init__(self) -> None:
        self._general = _Meter("general", STEP, DARK_BELOW)
        self._red = _Meter("red", RED_STEP, np.inf)
        self._time_s = 0.0
        self._linear = (((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4).astype(np.float32)
        low = np.arange(256) / 255 <= 0.04045
        self._linear[low] = (np.arange(256) / 255 / 12.92).astype(np.float32)[low]

    def offer(self, time_s: float, colours: NDArray[np.uint8]) -> None:
        """Take the next frame as uint8 (32, 32, 3) RGB thumbnail, at its time in seconds."""
        self._time_s = time_s
        linear = self._linear[colours]
        red, green, blue = linear[..., 0], linear[..., 1], linear[..., 2]
        self._general.offer(time_s, 0.2126 * red + 0.7152 * green + 0.0722 * blue)
        total = red + green + blue
        saturated = red >= RED_SHARE * np.maximum(total, 1e-6)
        self._red.offer(time_s, np.where(saturated, np.maximum(red - green - blue, 0), 0).astype(np.float32))

    def taken(self, *, rest: bool = False) -> list[Flashing]:
        """Return and forget the stretches that are over, in order of time; with `rest`, those that go on too."""
        over: list[Flashing] = []
        for meter in (self._general, self._red):
            done = [each for each in meter.found if rest or each.end_s < self._time_s - GAP_S - SECOND]
            meter.found = [each for each in meter.found if each not in done]
            over += done
        return sorted(over, key=lambda each: (each.start_s, each.kind))
