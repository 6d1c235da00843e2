"""The generator that ships: a tiny latent diffusion transformer that draws one object in one place, in seconds.

It samples about 64 pixels wide and scales up. Clips longer than two seconds are continued from their last frames.
It follows shape, colour, size, motion, place, time of day and camera (`generator.scene`) and nothing else; how each
capability is made of runs is `generator.weave`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from generator.base import (
    Capability,
    GenerationRequest,
    GeneratorError,
    Progress,
    UnsupportedRequest,
    refuse_incapable,
    refuse_ungiven,
)
from generator.checkpoint import EMBEDDED, TINY, Checkpoint, load, version
from generator.delivery import FloatFrames
from generator.expand import expand
from generator.scene import STEADY
from generator.weave import FPS, Studio, frames_of, runs, weave
from media.clip import Clip

STEPS = 16
GUIDANCE = 2.5
SAMPLED = ((64, 64), (96, 64), (64, 96))
"""(width, height) the checkpoint was trained at."""

SECONDS = (1.0, 60.0)
SIDE = (128, 1024)
"""Delivered width and height in pixels, even numbers."""

ASPECT = 16 / 9
"""The longer side may be at most this many times the shorter one (and a pixel of rounding)."""

MOST_BYTES = 400_000_000
"""Decoded bytes of one delivered clip: half a gigabyte with what is sampled, whatever the length."""


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

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Everything there is."""
        return frozenset(Capability)

    @property
    def fps(self) -> float:
        """Frames a second of every clip."""
        return FPS

    def check(self, request: GenerationRequest) -> None:
        """Refuse what cannot be made.

        Raises:
            UnsupportedRequest: length or size outside of what the message lists.
        """
        refuse_incapable(self.name, self.capabilities, request)
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
        pixels = request.width * request.height * 3
        if (frames_of(request) + given_frames(request)) * pixels > MOST_BYTES:
            longest = MOST_BYTES / pixels / FPS
            raise UnsupportedRequest(
                f"{request.width}x{request.height} cannot be made so long: at most {longest:.1f} seconds at this size"
            )
        late = [each.at_s for each in request.keyframes if not 0 <= each.at_s <= request.seconds]
        if late:
            raise UnsupportedRequest(
                f"a picture at {late[0]:g} s is not within the {request.seconds:g} seconds asked for"
            )

    def generate(self, request: GenerationRequest, progress: Progress | None = None) -> Clip:
        """Sample, continue as long as asked, scale and crop to the size asked for. Pixels depend on the request alone.

        Raises:
            UnsupportedRequest: see `check`; or what it starts from is missing.
            GenerationCancelled: raised by `progress`.
            GeneratorError: the weights are missing or altered, or there is not enough memory.
        """
        self.check(request)
        refuse_ungiven(request)
        report = progress or (lambda share: None)
        report(0.0)
        checkpoint, total = self._checkpoint(), runs(request)
        from generator.sampling import Condition, Course, Task, sample  # noqa: PLC0415 - heavy: only who generates pays

        course = Course(STEPS, GUIDANCE, FPS)
        size = nearest_size(request.width, request.height)

        def run(scene: Any, **asked: Any) -> FloatFrames:  # noqa: ANN401 - the fields of a Task
            task = Task(caption=scene.caption, size=size, **asked)
            done = studio.done

            def step_done(step: int) -> None:
                report(min(1.0, (done + (step + 1) / STEPS) / total) * 0.98)

            return sample(checkpoint, task, course, step_done)

        scene = expand(request.prompt, request.seed).scene
        if not checkpoint.knows_cameras:
            scene = replace(scene, camera=STEADY)
        studio = Studio(run, Condition, size, scene, request.seed)
        try:
            clip = weave(studio, request)
        except MemoryError as error:
            raise GeneratorError(f"not enough memory for {request.width}x{request.height}: ask for less") from error
        except RuntimeError as error:  # torch says so when memory is out; its words may hold anything
            raise GeneratorError(f"{self.name} failed while sampling ({type(error).__name__}): ask for less") from error
        report(1.0)
        return clip

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


def given_frames(request: GenerationRequest) -> int:
    """Return how many frames of a given clip are delivered beside the made ones."""
    source = request.source
    if source is None or request.capability is Capability.EDIT:
        return 0
    return round((source.end_s - source.start_s) * FPS) + 1
