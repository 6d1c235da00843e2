"""One run of the diffusion pipeline: caption, size, seed and maybe a beginning in, float frames out.

Everything with state (pipeline, scheduler, noise) is made fresh for the call, so calls may run side by side.
"""

from __future__ import annotations

from collections.abc import Callable
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

    `beginning` is float32 (4j+1, H, W, 3) in [0, 1]; the result starts with it. `step_done` gets the number of each
    finished step and may raise to stop.
    """
    pipeline: Any = LTXConditionPipeline(
        scheduler=GivenSigmas(),
        vae=checkpoint.latents,  # type: ignore[arg-type]
        text_encoder=checkpoint.text_encoder,
        tokenizer=checkpoint.tokenizer,
        transformer=checkpoint.transformer,
    )
    pipeline.set_progress_bar_config(disable=True)
    conditions = None
    if beginning is not None:
        video = torch.from_numpy(beginning).movedim(-1, 1)[None]
        conditions = [LTXVideoCondition(video=video, frame_index=0)]  # type: ignore[arg-type]

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
