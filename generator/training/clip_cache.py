"""Keeps rendered clips on disk as latents: rendering costs more than a training step, so nothing is drawn twice.

    python -m generator.training.clip_cache --latents FOLDER --out FOLDER --shards N

A shard holds `SHARD` clips of one size: the latents of the clip, the latents of five of its frames taken alone (as
stills and as given keyframes), the share of every patch that the object covers, and the captions. A shard is decided
by its number alone, so a data set can grow while a training reads it.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from generator.latents import PatchLatents
from generator.training.render_clips import example, object_mask, render

FRAMES = 17
KEYFRAMES = (0, 4, 8, 12, 16)
"""Frames that are also kept as stills; each is the last frame of a latent frame."""

SHARD = 1000
SIZES = ((64, 64), (64, 64), (64, 64), (96, 64), (64, 96))
"""(width, height) of the clips; shard n has size n modulo five."""


def shard_size(number: int) -> tuple[int, int]:
    """Return (width, height) of the clips of a shard."""
    return SIZES[number % len(SIZES)]


@torch.no_grad()
def draw_shard(latents: PatchLatents, number: int, clips: int = SHARD) -> dict[str, object]:
    """Render and encode one shard: float16 latents (N, 10, C, h, w), uint8 weights (N, 10, h, w), captions."""
    width, height = shard_size(number)
    kept, weights, captions = [], [], []
    for index in range(number * SHARD, number * SHARD + clips):
        clip = example(index)
        drawn = render(clip.scene, clip.layout, width, height, FRAMES)
        pixels = torch.from_numpy(drawn).movedim(-1, 0)[None].float() / 127.5 - 1
        stills = pixels[0][:, list(KEYFRAMES)].movedim(1, 0)[:, :, None]
        both = torch.cat([latents.encode(pixels).latents[0].movedim(0, 1), latents.encode(stills).latents[:, :, 0]])
        kept.append(normalise(latents, both).half())
        mask = torch.from_numpy(object_mask(clip.scene, clip.layout, width, height, FRAMES)).float()[None]
        moving = nn.functional.avg_pool3d(torch.cat([mask[:, :1].expand(-1, 3, -1, -1), mask], 1), (4, 16, 16))[0]
        still = nn.functional.avg_pool2d(mask[0, list(KEYFRAMES)], 16)
        weights.append((torch.cat([moving, still]) * 255).byte())
        captions.append(clip.caption)
    return {"latents": torch.stack(kept), "weights": torch.stack(weights), "captions": captions}


def normalise(latents: PatchLatents, values: Tensor) -> Tensor:
    """(..., C, h, w) -> the same with the mean and spread that the transformer sees."""
    return (values - latents.latents_mean[:, None, None]) / latents.latents_std[:, None, None]


def write_shard(latents: PatchLatents, folder: Path, number: int) -> Path:
    """Write shard `number` unless it is there; a half-written one is never seen."""
    path = folder / f"{number:05}.pt"
    if not path.exists():
        torch.save(draw_shard(latents, number), path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
    return path


def read_shard(path: Path) -> tuple[Tensor, Tensor, np.ndarray]:
    """Return latents, weights and captions of a shard; the tensors are mapped from the file, not read at once."""
    held = torch.load(path, weights_only=True, mmap=True)
    return held["latents"], held["weights"], np.array(held["captions"])


def main() -> None:
    """Render from the command line."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description="Render clips and keep them as latents.")
    parser.add_argument("--latents", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--shards", type=int, default=40)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    codec = PatchLatents.from_pretrained(options.latents)
    for number in range(options.first, options.shards):
        print(write_shard(codec, options.out, number), flush=True)


if __name__ == "__main__":
    main()
