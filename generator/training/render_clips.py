"""Draws captioned clips of Scenes: the only training data of the embedded checkpoint.

A clip is decided by its index alone (scene, layout, caption), so training can resume anywhere and nothing is
stored. Every length is a share of the frame, so the same clip can be drawn at any size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from generator.scene import SLOTS, STEADY, WORDS, Scene, choices
from generator.training.draw_objects import draw_object
from media.clip import Frames

FPS = 8.0
MARGIN = 0.2
"""An object stops this share of the frame before the edge."""

SKY = {
    "by day": ((84, 156, 236), (206, 228, 246)),
    "at sunset": ((96, 62, 132), (250, 150, 76)),
    "at night": ((8, 10, 34), (32, 38, 84)),
}
GROUND = {
    "over a meadow": (84, 168, 66),
    "over the ocean": (36, 96, 176),
    "over a desert": (226, 190, 118),
    "in a city": (104, 104, 112),
    "over snow": (240, 244, 250),
}
TINT = {"by day": (1.0, 1.0, 1.0), "at sunset": (1.0, 0.74, 0.62), "at night": (0.28, 0.32, 0.5)}
LIGHT = {"by day": (255, 246, 190), "at sunset": (255, 204, 110), "at night": (226, 228, 236)}
RADIUS = {"big": 0.27, "small": 0.18}
PAN = 0.11
"""Shares of the frame's width by which the background passes in a second while the camera pans."""

ZOOM = 0.17
"""Growth of the picture in a second while the camera zooms in."""

LONGEST_S = 5.0
"""Cameras come to rest after this many seconds."""

STEADY_SHARE = 0.6
PARAPHRASES = (
    "{size} {colour} {shape} {motion} {place} {time}",
    "{time}, a {size} {colour} {shape} {motion} {place}",
    "a {colour} {shape} {motion} {place}",
    "a video of a {size} {colour} {shape} {motion}, {place}, {time}",
    "{place} {time}: a {colour} {shape} {motion}",
)


@dataclass(frozen=True)
class Layout:
    """What a Scene leaves open: places are shares of the frame in [0, 1], times are seconds."""

    x: float
    y: float
    speed: float
    start_s: float
    phase: float
    horizon: float
    light_x: float
    detail_seed: int


@dataclass(frozen=True)
class Example:
    """One training clip before it is drawn."""

    scene: Scene
    layout: Layout
    caption: str


def example(index: int, seed: int = 0) -> Example:
    """Return the clip with this index of the endless data set `seed`."""
    rng = np.random.default_rng((seed, index))
    drawn = {slot: str(rng.choice(choices(slot))) for slot in SLOTS}
    scene = Scene(**drawn | ({"camera": STEADY} if rng.random() < STEADY_SHARE else {}))
    return Example(scene, layout(scene, rng), caption(scene, rng))


def layout(scene: Scene, rng: np.random.Generator) -> Layout:
    """Draw the free choices of a scene. One clip in three starts late, so that continuations are learned too."""
    late = rng.random() < 0.3
    across, along = rng.uniform(0.05, 0.35), rng.uniform(0.35, 0.65)
    x, y = {
        "moving to the left": (1 - across, along),
        "moving to the right": (across, along),
        "rising": (along, 1 - across),
        "falling": (along, across),
        "bouncing": (along, 0.7),
        "standing still": (along, rng.uniform(0.4, 0.65)),
    }[scene.motion]
    return Layout(
        x=float(x),
        y=float(y),
        speed=float(rng.uniform(0.2, 0.32)),
        start_s=float(rng.uniform(0, 3)) if late else 0.0,
        phase=float(rng.uniform(0, 1)),
        horizon=float(rng.uniform(0.55, 0.7)),
        light_x=float(rng.uniform(0.12, 0.88)),
        detail_seed=int(rng.integers(1 << 30)),
    )


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """Return the canonical caption in two cases of three, else a paraphrase with other words."""
    if rng.random() < 0.67:
        return scene.caption
    words = {slot: getattr(scene, slot) for slot in SLOTS}
    filmed = "" if scene.camera == STEADY else f", {rng.choice((scene.camera, *WORDS['camera'][scene.camera]))}"
    for slot in ("size", "colour", "shape"):
        if rng.random() < 0.3:
            words[slot] = str(rng.choice(WORDS[slot][words[slot]]))
    return PARAPHRASES[rng.integers(len(PARAPHRASES))].format(**words) + filmed


def centre(scene: Scene, plan: Layout, time_s: float) -> tuple[float, float]:
    """Return where the object is, as shares of width and height: it moves until it meets the margin, then rests."""
    path, t = plan.speed * (plan.start_s + time_s), plan.start_s + time_s
    match scene.motion:
        case "moving to the left":
            return max(plan.x - path, MARGIN), plan.y
        case "moving to the right":
            return min(plan.x + path, 1 - MARGIN), plan.y
        case "rising":
            return plan.x, max(plan.y - path, MARGIN)
        case "falling":
            return plan.x, min(plan.y + path, 1 - MARGIN)
        case "bouncing":
            return plan.x, plan.y - 0.36 * abs(np.sin(np.pi * (t + plan.phase)))
    return plan.x, plan.y


def render(scene: Scene, plan: Layout, width: int, height: int, frames: int, fps: float = FPS) -> Frames:
    """Draw the clip.

    Returns:
        uint8 (frames, height, width, 3), RGB.
    """
    wide = 2 * width if "pans" in scene.camera else width
    background = draw_background(scene, plan, wide, height)
    clip = np.empty((frames, height, width, 3), np.uint8)
    for number, picture in enumerate(clip):
        view, radius = filmed(scene, plan, width, height, number / fps)
        cv2.warpAffine(background, view, (width, height), dst=picture, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        x, y = centre(scene, plan, number / fps)
        draw_object(picture, scene.shape, scene.colour, (x * width, y * height), radius)
    return clip


def filmed(scene: Scene, plan: Layout, width: int, height: int, time_s: float) -> tuple[NDArray[np.float64], float]:
    """Return where the camera looks and the object's radius in pixels.

    Where it looks is the 2x3 matrix from pixels of the picture to pixels of the background, which is twice as wide
    while the camera pans. The object keeps its place in the picture: the camera turns behind it.
    """
    t = min(plan.start_s + time_s, LONGEST_S)
    left, scale = 0.0, 1.0
    match scene.camera:
        case "the camera pans left":
            left = (0.75 - PAN * t) * width
        case "the camera pans right":
            left = (0.25 + PAN * t) * width
        case "the camera zooms in":
            scale = 1 / (1 + ZOOM * min(t, 3.0))
    view = np.array([[scale, 0, left + (1 - scale) * width / 2], [0, scale, (1 - scale) * height / 2]])
    return view, RADIUS[scene.size] * min(width, height) / scale


def object_mask(
    scene: Scene, plan: Layout, width: int, height: int, frames: int, fps: float = FPS
) -> NDArray[np.bool_]:
    """Return bool (frames, height, width): the disc round the object, for weighting the training loss."""
    rows, columns = np.mgrid[:height, :width]
    masks = []
    for number in range(frames):
        x, y = centre(scene, plan, number / fps)
        reach = filmed(scene, plan, width, height, number / fps)[1] * 1.12 + 2
        masks.append((columns - x * width) ** 2 + (rows - y * height) ** 2 < reach**2)
    return np.stack(masks)


def draw_background(scene: Scene, plan: Layout, width: int, height: int) -> NDArray[np.uint8]:
    """Draw sky, sun or moon, and ground. Returns uint8 (height, width, 3), RGB."""
    rng = np.random.default_rng(plan.detail_seed)
    if scene.place == "in space":
        return _space(scene, rng, width, height)
    top, bottom = (np.array(c, np.float64) for c in SKY[scene.time])
    down = np.linspace(0, 1, height)[:, None, None]
    shades = np.repeat(top + (bottom - top) * np.minimum(down / plan.horizon, 1), width, axis=1)
    picture = np.ascontiguousarray(shades.astype(np.uint8))
    light_y = {"by day": 0.13, "at sunset": plan.horizon - 0.06, "at night": 0.15}[scene.time]
    _disc(picture, plan.light_x * width, light_y * height, 0.07 * min(width, height), LIGHT[scene.time])
    ground = np.array(GROUND[scene.place]) * TINT[scene.time]
    horizon = plan.horizon * height
    if scene.place == "in a city":
        left = 0.0
        while left < width:
            wide, high = rng.uniform(0.12, 0.22) * height, rng.uniform(0.15, 0.42) * height
            shade = np.array((150, 140, 136)) * rng.uniform(0.75, 1.1) * TINT[scene.time]
            _polygon(
                picture,
                [(left, horizon), (left, horizon - high), (left + wide, horizon - high), (left + wide, horizon)],
                shade,
            )
            left += wide
    swell = {"over a meadow": 0.03, "over a desert": 0.05, "over snow": 0.04}.get(scene.place, 0.0) * height
    xs = np.linspace(0, width, 25)
    edge = horizon + swell * np.sin(2 * np.pi * (xs / height * rng.uniform(0.8, 1.6) + rng.random()))
    _polygon(picture, [*zip(xs, edge, strict=True), (width, height), (0, height)], ground)
    if scene.place == "over the ocean":
        for row in np.linspace(horizon + 0.08 * height, height, 3):
            _polygon(
                picture,
                [(0, row), (width, row), (width, row + 0.02 * height), (0, row + 0.02 * height)],
                np.minimum(ground * 1.35 + 8, 255),
            )
    return picture


def _space(scene: Scene, rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    glow = {"by day": (16, 18, 40), "at sunset": (40, 14, 30), "at night": (4, 4, 12)}[scene.time]
    picture = np.full((height, width, 3), glow, np.uint8)
    for _ in range(9):
        _disc(picture, rng.random() * width, rng.random() * height, 0.014 * min(width, height), (230, 230, 240))
    planet = np.array((120, 110, 150)) * rng.uniform(0.7, 1.1)
    _disc(picture, rng.uniform(0.2, 0.8) * width, 1.42 * height, 0.55 * max(width, height), planet)
    return picture


def _disc(picture: NDArray[np.uint8], x: float, y: float, radius: float, colour: object) -> None:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    _polygon(picture, [*zip(x + radius * np.cos(angles), y + radius * np.sin(angles), strict=True)], colour)


def _polygon(picture: NDArray[np.uint8], corners: object, colour: object) -> None:
    points = np.round(np.asarray(corners, np.float64) * 16).astype(np.int32)
    cv2.fillPoly(picture, [points], [float(c) for c in np.asarray(colour)], cv2.LINE_AA, shift=4)
