"""The generator that ships: a tiny latent diffusion transformer that draws one object in one place, in seconds.

It samples about 64 pixels wide and scales up. Clips longer than two seconds are continued from their last frames.
It follows shape, colour, size, motion, place and time of day (`generator.scene`) and nothing else.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from generator.base import GenerationRequest, Progress, UnsupportedRequest
from generator.checkpoint import EMBEDDED, TINY, Checkpoint, load, version
from generator.expand import expand
from media.clip import Clip, Frames

FPS = 8.0
CHUNK = 17
"""Frames sampled at once: 4k+1, as trained."""

OVERLAP = 5
"""Frames of the previous chunk a continuation starts from: two latent frames, so that it knows the velocity."""

STEPS = 16
GUIDANCE = 2.5
SAMPLED = ((64, 64), (96, 64), (64, 96))
"""(width, height) the checkpoint was trained at."""

SECONDS = (1.0, 10.0)
SIDE = (128, 1024)
"""Delivered width and height in pixels, even numbers."""

ASPECT = 16 / 9
"""The longer side may be at most this many times the shorter one (and a pixel of rounding)."""


class EmbeddedGenerator:
    """`Generator` on the shipped checkpoint. Safe to share between threads; loads on first use."""

    def __init__(self, folder: Path | None = None, pins: Mapping[str, str] = TINY) -> None:
        """Point at a checkpoint folder (default: the shipped one) whose files have these SHA-256 digests."""
        self._folder = folder or EMBEDDED
        self._pins = pins
        self._loaded: Checkpoint | None = None
        self._loading = threading.Lock()

    @property
    def name(self) -> str:
        """Name for the manifest and the ledger."""
        return "framegate-tiny"

    @property
    def version(self) -> str:
        """Digest of the checkpoint's files."""
        return version(self._pins)

    def check(self, request: GenerationRequest) -> None:
        """Refuse what cannot be made.

        Raises:
            UnsupportedRequest: length or size outside of what the message lists.
        """
        if not SECONDS[0] <= request.seconds <= SECONDS[1]:
            raise UnsupportedRequest(
                f"{request.seconds} seconds cannot be made: {SECONDS[0]:g} to {SECONDS[1]:g} are allowed"
            )
        sides = (request.width, request.height)
        if any(side % 2 or not SIDE[0] <= side <= SIDE[1] for side in sides) or max(sides) > ASPECT * min(sides) + 2:
            raise UnsupportedRequest(
                f"{request.width}x{request.height} cannot be made: width and height must be even numbers from "
                f"{SIDE[0]} to {SIDE[1]}, no side more than 16/9 of the other"
            )

    def generate(self, request: GenerationRequest, progress: Progress | None = None) -> Clip:
        """Sample, continue as long as asked, scale and crop to the size asked for. Pixels depend on the request alone.

        Raises:
            UnsupportedRequest: see `check`.
            GenerationCancelled: raised by `progress`.
            GeneratorError: the weights are missing or altered.
        """
        self.check(request)
        report = progress or (lambda share: None)
        report(0.0)
        caption = expand(request.prompt, request.seed).caption
        wanted = round(request.seconds * FPS)
        chunks = 1 + max(0, math.ceil((wanted - CHUNK) / (CHUNK - OVERLAP)))
        size = nearest_size(request.width, request.height)
        checkpoint = self._checkpoint()
        from generator.sampling import sample  # noqa: PLC0415 - heavy: only who generates pays for torch

        parts: list[NDArray[np.float32]] = []
        for chunk in range(chunks):
            seed = int(np.random.SeedSequence((request.seed % (1 << 63), chunk)).generate_state(1, np.uint64)[0]) >> 1

            def step_done(step: int, done: int = chunk) -> None:
                report((done + (step + 1) / STEPS) / chunks * 0.98)

            beginning = parts[-1][-OVERLAP:] if parts else None
            sampled = sample(
                checkpoint, caption, size, CHUNK, beginning, seed,
                steps=STEPS, guidance=GUIDANCE, fps=FPS, step_done=step_done,
            )  # fmt: skip
            parts.append(sampled[OVERLAP:] if parts else sampled)
        delivered = deliver(np.concatenate(parts)[:wanted], request.width, request.height)
        report(1.0)
        return Clip(delivered, np.arange(wanted) / FPS, FPS)

    def _checkpoint(self) -> Checkpoint:
        with self._loading:
            if self._loaded is None:
                self._loaded = load(self._folder, self._pins)
            return self._loaded


def nearest_size(width: int, height: int) -> tuple[int, int]:
    """Return the trained (width, height) that loses least when it is scaled to cover the size asked for."""
    return max(
        SAMPLED, key=lambda size: min(width / size[0], height / size[1]) / max(width / size[0], height / size[1])
    )


def deliver(frames: NDArray[np.float32], width: int, height: int) -> Frames:
    """Scale float frames in [0, 1] to cover width x height (Lanczos), crop the middle, return uint8 (T, H, W, 3)."""
    rows, columns = frames.shape[1:3]
    scale = max(width / columns, height / rows)
    wide, high = max(width, round(columns * scale)), max(height, round(rows * scale))
    left, top = (wide - width) // 2, (high - height) // 2
    delivered = np.empty((len(frames), height, width, 3), np.uint8)
    for number, frame in enumerate(frames):
        large = cv2.resize(frame, (wide, high), interpolation=cv2.INTER_LANCZOS4)
        delivered[number] = np.clip(large[top : top + height, left : left + width] * 255 + 0.5, 0, 255)
    return delivered
