"""Draws a contact sheet: frames of a video in order of time, each with its time, flagged ones framed in red with a box.

Draws what it is given and decides nothing about it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from media.durable import publish
from media.errors import StorageError
from media.glimpse import Frame

COLUMNS = 6
TILE_WIDTH = 240
"""Pixels."""

_LABEL = 18
_EDGE = 4
_GROUND, _INK, _ALARM = (24, 24, 24), (225, 225, 225), (214, 40, 40)
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Tile:
    """One frame of a sheet."""

    time_s: float
    frame: Frame
    caption: str = ""
    """A few ASCII characters, for flagged frames."""

    box: Box | None = None
    """(left, top, right, bottom), shares of width and height."""

    @property
    def flagged(self) -> bool:
        """Whether something was found here."""
        return bool(self.caption)


def draw_sheet(tiles: Sequence[Tile]) -> Frame:
    """Return the sheet, uint8 (H, W, 3), RGB, six tiles a row in the order given; of no tiles, an empty one."""
    drawn = [_tile(each) for each in tiles]
    height = max((each.shape[0] for each in drawn), default=_LABEL)
    rows = max(1, math.ceil(len(drawn) / COLUMNS))
    columns = max(1, min(COLUMNS, len(drawn)))
    sheet = np.full((rows * (height + _EDGE) + _EDGE, columns * (TILE_WIDTH + _EDGE) + _EDGE, 3), _GROUND, np.uint8)
    for at, each in enumerate(drawn):
        top, left = _EDGE + at // COLUMNS * (height + _EDGE), _EDGE + at % COLUMNS * (TILE_WIDTH + _EDGE)
        sheet[top : top + each.shape[0], left : left + TILE_WIDTH] = each
    return sheet


def write_sheet(tiles: Sequence[Tile], path: Path) -> None:
    """Write a sheet as PNG, whole or not at all.

    Raises:
        StorageError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        Image.fromarray(draw_sheet(tiles)).save(temporary, "PNG")
        publish(temporary, path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or type(error).__name__}") from error
    finally:
        temporary.unlink(missing_ok=True)


def clock(time_s: float) -> str:
    """Return a time as `1:02:03.45`, without hours where there are none."""
    hundredths = round(time_s * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    ahead = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{ahead}:{rest // 100:02}.{rest % 100:02}"


def _tile(tile: Tile) -> Frame:
    height = max(1, round(tile.frame.shape[0] * TILE_WIDTH / tile.frame.shape[1]))
    height = min(height, 2 * TILE_WIDTH)
    picture = np.asarray(cv2.resize(tile.frame, (TILE_WIDTH, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    label = np.full((_LABEL, TILE_WIDTH, 3), _ALARM if tile.flagged else _GROUND, np.uint8)
    text = f"{clock(tile.time_s)} {tile.caption}".encode("ascii", "replace").decode()
    cv2.putText(label, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _INK, 1, cv2.LINE_AA)
    if tile.box is not None:
        left, top, right, bottom = tile.box
        corners = (round(left * TILE_WIDTH), round(top * height)), (round(right * TILE_WIDTH), round(bottom * height))
        cv2.rectangle(picture, *corners, _ALARM, 2)
    whole = np.concatenate([picture, label])
    if tile.flagged:
        cv2.rectangle(whole, (0, 0), (TILE_WIDTH - 1, whole.shape[0] - 1), _ALARM, 3)
    return whole
