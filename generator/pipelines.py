"""Any local diffusers text-to-video folder as a generator: `model_index.json` decides which pipeline it is.

Only classes in `FAMILIES` are loaded, only from disk, only safetensors, never with code from the folder. Bigger
checkpoints need a GPU to be of use; nothing here chooses the device for you but the argument.
"""

from __future__ import annotations

import inspect
import json
import math
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from generator.base import (
    Capability,
    GenerationRequest,
    GeneratorError,
    Progress,
    UnsupportedRequest,
    refuse_incapable,
    refuse_ungiven,
)
from generator.checkpoint import digests, version
from generator.delivery import FloatFrames, at_rate, deliver, fit, to_delivered
from generator.families import FAMILIES, Sampled
from media.clip import Clip

SIDE = (64, 2048)
"""Delivered width and height in pixels, even numbers."""


class PipelineGenerator:
    """`Generator` on a diffusers folder. One request at a time: pipelines keep state."""

    def __init__(
        self, folder: Path, *, steps: int = 30, device: str = "cpu", dtype: str = "float32", offload: str = "none"
    ) -> None:
        """Read `model_index.json`; weights are loaded on first use.

        `offload`: `none`, `model` or `sequential`: what waits outside of the device's memory (needs `accelerate`).

        Raises:
            GeneratorError: no pipeline folder, or a pipeline class that is not in `FAMILIES`.
        """
        self._folder, self._steps, self._device, self._dtype = folder, steps, device, dtype
        self._offload = offload
        try:
            self._class = str(json.loads((folder / "model_index.json").read_text("utf-8"))["_class_name"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise GeneratorError(
                f"{folder} is not a diffusers pipeline folder ({type(error).__name__} reading model_index.json)"
            ) from error
        if self._class not in FAMILIES:
            raise GeneratorError(f"{folder} holds a {self._class}; supported are {', '.join(FAMILIES)}")
        self._family = FAMILIES[self._class]
        self._busy = threading.Lock()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._folder.name

    @cached_property
    def version(self) -> str:
        """Digest over all files of the folder; reads them once."""
        return version(digests(self._folder))

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What its family can do."""
        return self._family.capabilities

    @property
    def fps(self) -> float:
        """Frames a second of its family."""
        return self._family.fps

    def check(self, request: GenerationRequest) -> None:
        """Refuse what cannot be made.

        Raises:
            UnsupportedRequest: length, size or capability outside of what the message lists.
        """
        if not 0 < request.seconds <= self._family.max_seconds:
            raise UnsupportedRequest(
                f"{request.seconds} seconds cannot be made by {self.name}: allowed is more than "
                f"0 and up to {self._family.max_seconds:g}"
            )
        if any(side % 2 or not SIDE[0] <= side <= SIDE[1] for side in (request.width, request.height)):
            raise UnsupportedRequest(
                f"{request.width}x{request.height} cannot be made by {self.name}: width and height must be even "
                f"numbers from {SIDE[0]} to {SIDE[1]}"
            )
        refuse_incapable(self.name, self.capabilities, request)

    def generate(self, request: GenerationRequest, progress: Progress | None = None) -> Clip:
        """Sample at the next multiple of the family's steps, then crop and cut to what was asked.

        Raises:
            UnsupportedRequest: see `check`.
            GenerationCancelled: raised by `progress`.
            GeneratorError: the folder cannot be loaded or sampling failed.
        """
        self.check(request)
        refuse_ungiven(request)
        report = progress or (lambda share: None)
        report(0.0)
        sampled = self._sampled(request)
        with self._busy:
            import torch  # noqa: PLC0415 - heavy: only who generates pays for it

            pipeline = self._pipeline
            pipeline.scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config)  # it keeps state
            parameters = inspect.signature(pipeline.__call__).parameters

            def after_step(_: object, step: int, __: object, state: dict[str, Any]) -> dict[str, Any]:
                report(min(1.0, (step + 1) / self._steps) * 0.98)
                return state

            options: dict[str, Any] = {
                "prompt": request.prompt,
                "width": sampled.width,
                "height": sampled.height,
                "num_frames": sampled.frames,
                "frame_rate": sampled.fps,
                "num_inference_steps": self._steps,
                "generator": torch.Generator().manual_seed(request.seed % (1 << 63)),
                "output_type": "np",
                "callback_on_step_end": after_step,
                **self._family.arguments(request, sampled),
            }
            try:
                made = pipeline(**{name: value for name, value in options.items() if name in parameters}).frames[0]
            except (RuntimeError, ValueError, MemoryError) as error:
                out = isinstance(error, (MemoryError, torch.OutOfMemoryError))
                why = "not enough memory: ask for less, or offload" if out else type(error).__name__
                raise GeneratorError(f"{self.name} failed while sampling: {why}") from error
        clip = _delivered(np.asarray(made, np.float32), request, sampled)
        report(1.0)
        return clip

    def _sampled(self, request: GenerationRequest) -> Sampled:
        """Return what is sampled: the next multiples of the family's steps."""
        family, known = self._family, 0
        width, height = (
            math.ceil(side / family.side_step) * family.side_step for side in (request.width, request.height)
        )
        wanted = max(1, round(request.seconds * family.fps))
        if request.capability is Capability.IMAGE:
            wanted = 1
        if request.capability is Capability.EXTEND and request.source is not None:
            given = len(at_rate(request.source, family.fps))
            known = min((given - 1) // family.frame_step, 2) * family.frame_step + 1
        frames = math.ceil((wanted + known - 1) / family.frame_step) * family.frame_step + 1
        return Sampled(width, height, frames, family.fps, known)

    @cached_property
    def _pipeline(self) -> Any:  # noqa: ANN401 - one of many classes
        import diffusers  # noqa: PLC0415 - heavy: only who generates pays for it
        import torch  # noqa: PLC0415

        kind = getattr(diffusers, self._class)
        try:
            pipeline = kind.from_pretrained(
                self._folder, dtype=getattr(torch, self._dtype), local_files_only=True, use_safetensors=True
            )
            if self._offload == "none":
                pipeline.to(self._device)
            elif self._offload == "model":
                pipeline.enable_model_cpu_offload(device=self._device)
            else:
                pipeline.enable_sequential_cpu_offload(device=self._device)
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise GeneratorError(f"{self._folder} cannot be loaded as {self._class}: {type(error).__name__}") from error
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def _delivered(made: FloatFrames, request: GenerationRequest, sampled: Sampled) -> Clip:
    """Cut what was sampled to what was asked for; an extension comes behind what was given."""
    wanted, fps = max(1, round(request.seconds * sampled.fps)), sampled.fps
    if request.capability is Capability.EDIT and request.source is not None:
        wanted = min(sampled.frames, len(at_rate(request.source, fps)))
    frames = deliver(made[sampled.known : sampled.known + wanted], request.width, request.height)
    if request.capability is Capability.IMAGE:
        frames = np.repeat(frames[:1], wanted, axis=0)
    if request.capability is Capability.EXTEND and request.source is not None:
        given = at_rate(request.source, fps)
        before = np.stack([to_delivered(fit(frame, request.width, request.height)) for frame in given])
        frames = np.concatenate([before, frames])
    return Clip(frames, np.arange(len(frames)) / fps, fps)
