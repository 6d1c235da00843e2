"""Draws clips by code that no camera recorded and no generator made: the hard negatives of the origin detector.
Eight kinds, each from a seed: a terminal, windows on a desktop, slides, charts, a platform game, a first-person maze,
shaded solids, a cartoon. A detector that learned "not filmed" instead of "generated" calls them synthetic. They are far
simpler than real games and films; what a detector does on those has to be measured on those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]

HEIGHT, WIDTH = 360, 640
FRAMES = 12
"""At 8 a second."""

_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX)
_WORDS = ("build", "test", "commit", "merge", "status", "error", "file", "line", "total", "range", "value", "index")

Chance = np.random.Generator


def _colour(chance: Chance, low: int = 0, high: int = 255) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in chance.integers(low, high + 1, 3))
    return red, green, blue


def _plain(colour: tuple[int, int, int]) -> Frame:
    return np.full((HEIGHT, WIDTH, 3), colour, np.uint8)


def _write(frame: Frame, words: str, at: tuple[int, int], size: float, colour: tuple[int, int, int], font: int) -> None:
    cv2.putText(frame, words, at, font, size, colour, 1, cv2.LINE_AA)


def _sentence(chance: Chance, words: int) -> str:
    return " ".join(chance.choice(_WORDS, words))


def terminal(chance: Chance) -> list[Frame]:
    """Lines of text that scroll on a dark ground."""
    ground, ink, font = _colour(chance, 0, 40), _colour(chance, 150, 255), int(chance.choice(_FONTS))
    lines = [_sentence(chance, int(chance.integers(2, 9))) for _ in range(60)]
    step, gap = int(chance.integers(0, 3)), int(chance.integers(15, 24))
    frames = []
    for at in range(FRAMES):
        frame = _plain(ground)
        for row in range(HEIGHT // gap):
            _write(frame, lines[(at * step + row) % len(lines)], (8, gap * (row + 1)), 0.5, ink, font)
        frames.append(frame)
    return frames


def desktop(chance: Chance) -> list[Frame]:
    """Windows with buttons and text, and a pointer that moves over them."""
    ground = _gradient(_colour(chance), _colour(chance))
    windows = [
        (
            int(chance.integers(0, 380)),
            int(chance.integers(0, 200)),
            int(chance.integers(140, 320)),
            _colour(chance, 180),
        )
        for _ in range(int(chance.integers(2, 5)))
    ]
    lines, font = [_sentence(chance, 4) for _ in range(40)], int(chance.choice(_FONTS))
    start, pace = chance.uniform(0, 300, 2), chance.uniform(-20, 20, 2)
    still = ground.copy()
    for number, (left, top, wide, colour) in enumerate(windows):
        tall = wide * 2 // 3
        cv2.rectangle(still, (left, top), (left + wide, top + tall), colour, -1)
        cv2.rectangle(still, (left, top), (left + wide, top + 18), _colour(chance, 40, 160), -1)
        for row in range((tall - 30) // 16):
            _write(still, lines[(number * 9 + row) % 40], (left + 8, top + 36 + 16 * row), 0.38, (30, 30, 30), font)
    frames = []
    for at in range(FRAMES):
        frame = still.copy()
        x, y = (int(value) for value in start + pace * at)
        arrow = np.array([(x, y), (x, y + 16), (x + 4, y + 12), (x + 11, y + 11)], np.int32)
        cv2.fillPoly(frame, [arrow], (255, 255, 255), cv2.LINE_AA)
        frames.append(frame)
    return frames


def slides(chance: Chance) -> list[Frame]:
    """A title and points, still or sliding in; now and then a change of slide."""
    frames, change = [], int(chance.integers(4, 20))
    slide = _slide(chance)
    following = _slide(chance)
    for at in range(FRAMES):
        if at < change:
            frames.append(slide.copy())
        else:
            edge = min(WIDTH, (at - change + 1) * WIDTH // 3)
            frames.append(np.concatenate([slide[:, edge:], following[:, :edge]], axis=1))
    return frames


def _slide(chance: Chance) -> Frame:
    light = bool(chance.integers(0, 2))
    frame = _gradient(
        _colour(chance, 200 if light else 0, 255 if light else 60),
        _colour(chance, 180 if light else 0, 255 if light else 90),
    )
    ink, font = ((20, 20, 40) if light else (240, 240, 230)), int(chance.choice(_FONTS))
    _write(frame, _sentence(chance, 3).title(), (40, 70), 1.1, ink, font)
    for row in range(int(chance.integers(2, 6))):
        cv2.circle(frame, (48, 124 + 42 * row), 4, _colour(chance), -1, cv2.LINE_AA)
        _write(frame, _sentence(chance, 5), (64, 130 + 42 * row), 0.6, ink, font)
    return frame


def charts(chance: Chance) -> list[Frame]:
    """Bars or lines that grow."""
    count, bars = int(chance.integers(5, 14)), bool(chance.integers(0, 2))
    heights, colours = chance.uniform(60, 260, (count,)), [_colour(chance, 40, 230) for _ in range(count)]
    frames = []
    for at in range(FRAMES):
        frame = _plain((250, 250, 250))
        cv2.line(frame, (40, 320), (610, 320), (60, 60, 60), 1, cv2.LINE_AA)
        share = (at + 1) / FRAMES
        points = [(60 + 540 * n // count, int(320 - heights[n] * share)) for n in range(count)]
        for (x, y), colour in zip(points, colours, strict=True):
            if bars:
                cv2.rectangle(frame, (x, y), (x + 400 // count, 320), colour, -1)
            else:
                cv2.circle(frame, (x, y), 4, colours[0], -1, cv2.LINE_AA)
        if not bars:
            cv2.polylines(frame, [np.array(points, np.int32)], isClosed=False, color=colours[0], thickness=2)
        frames.append(frame)
    return frames


def platform_game(chance: Chance) -> list[Frame]:
    """Blocky sprites over a scrolling ground of tiles."""
    small = (HEIGHT // 4, WIDTH // 4)
    sky, palette = _colour(chance, 60, 255), [_colour(chance) for _ in range(6)]
    level = np.cumsum(chance.integers(-1, 2, 200)) % 6 + 3
    pace, sprite = int(chance.integers(1, 5)), chance.integers(0, 6, (10, 8))
    frames = []
    for at in range(FRAMES):
        frame = np.full((*small, 3), sky, np.uint8)
        for column in range(small[1]):
            cell = (column + at * pace) // 8
            top = small[0] - int(level[cell % 200]) * 6
            frame[top:, column] = palette[cell % 3]
            frame[top : top + 2, column] = palette[3]
        jump = int(10 * abs(np.sin(at / 3)))
        for row, column in np.ndindex(*sprite.shape):
            if sprite[row, column]:
                frame[30 - jump + row, 60 + column] = palette[int(sprite[row, column])]
        frames.append(cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST))
    return [np.asarray(frame, dtype=np.uint8) for frame in frames]


def maze(chance: Chance) -> list[Frame]:
    """A first-person walk between textured walls, by ray casting."""
    walls = chance.random((12, 12)) < 0.3
    walls[[0, -1]] = walls[:, [0, -1]] = True
    walls[5:8, 5:8] = False
    texture = np.kron(chance.integers(60, 255, (8, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    place, angle, turn = np.array([6.5, 6.5]), float(chance.uniform(0, 6.28)), float(chance.uniform(-0.08, 0.08))
    floor, ceiling = _colour(chance, 20, 120), _colour(chance, 80, 220)
    frames = []
    for _ in range(FRAMES):
        frame = _plain(floor)
        frame[: HEIGHT // 2] = ceiling
        for column in range(0, WIDTH, 4):
            ray = angle + (column / WIDTH - 0.5) * 1.1
            way = np.array([np.cos(ray), np.sin(ray)])
            reach = 0.05
            while reach < 12 and not walls[tuple((place + way * reach).astype(int) % 12)]:
                reach += 0.05
            hit = place + way * reach
            tall = min(HEIGHT, int(HEIGHT / (reach * np.cos(ray - angle) + 1e-3)))
            strip = cv2.resize(texture[:, int((hit.sum() % 1) * 63)][:, None], (4, tall))
            top = (HEIGHT - tall) // 2
            frame[top : top + tall, column : column + 4] = (strip / (1 + reach * 0.25)).astype(np.uint8)
        frames.append(frame)
        angle += turn
    return frames


def solids(chance: Chance) -> list[Frame]:
    """Shaded balls over a checkered floor, lit from one side: an early ray tracer."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    frames = []
    balls = [
        (chance.uniform(80, 560), chance.uniform(80, 260), chance.uniform(30, 90), np.array(_colour(chance, 60)))
        for _ in range(4)
    ]
    light = np.array([chance.uniform(-0.8, 0.8), -0.6, 0.7])
    light /= np.linalg.norm(light)
    drift, dark = chance.uniform(-6, 6, (4, 2)), _colour(chance, 0, 90)
    for at in range(FRAMES):
        depth = np.clip((y - HEIGHT / 2) / (HEIGHT / 2), 0.01, 1)
        checks = (np.floor((x - WIDTH / 2) / depth / 60 + at * 0.1) + np.floor(6 / depth)) % 2
        frame = np.where((y < HEIGHT / 2)[..., None], np.array(_sky(y, dark)), (60 + 120 * checks * depth)[..., None])
        frame = np.broadcast_to(frame, (HEIGHT, WIDTH, 3)).astype(np.float64).copy()
        for (cx, cy, radius, colour), (dx, dy) in zip(balls, drift, strict=True):
            nx, ny = (x - cx - dx * at) / radius, (y - cy - dy * at) / radius
            inside = nx**2 + ny**2 < 1
            nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0, 1))
            diffuse = np.clip(nx * light[0] + ny * light[1] + nz * light[2], 0, 1)
            shade = colour * (0.2 + 0.8 * diffuse[..., None]) + 180 * (diffuse**40)[..., None]
            frame[inside] = shade[inside]
        frames.append(np.clip(frame, 0, 255).astype(np.uint8))
    return frames


def _sky(y: NDArray[np.float64], dark: tuple[int, int, int]) -> NDArray[np.float64]:
    share = (y / HEIGHT * 2)[..., None]
    return np.asarray(np.array(dark) * (1 - share) + 200 * share, dtype=np.float64)


def cartoon(chance: Chance) -> list[Frame]:
    """Flat shapes with outlines that move before hills."""
    sky, hills = _gradient(_colour(chance, 120), _colour(chance, 160)), [_colour(chance, 30, 200) for _ in range(3)]
    waves = chance.uniform(0.004, 0.02, 3)
    shapes = [
        (chance.uniform(60, 580), chance.uniform(60, 220), int(chance.integers(14, 60)), _colour(chance, 40))
        for _ in range(5)
    ]
    pace = chance.uniform(-9, 9, (5, 2))
    frames = []
    for at in range(FRAMES):
        frame = sky.copy()
        for number, colour in enumerate(hills):
            across = np.arange(WIDTH + 1)
            top = 210 + 45 * number + 30 * np.sin(across * waves[number] + at * 0.05 * number)
            edge = np.stack([across, top], axis=1).astype(np.int32)
            cv2.fillPoly(
                frame, [np.vstack([edge, [[WIDTH, HEIGHT], [0, HEIGHT]]]).astype(np.int32)], colour, cv2.LINE_AA
            )
        for (cx, cy, radius, colour), (dx, dy) in zip(shapes, pace, strict=True):
            centre = int(cx + dx * at), int(cy + dy * at)
            cv2.circle(frame, centre, radius, colour, -1, cv2.LINE_AA)
            cv2.circle(frame, centre, radius, (10, 10, 10), 2, cv2.LINE_AA)
            for side in (-1, 1):
                cv2.circle(
                    frame,
                    (centre[0] + side * radius // 3, centre[1] - radius // 4),
                    max(2, radius // 8),
                    (255, 255, 255),
                    -1,
                )
        frames.append(frame)
    return frames


def _gradient(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Frame:
    share = np.linspace(0, 1, HEIGHT)[:, None, None]
    column = np.array(top) * (1 - share) + np.array(bottom) * share
    return np.ascontiguousarray(np.broadcast_to(column, (HEIGHT, WIDTH, 3))).astype(np.uint8)


KINDS: Mapping[str, Callable[[Chance], list[Frame]]] = MappingProxyType(
    {
        "terminal": terminal,
        "desktop": desktop,
        "slides": slides,
        "charts": charts,
        "platform_game": platform_game,
        "maze": maze,
        "solids": solids,
        "cartoon": cartoon,
    }
)
"""Name to what draws twelve frames, uint8 (360, 640, 3)."""


def drawn(kind: str, seed: int) -> list[Frame]:
    """Return a clip of one of `KINDS`: equal seeds draw equal frames."""
    return KINDS[kind](np.random.default_rng([seed, sorted(KINDS).index(kind)]))
