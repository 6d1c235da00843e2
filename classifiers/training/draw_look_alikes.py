"""Draws what looks like a hate symbol and is none: signs of temples, wheels, stars, letters and eleven others."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from classifiers.training.strokes import (
    SIDE,
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


def manji(chance: Chance) -> Mask:
    """The sign of temples and maps: upright and left-facing, or right-facing with dots as in Hindu use."""
    dotted = bool(chance.random() < 0.4)
    canvas = hooks(
        chance,
        right=dotted and bool(chance.random() < 0.6),
        tilt=float(chance.normal(0, 4)),
        width=float(chance.uniform(0.12, 0.3)),
        reach=float(chance.uniform(0.7, 1.0)),
    )
    if dotted:
        for x in (-0.45, 0.45):
            for y in (-0.45, 0.45):
                disc(canvas, 0.12, at=(x, y))
    return mask_of(canvas)


def one_bolt(chance: Chance) -> Mask:
    """A flash of lightning, as on switch boxes."""
    canvas, w = blank(), float(chance.uniform(0.3, 0.5))
    points = [[w, -1], [-w, 0.15], [-0.02, 0.15], [-w, 1], [w, -0.2], [0.02, -0.2]]
    fill(canvas, np.array(points) * np.array([chance.choice([-1, 1]), 1]))
    return mask_of(canvas)


def cross(chance: Chance) -> Mask:
    """A Latin, equal or tilted cross, or a plus, with or without a ring that its arms do not cross."""
    canvas, width = blank(), float(chance.uniform(0.12, 0.5))
    low, tilt = float(chance.uniform(0.4, 1.0)), float(chance.choice([0, 0, 45]))
    line(canvas, turned([[0, -low], [0, 1]], tilt), width)
    line(canvas, turned([[-low, 0], [low, 0]], tilt), width)
    if chance.random() < 0.3:
        disc(canvas, 1.04, width=0.08)
    return mask_of(canvas)


def star(chance: Chance) -> Mask:
    """A star of three to eight points, filled or in outline."""
    canvas, points = blank(), int(chance.integers(3, 9))
    inner = float(chance.uniform(0.3, 0.6))
    angles = np.linspace(0, 2 * np.pi, 2 * points, endpoint=False) + chance.uniform(0, 1)
    radii = np.where(np.arange(2 * points) % 2, inner, 1.0)
    path = np.stack([radii * np.sin(angles), -radii * np.cos(angles)], axis=1)
    if chance.random() < 0.6:
        fill(canvas, path)
    else:
        line(canvas, path, 0.12, closed=True)
    return mask_of(canvas)


def hexagram(chance: Chance) -> Mask:
    """Two triangles over each other."""
    canvas, width = blank(), float(chance.uniform(0.08, 0.2))
    for tilt in (0, 180):
        line(canvas, turned([turned([0, -1.0], a) for a in (0, 120, 240)], tilt), width, closed=True)
    return mask_of(canvas)


def peace(chance: Chance) -> Mask:
    """The peace sign."""
    canvas, width = blank(), float(chance.uniform(0.1, 0.22))
    disc(canvas, 0.92, width=width)
    for path in ([[0, -0.92], [0, 0.92]], [[0, 0], [-0.65, 0.65]], [[0, 0], [0.65, 0.65]]):
        line(canvas, path, width)
    return mask_of(canvas)


def wheel(chance: Chance) -> Mask:
    """A wheel, a sun or a gear: straight spokes, inside or outside of its ring."""
    canvas, spokes, width = blank(), int(chance.integers(5, 17)), float(chance.uniform(0.05, 0.16))
    inner = float(chance.uniform(0.1, 0.55))
    if chance.random() < 0.7:
        disc(canvas, 0.95, width=width)
    disc(canvas, inner, width=-1 if chance.random() < 0.5 else width)
    start = float(chance.uniform(0, 30))
    for spoke in range(spokes):
        line(canvas, turned([[0, -inner], [0, -0.95]], start + 360 / spokes * spoke), width)
    return mask_of(canvas)


def pinwheel(chance: Chance) -> Mask:
    """Sails of a windmill, a pinwheel or a propeller: three to eight blades, all leaning one way."""
    canvas, blades = blank(), int(chance.integers(3, 9))
    lean, wide = float(chance.choice([-1, 1])), float(chance.uniform(0.25, 0.6))
    for blade in range(blades):
        path = [[0, 0], [0, -1], [lean * wide, -float(chance.uniform(0.55, 0.75))]]
        fill(canvas, turned(path, 360 / blades * blade))
    return mask_of(canvas)


def triskele(chance: Chance) -> Mask:
    """Three bent legs, or a spiral of three to six arms."""
    arms = int(chance.choice([3, 3, 5, 6]))
    return mask_of(
        hooks(
            chance,
            right=bool(chance.random() < 0.5),
            tilt=float(chance.uniform(0, 120)),
            width=float(chance.uniform(0.12, 0.28)),
            arms=arms,
            reach=float(chance.uniform(0.4, 0.9)),
        )
    )


def meander(chance: Chance) -> Mask:
    """A Greek key or a lattice, as on borders, windows and mazes."""
    canvas, cells = blank(), int(chance.integers(2, 5))
    step, width = 2 / cells, 0.5 / cells * float(chance.uniform(0.3, 0.9))
    for row in range(cells):
        for column in range(cells):
            x, y = -1 + column * step, -1 + row * step
            key = np.array([[0, 1], [0, 0], [0.8, 0], [0.8, 0.75], [0.35, 0.75], [0.35, 0.4]]) * step
            line(canvas, key + np.array([x, y]), width)
    return mask_of(canvas)


def rings(chance: Chance) -> Mask:
    """Rings, targets, or cross-hairs whose lines stop at the ring."""
    canvas, width = blank(), float(chance.uniform(0.06, 0.25))
    for radius in np.linspace(0.95, 0.2, int(chance.integers(1, 4))):
        disc(canvas, float(radius), width=width)
    if chance.random() < 0.4:
        thin = 0.05
        for path in ([[-0.9, 0], [-0.35, 0]], [[0.35, 0], [0.9, 0]], [[0, -0.9], [0, -0.35]], [[0, 0.35], [0, 0.9]]):
            line(canvas, path, thin)
    return mask_of(canvas)


def rune(chance: Chance) -> Mask:
    """A single rune or a short row of them in neutral use: a stave with one to three twigs each."""
    canvas, count, width = blank(), int(chance.integers(1, 4)), float(chance.uniform(0.1, 0.2))
    for place in np.linspace(-0.6, 0.6, count) if count > 1 else [0.0]:
        line(canvas, [[place, -0.9], [place, 0.9]], width)
        for _ in range(int(chance.integers(1, 4))):
            y, lean = float(chance.uniform(-0.8, 0.6)), float(chance.choice([-1, 1]))
            line(canvas, [[place, y], [place + lean * 0.4, y + float(chance.uniform(-0.35, 0.35))]], width)
    return mask_of(canvas)


def letters(chance: Chance) -> Mask:
    """One to three letters or digits."""
    picture = Image.new("L", (SIDE, SIDE))
    count = int(chance.choice([1, 1, 2, 3]))
    words = "".join(chance.choice(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghkmnrstxyz0123456789#&+%X"), count))
    font = ImageFont.load_default(size=round(SIDE * (0.95 if count == 1 else 1.2 / count)))
    left, top, right, bottom = font.getbbox(words)
    place = ((SIDE - right - left) / 2, (SIDE - bottom - top) / 2)
    stroke = int(chance.integers(0, 5))
    ImageDraw.Draw(picture).text(place, words, fill=255, font=font, stroke_width=stroke)
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


def plain_banner(chance: Chance) -> Mask:
    """A flag with a stripe, a disc, a skull or lines of writing, but not in the banner's layout."""
    canvas, kind = blank(), int(chance.integers(0, 4))
    if kind == 0:
        height = float(chance.uniform(0.2, 0.5))
        fill(canvas, [[-1, -height], [1, -height], [1, height], [-1, height]])
    elif kind == 1:
        disc(canvas, float(chance.uniform(0.3, 0.7)))
    elif kind == 2:
        disc(canvas, 0.45, at=(0, -0.2))
        for x in (-0.17, 0.17):
            disc(canvas, 0.12, at=(x, -0.22), value=0)
        line(canvas, [[-0.7, 0.3], [0.7, 0.85]], 0.12)
        line(canvas, [[0.7, 0.3], [-0.7, 0.85]], 0.12)
    else:
        for y in np.linspace(-0.8, 0.6, int(chance.integers(2, 6))):
            scribble(canvas, chance, (-0.9, float(y), 0.9, float(y) + 0.2), 255)
    return mask_of(canvas)


LIKE: Final[dict[str, Shape]] = {
    "manji": manji,
    "one_bolt": one_bolt,
    "cross": cross,
    "star": star,
    "hexagram": hexagram,
    "peace": peace,
    "wheel": wheel,
    "pinwheel": pinwheel,
    "triskele": triskele,
    "meander": meander,
    "rings": rings,
    "rune": rune,
    "letters": letters,
    "plain_banner": plain_banner,
}
"""What looks like one of them and is none."""
