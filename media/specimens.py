"""Clips of many kinds, made here: what marks and fingerprints are measured on when nobody brings videos.

Drawn from numbers alone, or moved over photographs that installed packages ship (scikit-learn always, scikit-image
where it is installed); where a photograph is missing its clips are left out, and the list says so by being shorter.
Equal arguments give equal pixels. Not test data of any classifier: nothing here is judged.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from media.clip import Clip, Frames

FPS = 24.0
FRAMES = 60
"""Two and a half seconds: a trim to two still cuts something off."""

Picture = NDArray[np.uint8]
Size = tuple[int, int]
"""Height and width in pixels."""

WIDE: Size = (360, 640)


@dataclass(frozen=True)
class Specimen:
    """One clip that can be made."""

    name: str
    photographs: tuple[str, ...]
    """`package/path` of what it moves over; empty: drawn from numbers."""

    draw: Callable[[list[Picture], int], Frames]
    """Photographs and a number of frames, to uint8 (T, H, W, 3)."""

    fps: float = FPS


def specimens() -> Iterator[Specimen]:
    """Yield what can be made on this machine, always in the same order."""
    for specimen in _CATALOG:
        if all(_photograph_path(name) is not None for name in specimen.photographs):
            yield specimen


def make(specimen: Specimen, frames: int = FRAMES) -> Clip:
    """Return the clip: `frames` frames at the specimen's own rate."""
    pictures = [_photograph(name) for name in specimen.photographs]
    drawn = specimen.draw(pictures, frames)
    return Clip(drawn, np.arange(len(drawn), dtype=np.float64) / specimen.fps, specimen.fps)


def _photograph_path(name: str) -> Path | None:
    package, _, rest = name.partition("/")
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / rest
    return path if path.is_file() else None


def _photograph(name: str) -> Picture:
    path = _photograph_path(name)
    read = None if path is None else cv2.imread(str(path), cv2.IMREAD_COLOR)
    if read is None:
        raise FileNotFoundError(f"the photograph {name} is not installed")
    return np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), np.uint8)


def _path(size: Size, speed: float, zoom: float = 1.0, turn: float = 0.0, shake: float = 0.0) -> Callable[..., Frames]:
    """A camera over one photograph: `speed` and `shake` in output pixels a frame, `zoom` a frame, `turn` in degrees."""

    def draw(pictures: list[Picture], count: int) -> Frames:
        picture = pictures[0]
        height, width = size
        random = np.random.default_rng(7)
        wide = abs(speed) * count + 6 * shake + 8
        scale = max((width + wide) / picture.shape[1], (height + wide * 0.4) / picture.shape[0])
        out = np.empty((count, height, width, 3), np.uint8)
        for index in range(count):
            step = index - count / 2
            grown = scale * zoom**index
            place = cv2.getRotationMatrix2D((picture.shape[1] / 2, picture.shape[0] / 2), turn * step, grown)
            place[0, 2] += width / 2 - picture.shape[1] / 2 + speed * step + random.normal(0, shake)
            place[1, 2] += height / 2 - picture.shape[0] / 2 + 0.3 * speed * step + random.normal(0, shake)
            out[index] = cv2.warpAffine(
                picture, place, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
            )
        return out

    return draw


def _noisy(inner: Callable[..., Frames], gain: float, noise: float, lift: float = 0.0) -> Callable[..., Frames]:
    """The same under another light: levels times `gain` plus `lift`, with the grain of a sensor, in levels."""

    def draw(pictures: list[Picture], count: int) -> Frames:
        random = np.random.default_rng(3)
        out = inner(pictures, count)
        for frame in out:
            grain = random.normal(0, noise, frame.shape[:2]).astype(np.float32)[..., None] if noise else 0.0
            frame[:] = np.clip(frame.astype(np.float32) * gain + lift + grain, 0, 255)
        return out

    return draw


def _surveillance(pictures: list[Picture], count: int) -> Frames:
    """A camera that does not move: a little noise, a clock, and something small that crosses."""
    out = _noisy(_path((480, 640), 0.0), 0.8, 2.0)(pictures, count)
    for index, frame in enumerate(out):
        cv2.putText(frame, f"CAM 02  12:04:{index // 24:02d}", (12, 28), cv2.FONT_HERSHEY_PLAIN, 1.6, (255,) * 3, 2)
        cv2.circle(frame, (40 + 6 * index, 330), 16, (60, 40, 40), -1)
    return out


def _letterboxed(pictures: list[Picture], count: int) -> Frames:
    out = _path(WIDE, 2.0)(pictures, count)
    out[:, :45] = out[:, -45:] = 0
    return out


def _slides(pictures: list[Picture], count: int) -> Frames:
    """A hard cut every 15 frames."""
    stills = [_path(WIDE, 0.0)([picture], 1)[0] for picture in pictures]
    return np.stack([stills[index // 15 % len(stills)] for index in range(count)])


def _faded(pictures: list[Picture], count: int) -> Frames:
    first, second = (_path(WIDE, 1.0)([picture], count).astype(np.float32) for picture in pictures)
    share = np.linspace(0, 1, count, dtype=np.float32)[:, None, None, None]
    return np.asarray(first * (1 - share) + second * share, np.float32).astype(np.uint8)


def _discs(size: Size, soft: float, speed: float, seed: int) -> Callable[..., Frames]:
    """Discs over a gradient: hard edges are a cartoon, soft ones what the embedded generator draws."""

    def draw(_pictures: list[Picture], count: int) -> Frames:
        random = np.random.default_rng(seed)
        rows, columns = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32) / size[0]
        base = random.uniform(20, 235, 3) + (rows[..., None] - 0.5) * random.uniform(-120, 120, 3)
        discs = [
            (random.uniform(0.1, 0.9, 2), random.normal(0, speed, 2), random.uniform(0.05, 0.25)) for _ in range(6)
        ]
        colours = random.uniform(0, 255, (6, 3))
        out = np.empty((count, *size, 3), np.uint8)
        for index in range(count):
            frame = base
            for (place, velocity, radius), colour in zip(discs, colours, strict=True):
                y, x = place + velocity * index
                inside = np.hypot(rows - y, columns - x * size[1] / size[0]) - radius
                cover = 1 / (1 + np.exp(np.clip(inside / soft, -30, 30)))[..., None]
                frame = frame * (1 - cover) + colour * cover
            out[index] = np.clip(np.rint(frame), 0, 255)
        return out

    return draw


def _text_page(size: Size, *, dark: bool) -> Picture:
    """Lines of words: a page that is scrolled, or a terminal."""
    random = np.random.default_rng(5)
    page = np.full((size[0] * 2, size[1], 3), 24 if dark else 250, np.uint8)
    ink = (200, 220, 200) if dark else (30, 30, 30)
    for line in range(24, len(page), 20):
        words = " ".join("".join(chr(97 + c) for c in random.integers(0, 26, n)) for n in random.integers(2, 10, 9))
        cv2.putText(page, words, (14, line), cv2.FONT_HERSHEY_PLAIN, 1.05, ink, 1, cv2.LINE_AA)
    return page


def _screen(size: Size, speed: int, *, dark: bool = False) -> Callable[..., Frames]:
    def draw(_pictures: list[Picture], count: int) -> Frames:
        page = _text_page(size, dark=dark)
        out = np.stack([page[speed * index : speed * index + size[0]] for index in range(count)])
        for index, frame in enumerate(out):
            cv2.circle(frame, (100 + 4 * index, 200 + index), 5, (230, 80, 60), -1)
        return out

    return draw


def _clouds(scale: float, contrast: float, drift: int) -> Callable[..., Frames]:
    """Smoothed noise that drifts: fog, water, or at a fine scale grass in the wind."""

    def draw(_pictures: list[Picture], count: int) -> Frames:
        random = np.random.default_rng(11)
        field = cv2.GaussianBlur(random.normal(0, 1, (420, 640 + drift * count, 3)).astype(np.float32), (0, 0), scale)
        field = 128 + contrast * field / field.std()
        frames = [field[index % 60 : index % 60 + 360, drift * index : drift * index + 640] for index in range(count)]
        return np.stack([np.clip(frame, 0, 255).astype(np.uint8) for frame in frames])

    return draw


def _particles(_pictures: list[Picture], count: int) -> Frames:
    """Bright dots falling before a dark ground: snow at night."""
    random = np.random.default_rng(13)
    places, speeds = random.uniform(0, 1, (300, 2)), random.uniform(0.004, 0.02, 300)
    out = np.full((count, *WIDE, 3), 18, np.uint8)
    for index, frame in enumerate(out):
        for (x, y), speed in zip(places, speeds, strict=True):
            centre = (int(x * WIDE[1]), int((y + speed * index) % 1 * WIDE[0]))
            cv2.circle(frame, centre, 2, (220, 225, 235), -1, cv2.LINE_AA)
    return out


def _bars(_pictures: list[Picture], count: int) -> Frames:
    """Colour bars and a moving grid: a test card."""
    out = np.empty((count, *WIDE, 3), np.uint8)
    colours = np.array([[235, 235, 235], [235, 235, 16], [16, 235, 235], [16, 235, 16], [235, 16, 235], [16, 16, 235]])
    out[:] = np.repeat(colours, -(-WIDE[1] // 6), axis=0)[: WIDE[1]]
    for index, frame in enumerate(out):
        for line in range(index % 24, WIDE[1], 24):
            frame[120:240, line : line + 2] = 255 - frame[120:240, line : line + 2]
    return out


_SK, _LEARN = "skimage/data/", "sklearn/datasets/images/"
_CHINA, _FLOWER = f"{_LEARN}china.jpg", f"{_LEARN}flower.jpg"

_CATALOG: tuple[Specimen, ...] = (
    Specimen("palace, pan", (_CHINA,), _path(WIDE, 2.0)),
    Specimen("palace, still", (_CHINA,), _path(WIDE, 0.0)),
    Specimen("palace, 720p pan", (_CHINA,), _path((720, 1280), 3.0)),
    Specimen("palace, upright", (_CHINA,), _path((640, 360), 1.5)),
    Specimen("palace, 12 frames a second", (_CHINA,), _path((256, 256), 2.5), 12.0),
    Specimen("surveillance", (_CHINA,), _surveillance),
    Specimen("flower, zoom", (_FLOWER,), _path(WIDE, 0.0, zoom=1.004)),
    Specimen("flower, hand-held", (_FLOWER,), _path(WIDE, 0.5, shake=2.0)),
    Specimen("flower, dark", (_FLOWER,), _noisy(_path(WIDE, 1.0), 0.18, 2.0)),
    Specimen("flower, fog", (_FLOWER,), _noisy(_path(WIDE, 1.0), 0.25, 0.0, 140.0)),
    Specimen("flower, small", (_FLOWER,), _path((240, 320), 1.0)),
    Specimen("fade", (_CHINA, _FLOWER), _faded),
    Specimen("slides", (_CHINA, _FLOWER), _slides),
    Specimen("coffee, turning", (f"{_SK}coffee.png",), _path(WIDE, 0.5, turn=0.1)),
    Specimen("coffee, grainy", (f"{_SK}coffee.png",), _noisy(_path(WIDE, 1.0), 1.0, 14.0)),
    Specimen("cat, pan", (f"{_SK}chelsea.png",), _path(WIDE, 1.5)),
    Specimen("cat, still 720p", (f"{_SK}chelsea.png",), _path((720, 1280), 0.0)),
    Specimen("face, zoom", (f"{_SK}astronaut.png",), _path(WIDE, 0.3, zoom=1.006)),
    Specimen("face, upright still", (f"{_SK}astronaut.png",), _noisy(_path((854, 480), 0.0), 1.0, 1.5)),
    Specimen("rocket, pan", (f"{_SK}rocket.jpg",), _path(WIDE, 2.5)),
    Specimen("rocket, letterboxed", (f"{_SK}rocket.jpg",), _letterboxed),
    Specimen("galaxies", (f"{_SK}hubble_deep_field.jpg",), _path(WIDE, 1.0)),
    Specimen("retina", (f"{_SK}retina.jpg",), _path((480, 480), 0.5, turn=0.2)),
    Specimen("motorcycle, hand-held", (f"{_SK}motorcycle_left.png",), _path((480, 854), 1.0, shake=1.5)),
    Specimen("gravel", (f"{_SK}gravel.png",), _path(WIDE, 2.0)),
    Specimen("printed page", (f"{_SK}page.png",), _path(WIDE, 0.6)),
    Specimen("cartoon", (), _discs(WIDE, 0.002, 0.008, 1)),
    Specimen("cartoon, fast", (), _discs(WIDE, 0.002, 0.03, 2)),
    Specimen("soft discs, 12 frames a second", (), _discs((256, 256), 0.02, 0.01, 3), 12.0),
    Specimen("soft discs, wide", (), _discs(WIDE, 0.03, 0.006, 4)),
    Specimen("document, scrolled", (), _screen((480, 640), 3)),
    Specimen("terminal, still", (), _screen(WIDE, 0, dark=True)),
    Specimen("clouds", (), _clouds(18.0, 30.0, 1)),
    Specimen("water", (), _clouds(3.0, 35.0, 2)),
    Specimen("snow at night", (), _particles),
    Specimen("test card", (), _bars),
)
