"""Pictures of a video, for lists and previews: one frame, or a grid of frames over its whole length, as JPEG.

Only for files of our own making: strangers' files are decoded through `media.isolation`. A still carries what is in the
pixels (the visible label, the watermark); a credential is added by `safety.previews` before it leaves.
"""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
from PIL import Image

from media.clip import Frames
from media.codec import decode, probe
from media.errors import UnreadableMedia
from media.limits import DEFAULT_LIMITS, Limits

THUMBNAIL_SIDE = 512
"""Longest side of a thumbnail in pixels; smaller videos keep their size."""

TILE_SIDE = 192
"""Longest side of a tile of the sheet in pixels."""

SHEET_COLUMNS = 5
SHEET_TILES = 25

JPEG_QUALITY = 85


def thumbnail_jpeg(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the frame in the middle of a video as JPEG.

    Raises:
        MediaError: the file cannot be decoded within the limits.
    """
    middle_s = probe(path, limits).duration_s / 2
    picked = None
    for time_s, frame in decode(path, limits):
        picked = frame
        if time_s >= middle_s:
            break
    if picked is None:
        raise UnreadableMedia(f"{path.name}: no frame decodes")
    return _jpeg(_fitted(picked, THUMBNAIL_SIDE))


def spritesheet_jpeg(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return up to 25 frames, evenly spread, in rows of five from left to right, as one JPEG.

    Raises:
        MediaError: the file cannot be decoded within the limits.
    """
    times_s = [time_s for time_s, _ in decode(path, limits)]
    count = min(SHEET_TILES, len(times_s))
    wanted = set(np.linspace(0, len(times_s) - 1, count).round().astype(int).tolist())
    tiles = [_fitted(frame, TILE_SIDE) for at, (_, frame) in enumerate(decode(path, limits)) if at in wanted]
    width, height = tiles[0].size
    columns = min(SHEET_COLUMNS, len(tiles))
    sheet = Image.new("RGB", (columns * width, math.ceil(len(tiles) / columns) * height))
    for at, tile in enumerate(tiles):
        sheet.paste(tile, (at % columns * width, at // columns * height))
    return _jpeg(sheet)


def _fitted(frame: Frames, side: int) -> Image.Image:
    picture = Image.fromarray(frame)
    picture.thumbnail((side, side))
    return picture


def _jpeg(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=JPEG_QUALITY)
    return data.getvalue()
