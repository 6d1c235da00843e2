"""Writes a line of a label with a font file of the house: for scripts that the built-in letters do not have.

The height that is asked for is that of the capitals. A letter that the font lacks is an error, never an empty box.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from provenance.base import LabelError

_MISSING = "\uffff"
"""No character: what a font draws for it is what it draws for letters that it lacks."""


def line_width(line: str, capital: float, font: Path) -> int:
    """Return the width of a line in pixels; raises LabelError."""
    left, _, right, _ = _loaded(font, capital, line).getbbox(line)
    return int(np.ceil(right - min(left, 0)))


def write_line(strokes: NDArray[np.uint8], line: str, origin: tuple[int, int], capital: float, font: Path) -> None:
    """Write a line in white, its baseline starting at `origin` (x, y); raises LabelError."""
    picture = Image.fromarray(strokes)
    ImageDraw.Draw(picture).text(origin, line, fill=255, font=_loaded(font, capital, line), anchor="ls")
    strokes[:] = np.asarray(picture)


@lru_cache(maxsize=16)
def _loaded(path: Path, capital: float, line: str) -> ImageFont.FreeTypeFont:
    try:
        trial = ImageFont.truetype(str(path), 100)
        height = -trial.getbbox("H", anchor="ls")[1]
        font = ImageFont.truetype(str(path), max(1, round(100 * capital / max(height, 1))))
    except OSError as error:
        raise LabelError(f"the label's font {path} cannot be read: {error}") from error
    nothing = bytes(trial.getmask(_MISSING))
    if lacking := sorted({each for each in line if not each.isspace() and bytes(trial.getmask(each)) == nothing}):
        raise LabelError(f"the label's font {path.name} has no letter for {' '.join(lacking)}: take another font")
    return font
