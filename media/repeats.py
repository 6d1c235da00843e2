"""Says which frames of a window show again what an earlier one shows, so that it need not be looked at twice.

What may differ is noise and compression: a cell of 64 by 64 by less than two grey levels on average. Anything that a
network that sees 224 pixels could see changes a cell by more: five pixels of 1280, half as bright again, by 4 or more.
Knows no classifier.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

CELLS: Final = 64
WITHIN: Final = 2.0
"""Levels of 255, in each channel of each cell."""


def shown_before(frames: Iterable[NDArray[np.uint8]]) -> list[int]:
    """Return, for each frame uint8 (H, W, 3), the index of the frame that shows the same: its own, or an earlier one.

    Compared with the last frame that showed something new, never with a repetition: small changes add up.
    """
    shown: list[int] = []
    new: NDArray[np.float32] | None = None
    for at, frame in enumerate(frames):
        cells = cv2.resize(frame, (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(np.float32)
        if new is not None and float(np.abs(cells - new).max()) < WITHIN:
            shown.append(shown[-1])
        else:
            shown.append(at)
            new = cells
    return shown
