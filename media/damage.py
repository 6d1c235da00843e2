"""What happens to a video on its way through the world: re-encoded, scaled, cropped, mirrored, filmed off a screen.

For measuring what marks and fingerprints survive; nothing that is released goes through here. Every damage starts from
decoded frames and ends in decoded frames of a file that was really encoded. Equal clips give equal damage.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from media.clip import Clip, Frames
from media.codec import decode, encode_mp4

SMALLEST_SIDE = 16
"""Pixels; below this an encoder has nothing to work with."""

Change = Callable[[Frames], Frames]


@dataclass(frozen=True)
class Damage:
    """One way in which a video comes back."""

    name: str
    change: Change
    """What is done to all frames, uint8 (T, H, W, 3), before they are encoded."""

    encodes: tuple[tuple[str, int], ...] = (("h264-fast", 23),)
    """(codec, CRF) of each generation; none: the file was only remuxed, its pixels are as they were."""

    keep_every: int = 1
    """Every so many-th frame is kept, at a frame rate as much lower."""

    seconds: float | None = None
    """Cut out of the middle; None: the whole length."""

    common: bool = False
    """One that nearly every upload meets: CRF up to 28, half size, 10 % crop, mirroring, stripping."""

    def apply(self, clip: Clip) -> Clip:
        """Return what a receiver decodes.

        Raises:
            media.errors.MediaError: it cannot be encoded.
        """
        frames, fps = clip.frames, clip.fps
        if self.seconds is not None:
            count = min(len(frames), max(1, round(self.seconds * fps)))
            start = (len(frames) - count) // 2
            frames = frames[start : start + count]
        frames, fps = frames[:: self.keep_every], fps / self.keep_every
        frames = _even(self.change(frames))
        for generation, (codec, crf) in enumerate(self.encodes):
            if generation:  # each platform scales to a size of its own
                frames = _scaled(frames, (0.9, 1 / 0.9)[(generation + 1) % 2])
            frames = _encoded(frames, fps, codec, crf)
        return Clip(frames, np.arange(len(frames), dtype=np.float64) / fps, fps)


def _same(frames: Frames) -> Frames:
    return frames


def _scaled(frames: Frames, scale: float) -> Frames:
    height, width = (max(SMALLEST_SIDE, round(side * scale / 2) * 2) for side in frames.shape[1:3])
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.stack([cv2.resize(frame, (width, height), interpolation=kind) for frame in frames]).astype(np.uint8)


def _cropped(frames: Frames, cut: float, down: float, right: float) -> Frames:
    """Cut a share of each side; `down` and `right` in [0, 1] say how much of that falls off at the top and left."""
    height, width = frames.shape[1:3]
    top, left = round(height * cut * down), round(width * cut * right)
    return frames[:, top : top + round(height * (1 - cut)), left : left + round(width * (1 - cut))]


def _mirrored(frames: Frames) -> Frames:
    return np.ascontiguousarray(frames[:, :, ::-1])


def _rotated(frames: Frames, degrees: float) -> Frames:
    """Rotate about the middle, enlarged so that no corner stays empty."""
    height, width = frames.shape[1:3]
    angle = abs(np.deg2rad(degrees))
    scale = np.cos(angle) + np.sin(angle) * max(width / height, height / width)
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, float(scale))
    return np.stack([cv2.warpAffine(frame, turn, (width, height), flags=cv2.INTER_CUBIC) for frame in frames]).astype(
        np.uint8
    )


def _screenshot(frames: Frames) -> Frames:
    """A player window on a grey desktop, captured at three quarters of the size, a little too bright."""
    small = _scaled(frames, 0.75)
    height, width = small.shape[1:3]
    bar, side = round(height * 0.08), round(width * 0.06)
    screen = np.full((len(small), height + 2 * bar, width + 2 * side, 3), 58, np.uint8)
    screen[:, :bar] = 28
    table = (255 * (np.arange(256) / 255) ** 0.85).round().astype(np.uint8)
    screen[:, bar : bar + height, side : side + width] = table[small]
    return screen


def _graded(frames: Frames) -> Frames:
    """Hue turned by 15 degrees, contrast and saturation up by a fifth."""
    out = np.empty_like(frames)
    for frame, changed in zip(frames, out, strict=True):
        hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV).astype(np.float32)
        hsv[..., 0] = (hsv[..., 0] + 7.5) % 180  # OpenCV counts half degrees
        hsv[..., 1] = np.clip(hsv[..., 1] * 1.2, 0, 255)
        rgb = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB).astype(np.float32)
        changed[:] = np.clip((rgb - 128) * 1.2 + 128, 0, 255)
    return out


def _captioned(frames: Frames) -> Frames:
    """Two lines of white text on a dark box over the lower part."""
    height, width = frames.shape[1:3]
    out = frames.copy()
    scale = height / 360
    for frame in out:
        box = frame[round(height * 0.78) : round(height * 0.95), round(width * 0.1) : round(width * 0.9)]
        box[:] = box // 4
        for line, text in enumerate(("you will not believe", "what happens next")):
            origin = (round(width * 0.2), round(height * (0.85 + 0.07 * line)))
            cv2.putText(frame, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.8 * scale, (255, 255, 255), 2, cv2.LINE_AA)
    return out


DAMAGES: tuple[Damage, ...] = (
    Damage("strip", _same, encodes=(), common=True),
    Damage("crf 23", _same, common=True),
    Damage("crf 28", _same, (("h264-fast", 28),), common=True),
    Damage("crf 35", _same, (("h264-fast", 35),)),
    Damage("half size", lambda frames: _scaled(frames, 0.5), common=True),
    Damage("third of the size", lambda frames: _scaled(frames, 1 / 3)),
    Damage("crop 10 %", lambda frames: _cropped(frames, 0.10, 0.5, 0.5), common=True),
    Damage("crop 10 %, corner", lambda frames: _cropped(frames, 0.10, 1.0, 0.0), common=True),
    Damage("crop 30 %", lambda frames: _cropped(frames, 0.30, 0.5, 0.5)),
    Damage("crop 30 %, off centre", lambda frames: _cropped(frames, 0.30, 0.3, 0.8)),
    Damage("half the frames", _same, keep_every=2),
    Damage("trim to 2 s", _same, seconds=2.0),
    Damage("mirror", _mirrored, common=True),
    Damage("rotate 2 degrees", lambda frames: _rotated(frames, 2.0)),
    Damage("screenshot", _screenshot, (("h264-fast", 28),)),
    Damage("hue and contrast", _graded),
    Damage("vp9", _same, (("vp9", 36),)),
    Damage("av1", _same, (("av1", 38),)),
    Damage("caption", _captioned),
    Damage("shared 5 times", _same, (("h264-fast", 28),) * 5),
)
"""In the order of a report. Names are stable: figures stand under them."""


def _even(frames: Frames) -> Frames:
    height, width = (side // 2 * 2 for side in frames.shape[1:3])
    return np.ascontiguousarray(frames[:, :height, :width])


def re_encoded(clip: Clip, codec: str, crf: int) -> Clip:
    """Return the clip as it comes out of an encoder; raises MediaError."""
    return Clip(_encoded(clip.frames, clip.fps, codec, crf), clip.times_s, clip.fps)


def _encoded(frames: Frames, fps: float, codec: str, crf: int) -> Frames:
    with tempfile.TemporaryDirectory(prefix="framegate-damage-") as folder:
        path = Path(folder) / "damaged.mp4"
        encode_mp4(iter(frames), path, fps=fps, crf=crf, codec=codec)
        return np.stack([frame for _, frame in decode(path)])
