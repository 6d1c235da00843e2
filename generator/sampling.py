"""One run of the diffusion pipeline: caption, size, seed, given frames and maybe a source in, float frames out.

Everything with state (pipeline, scheduler, noise) is made fresh for the call, so calls may run side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXConditionPipeline, LTXVideoCondition
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from numpy.typing import NDArray

from generator.checkpoint import Checkpoint

MAX_TOKENS = 32
"""Captions are padded to this many tokens, as in training."""

FloatFrames = NDArray[np.float32]
"""float32 (T, H, W, 3), RGB in [0, 1]."""


class GivenSigmas(FlowMatchEulerDiscreteScheduler):
    """The Euler scheduler, taking the pipeline's timesteps as exact noise levels.

    `LTXConditionPipeline` cannot be given sigmas; without them diffusers warns and may shift the two apart.
    """

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: str | torch.device | None = None,
        sigmas: list[float] | None = None,
        mu: float | None = None,
        timesteps: list[float] | None = None,
    ) -> None:
        """Set timesteps, and sigmas with them."""
        if timesteps is not None and sigmas is None:
            sigmas = [step / 1000 for step in timesteps]
        super().set_timesteps(num_inference_steps, device, sigmas, mu, timesteps)  # type: ignore[arg-type]


def noise_levels(steps: int, shift: float) -> list[float]:
    """Return `steps` falling timesteps in (0, 1000]: evenly spaced, then shifted towards noise (SD3, eq. 23)."""
    even = [1 - step / steps for step in range(steps)]
    return [1000 * shift * t / (1 + (shift - 1) * t) for t in even]


@dataclass(frozen=True)
class Condition:
    """Frames that the result shows from a frame on."""

    frames: FloatFrames
    """float32 (4j+1, H, W, 3) in [0, 1]; one picture where `at` is not 0."""

    at: int = 0


@dataclass(frozen=True)
class Task:
    """What one run makes."""

    caption: str
    size: tuple[int, int]
    """(width, height), multiples of 32."""

    frames: int
    """4k+1."""

    seed: int
    given: tuple[Condition, ...] = ()
    source: FloatFrames | None = None
    """A clip of `frames` frames that is changed instead of made from noise."""

    strength: float = 1.0
    """Share of the noise that the source gets, in (0, 1]."""


@dataclass(frozen=True)
class Course:
    """How it is made: chosen with the checkpoint."""

    steps: int
    guidance: float
    fps: float
    shift: float = 2.0


def sample(
    checkpoint: Checkpoint, task: Task, course: Course, step_done: Callable[[int], None] = lambda step: None
) -> FloatFrames:
    """Run the pipeline once; return float32 (frames, H, W, 3) in [0, 1].

    `step_done` gets the number of each finished step and may raise to stop.
    """
    pipeline: Any = LTXConditionPipeline(
        scheduler=GivenSigmas(),
        vae=checkpoint.latents,  # type: ignore[arg-type]
        text_encoder=checkpoint.text_encoder,
        tokenizer=checkpoint.tokenizer,
        transformer=checkpoint.transformer,
    )
    pipeline.set_progress_bar_config(disable=True)

    def after_step(_: object, step: int, __: object, state: dict[str, Any]) -> dict[str, Any]:
        step_done(step)
        return state

    levels = noise_levels(course.steps, course.shift)
    with torch.inference_mode():
        video = pipeline(
            prompt=task.caption.lower(),  # T5Tokenizer drops the lower-casing normaliser when it is loaded
            negative_prompt="",
            conditions=[_condition(each) for each in task.given] or None,
            latents=None if task.source is None else _normalised(checkpoint, task.source),
            denoise_strength=task.strength if task.source is not None else 1.0,
            width=task.size[0],
            height=task.size[1],
            num_frames=task.frames,
            frame_rate=course.fps,
            num_inference_steps=course.steps,
            timesteps=levels,
            guidance_scale=course.guidance,
            image_cond_noise_scale=0.0,
            max_sequence_length=MAX_TOKENS,
            generator=torch.Generator().manual_seed(task.seed),
            output_type="np",
            callback_on_step_end=after_step,
        ).frames[0]
    return np.asarray(video, np.float32)


def _condition(given: Condition) -> LTXVideoCondition:
    return LTXVideoCondition(video=_pixels(given.frames), frame_index=given.at)  # type: ignore[arg-type]


def _pixels(frames: FloatFrames) -> torch.Tensor:
    """(T, H, W, 3) in [0, 1] -> (1, T, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(frames)).movedim(-1, 1)[None]


def _normalised(checkpoint: Checkpoint, frames: FloatFrames) -> torch.Tensor:
    """Return the latents of frames as the transformer sees them, (1, C, T, h, w)."""
    latents = checkpoint.latents
    encoded = latents.encode(_pixels(frames).movedim(2, 1) * 2 - 1).latents
    mean, std = (each[:, None, None, None] for each in (latents.latents_mean, latents.latents_std))
    normalised: torch.Tensor = (encoded - mean) / std
    return normalised
