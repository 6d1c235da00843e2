"""Keeps rendered clips ready for training: their latents, where the object is, and their captions.

Rendering costs more than reading, so a clip is seen a few times before it leaves; nothing is written to disk.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from generator.latents import PatchLatents
from generator.training.render_clips import example, object_mask, render

FRAMES = 17
SIZES = ((64, 64), (64, 64), (64, 64), (96, 64), (64, 96))
"""(width, height) of the training clips; every batch draws one."""


class ClipPool:
    """Latents, object weights and captions of recently rendered clips of one size and length."""

    def __init__(self, latents: PatchLatents, size: tuple[int, int], frames: int, first: int, capacity: int) -> None:
        self.latents, self.size, self.frames, self.next, self.capacity = latents, size, frames, first, capacity
        self.clips: list[tuple[Tensor, Tensor, str]] = []

    @torch.no_grad()
    def grow(self, count: int) -> None:
        """Render `count` further clips."""
        for index in range(self.next, self.next + count):
            clip = example(index)
            drawn = render(clip.scene, clip.layout, *self.size, self.frames)
            pixels = torch.from_numpy(drawn).movedim(-1, 0)[None].float() / 127.5 - 1
            latent = self.latents.encode(pixels).latents
            latent = (latent - self.latents.latents_mean[:, None, None, None]) / self.latents.latents_std[
                :, None, None, None
            ]
            mask = torch.from_numpy(object_mask(clip.scene, clip.layout, *self.size, self.frames)).float()[None]
            weight = nn.functional.avg_pool3d(torch.cat([mask[:, :1].expand(-1, 3, -1, -1), mask], 1), (4, 16, 16))
            self.clips.append((latent[0].half(), weight[0].half(), clip.caption))
        self.next += count
        self.clips = self.clips[-self.capacity :]

    def draw(self, batch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, list[str]]:
        """Return latents (B, C, T, h, w), weights (B, T, h, w) and captions."""
        chosen = [self.clips[i] for i in rng.integers(0, len(self.clips), batch)]
        latents, weights = (torch.stack([clip[part] for clip in chosen]).float() for part in (0, 1))
        return latents, weights, [clip[2] for clip in chosen]
