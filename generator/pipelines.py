"""Any local diffusers text-to-video folder as a generator: `model_index.json` decides which pipeline it is.

Only classes in `FAMILIES` are loaded, only from disk, only safetensors, never with code from the folder. Bigger
checkpoints need a GPU to be of use; nothing here chooses the device for you but the argument.
"""

from __future__ import annotations

import inspect
import json
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from generator.base import GenerationRequest, GeneratorError, Progress, UnsupportedRequest
from generator.checkpoint import digests, version
from generator.embedded import deliver
from media.clip import Clip


@dataclass(frozen=True)
class Family:
    """What a kind of pipeline can sample."""

    side_step: int
    """Width and height are sampled in multiples of this many pixels."""

    frame_step: int
    """Clips have k * frame_step + 1 frames."""

    fps: float
    max_seconds: float


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "LTXPipeline": Family(32, 8, 24.0, 10.0),
        "LTXConditionPipeline": Family(32, 8, 24.0, 10.0),
        "WanPipeline": Family(16, 4, 16.0, 5.0),
        "CogVideoXPipeline": Family(16, 8, 8.0, 6.0),
        "MochiPipeline": Family(16, 6, 30.0, 5.4),
        "HunyuanVideoPipeline": Family(16, 4, 24.0, 5.4),
    }
)
"""Class in model_index.json -> what it can sample, from the pipelines' own argument checks and defaults."""

SIDE = (64, 2048)
"""Delivered width and height in pixels, even numbers."""


class PipelineGenerator:
    """`Generator` on a diffusers folder. One request at a time: pipelines keep state."""

    def __init__(self, folder: Path, *, steps: int = 30, device: str = "cpu", dtype: str = "float32") -> None:
        """Read `model_index.json`; weights are loaded on first use.

        Raises:
            GeneratorError: no pipeline folder, or a pipeline class that is not in `FAMILIES`.
        """
        self._folder, self._steps, self._device, self._dtype = folder, steps, device, dtype
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

    def check(self, request: GenerationRequest) -> None:
        """Refuse what cannot be made.

        Raises:
            UnsupportedRequest: length or size outside of what the message lists.
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

    def generate(self, request: GenerationRequest, progress: Progress | None = None) -> Clip:
        """Sample at the next multiple of the family's steps, then crop and cut to what was asked.

        Raises:
            UnsupportedRequest: see `check`.
            GenerationCancelled: raised by `progress`.
            GeneratorError: the folder cannot be loaded or sampling failed.
        """
        self.check(request)
        report = progress or (lambda share: None)
        report(0.0)
        family = self._family
        wanted = max(1, round(request.seconds * family.fps))
        width, height = (
            math.ceil(side / family.side_step) * family.side_step for side in (request.width, request.height)
        )
        with self._busy:
            import torch  # noqa: PLC0415 - heavy: only who generates pays for it

            pipeline = self._pipeline
            pipeline.scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config)  # it keeps state

            def after_step(_: object, step: int, __: object, state: dict[str, Any]) -> dict[str, Any]:
                report((step + 1) / self._steps * 0.98)
                return state

            options: dict[str, Any] = {
                "prompt": request.prompt,
                "width": width,
                "height": height,
                "num_frames": math.ceil((wanted - 1) / family.frame_step) * family.frame_step + 1,
                "num_inference_steps": self._steps,
                "generator": torch.Generator().manual_seed(request.seed % (1 << 63)),
                "output_type": "np",
                "callback_on_step_end": after_step,
            }
            if "frame_rate" in inspect.signature(pipeline.__call__).parameters:
                options["frame_rate"] = family.fps
            try:
                sampled = pipeline(**options).frames[0]
            except (RuntimeError, ValueError) as error:
                raise GeneratorError(f"{self.name} failed while sampling: {type(error).__name__}") from error
        frames = np.asarray(sampled, np.float32)[:wanted]
        clip = Clip(deliver(frames, request.width, request.height), np.arange(wanted) / family.fps, family.fps)
        report(1.0)
        return clip

    @cached_property
    def _pipeline(self) -> Any:  # noqa: ANN401 - one of many classes
        import diffusers  # noqa: PLC0415 - heavy: only who generates pays for it
        import torch  # noqa: PLC0415

        kind = getattr(diffusers, self._class)
        try:
            pipeline = kind.from_pretrained(
                self._folder, dtype=getattr(torch, self._dtype), local_files_only=True, use_safetensors=True
            ).to(self._device)
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise GeneratorError(f"{self._folder} cannot be loaded as {self._class}: {type(error).__name__}") from error
        pipeline.set_progress_bar_config(disable=True)
        return pipeline
