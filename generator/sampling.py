"""One run of the diffusion pipeline: caption, size, seed and maybe a beginning in, float frames out.

Everything with state (pipeline, scheduler, noise) is made fresh for the call, so calls may run side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LTXConditionPipeline
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from numpy.typing import NDArray

from generator.checkpoint import Checkpoint

MAX_TOKENS = 32
"""Captions are padded to this many tokens, as in training."""

FloatFrames = NDArray[np.float32]
"""float32 (T, H, W, 3), RGB in [0, 1]."""


class GivenSigmas(FlowMatchEulerDiscreteScheduler):  # type: ignore[misc]
    """The Euler scheduler, taking the pipeline's timesteps as exact noise levels.

    `LTXConditionPipeline` cannot be given sigmas; without them diffusers warns and may shift the two apart.
    """

    def set_timesteps(self, *args: Any, timesteps: list[float] | None = None, **options: Any) -> None:
        """Set timesteps and sigmas together."""
        sigmas = None if timesteps is None else [step / 1000 for step in timesteps]
        super().set_timesteps(*args, timesteps=timesteps, sigmas=sigmas, **options)


def noise_levels(steps: int, shift: float) -> list[float]:
    """Return `steps` falling timesteps in (0, 1000]: evenly spaced, then shifted towards noise (SD3, eq. 23)."""
    even = [1 - step / steps for step in range(steps)]
    return [1000 * shift * t / (1 + (shift - 1) * t) for t in even]


def sample(
    checkpoint: Checkpoint,
    caption: str,
    size: tuple[int, int],
    frames: int,
    beginning: FloatFrames | None,
    seed: int,
    *,
    steps: int,
    guidance: float,
    fps: float,
    shift: float = 2.0,
    step_done: Callable[[int], None] = lambda step: None,
) -> FloatFrames:
    """Sample `frames` (4k+1) frames of `size` (width, height; multiples of 32).

    `beginning` is float32 (4j+1, height, width, 3) in [0, 1]; the result starts with it. `step_done` gets the number
    of each finished step and may raise to stop.
    """
    pipeline = LTXConditionPipeline(
        scheduler=GivenSigmas(),
        vae=checkpoint.latents,
        text_encoder=checkpoint.text_encoder,
        tokenizer=checkpoint.tokenizer,
        transformer=checkpoint.transformer,
    )
    pipeline.set_progress_bar_config(disable=True)
    conditions = None
    if beginning is not None:
        video = torch.from_numpy(beginning).movedim(-1, 1)[None]
        conditions = [LTXVideoCondition(video=video, frame_index=0)]

    def after_step(_: object, step: int, __: object, state: dict[str, Any]) -> dict[str, Any]:
        step_done(step)
        return state

    levels = noise_levels(steps, shift)
    with torch.inference_mode():
        video = pipeline(
            prompt=caption.lower(),  # T5Tokenizer drops the lower-casing normaliser when it is loaded
            negative_prompt="",
            conditions=conditions,
            width=size[0],
            height=size[1],
            num_frames=frames,
            frame_rate=fps,
            num_inference_steps=steps,
            timesteps=levels,
            guidance_scale=guidance,
            image_cond_noise_scale=0.0,
            max_sequence_length=MAX_TOKENS,
            generator=torch.Generator().manual_seed(seed),
            output_type="np",
            callback_on_step_end=after_step,
        ).frames[0]
    return np.asarray(video, np.float32)
