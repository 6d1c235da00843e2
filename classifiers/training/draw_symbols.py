"""Draws the hate symbols that the symbol head learns from: seven, as masks in [0, 1] with chance in their proportions.

Only the geometry of published reference lists of hate symbols is used; nothing is copied from pictures, and no finished
picture is kept: training draws, learns and forgets. What looks like them is `draw_look_alikes`; colours, surroundings
and wear are `compose_symbols`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from classifiers.training.strokes import (
    Chance,
    Mask,
    Shape,
    blank,
    disc,
    fill,
    hooks,
    line,
    mask_of,
    scribble,
    turned,
)


def hook(chance: Chance) -> Mask:
    """The hooked cross as it was used from 1920 on: right-facing, mostly on its point; sometimes scrawled mirrored."""
    tilted = chance.random() < 0.75
    return mask_of(
        hooks(
            chance,
            right=bool(chance.random() < 0.88) or not tilted,
            tilt=(45 if tilted else 0) + float(chance.normal(0, 5)),
            width=float(chance.uniform(0.16, 0.42)),
            reach=float(chance.uniform(0.8, 1.02)),
        )
    )


def bolts(chance: Chance) -> Mask:
    """Two sig runes side by side."""
    canvas, width, lean = blank(), float(chance.uniform(0.16, 0.3)), float(chance.uniform(0.05, 0.25))
    gap, high = float(chance.uniform(0.5, 0.75)), float(chance.uniform(0.75, 1.0))
    for middle in (-gap / 1.6, gap / 1.6):
        path = [[middle + lean, -high], [middle - gap / 3, 0.12], [middle + gap / 3, -0.12], [middle - lean, high]]
        line(canvas, path, width)
    return mask_of(canvas)


def celtic(chance: Chance) -> Mask:
    """The short ringed cross of white nationalists: four equal arms that cross the ring."""
    canvas, width = blank(), float(chance.uniform(0.14, 0.3))
    disc(canvas, float(chance.uniform(0.56, 0.75)), width=width)
    reach = float(chance.uniform(0.9, 1.05))
    for path in ([[-reach, 0], [reach, 0]], [[0, -reach], [0, reach]]):
        line(canvas, path, width)
    return mask_of(canvas)


def sonnenrad(chance: Chance) -> Mask:
    """Twelve bent rays between two rings."""
    canvas, width, bend = blank(), float(chance.uniform(0.06, 0.12)), float(chance.choice([-1, 1]))
    inner, outer = float(chance.uniform(0.25, 0.4)), float(chance.uniform(0.88, 1.0))
    disc(canvas, outer, width=width)
    disc(canvas, inner, width=width if chance.random() < 0.7 else -1)
    middle = (inner + outer) / 2
    for ray in range(12):
        path = [[0, -inner], [0, -middle], [bend * 0.24, -middle + 0.1], [bend * 0.24, -outer]]
        line(canvas, turned(path, 30 * ray), width * 1.1)
    return mask_of(canvas)


def wolfsangel(chance: Chance) -> Mask:
    """A bar with opposite hooks at its ends and a short bar through it."""
    canvas, width = blank(), float(chance.uniform(0.14, 0.26))
    hook_s, bar = float(chance.uniform(0.3, 0.5)), float(chance.uniform(0.3, 0.55))
    path = np.array([[-hook_s, -0.55], [0, -0.95], [0, 0.95], [hook_s, 0.55]])
    tilt = float(chance.choice([0, 90])) + float(chance.normal(0, 4))
    line(canvas, turned(path, tilt), width)
    line(canvas, turned([[-bar, 0.18], [bar, -0.18]], tilt), width)
    return mask_of(canvas)


def blood_drop(chance: Chance) -> Mask:
    """A cross in a disc with a drop in its middle."""
    canvas = blank()
    disc(canvas, 1.0)
    width, tilt = float(chance.uniform(0.22, 0.34)), float(chance.choice([0, 45]))
    for path in ([[-0.97, 0], [0.97, 0]], [[0, -0.97], [0, 0.97]]):
        line(canvas, turned(path, tilt), width, value=0)
    half = width * float(chance.uniform(0.75, 1.0))
    fill(canvas, turned([[-half, -half], [half, -half], [half, half], [-half, half]], tilt), 0)
    drop = [(0, -half * 0.8)] + [
        (half * 0.55 * np.cos(a), half * 0.25 + half * 0.55 * np.sin(a)) for a in np.linspace(-0.5, np.pi + 0.5, 16)
    ]
    fill(canvas, drop)
    return mask_of(canvas)


def banner(chance: Chance) -> Mask:
    """The layout of a black banner: a line of script above a pale seal. No lettering is drawn, only strokes."""
    canvas = blank()
    top = float(chance.uniform(-0.9, -0.6))
    scribble(canvas, chance, (-0.9, top, 0.9, top + 0.4), 255)
    radius, low = float(chance.uniform(0.34, 0.46)), float(chance.uniform(0.25, 0.45))
    edge = [
        (radius * w * np.cos(a), low + radius * w * np.sin(a))
        for a, w in zip(np.linspace(0, 2 * np.pi, 20), chance.uniform(0.9, 1.08, 20), strict=True)
    ]
    fill(canvas, edge)
    for offset in (-0.15, 0.0, 0.15):
        scribble(canvas, chance, (-radius * 0.6, low + offset - 0.04, radius * 0.6, low + offset + 0.04), 0)
    return mask_of(canvas)


HATE: Final[dict[str, Shape]] = {
    "hook": hook,
    "bolts": bolts,
    "celtic": celtic,
    "sonnenrad": sonnenrad,
    "wolfsangel": wolfsangel,
    "blood_drop": blood_drop,
    "banner": banner,
}
"""Class -> how it is drawn."""
