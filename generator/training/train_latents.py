"""Fits the latent autoencoder: principal components of spacetime patches, in closed form.

python -m generator.training.train_latents OUT [--clips 1500]
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from generator.latents import PatchLatents, to_patches
from generator.training.render_clips import example, render

HELD_OUT = 10_000_000
"""Clips from this index on are never trained on."""


def pixels(index: int, width: int = 64, height: int = 64, frames: int = 17) -> Tensor:
    """Render clip `index` as float (1, 3, frames, height, width) in [-1, 1]."""
    clip = example(index)
    drawn = render(clip.scene, clip.layout, width, height, frames)
    return torch.from_numpy(drawn).movedim(-1, 0)[None].float() / 127.5 - 1


def fit(model: PatchLatents, clips: int, seed: int = 0) -> None:
    """Set basis, mean and scale from four frames of each of `clips` rendered clips.

    Every fifth stands still, as the first latent frame of a clip does.
    """
    patch, frames = model.spatial_compression_ratio, model.temporal_compression_ratio
    rng = np.random.default_rng(seed)
    size = model.mean.numel()
    total, moment, count = torch.zeros(size), torch.zeros(size, size), 0
    batch: list[Tensor] = []
    for index in range(clips):
        start = int(rng.integers(0, 13))
        piece = pixels(index)[:, :, start : start + frames]
        if index % 5 == 0:
            piece = piece[:, :, :1].expand(-1, -1, frames, -1, -1)
        batch.append(to_patches(piece, patch, frames).reshape(-1, size))
        if len(batch) == 100 or index == clips - 1:
            rows = torch.cat(batch)
            total, moment, count = total + rows.sum(0), moment + rows.T @ rows, count + len(rows)
            batch = []
    mean = total / count
    values, vectors = torch.linalg.eigh(moment / count - torch.outer(mean, mean))
    channels = model.basis.shape[0]
    model.mean.copy_(mean)
    model.basis.copy_(vectors.flip(1)[:, :channels].T)
    print(f"components explain {values.flip(0)[:channels].sum() / values.sum():.4f} of the variance")
    latents = torch.cat(
        [model.encode(pixels(index)).latents.movedim(1, -1).reshape(-1, channels) for index in range(300)]
    )
    std = latents.std(0)
    scale = std**0.6  # coarse components keep more weight in the diffusion loss
    model.latents_mean.copy_(latents.mean(0))
    model.latents_std.copy_(scale * (std / scale).square().mean().sqrt())


def psnr(model: PatchLatents, clips: int = 50) -> float:
    """Return the mean PSNR in dB over held-out clips."""
    values = []
    for index in range(HELD_OUT, HELD_OUT + clips):
        (decoded,) = model.decode(model.encode(pixels(index)).latents, return_dict=False)
        error = ((decoded.clamp(-1, 1) - pixels(index)) / 2).square().mean()
        values.append(float(-10 * error.log10()))
    return float(np.mean(values))


def main() -> None:
    """Fit, report and save."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=int, default=1500)
    options = parser.parse_args()
    with torch.no_grad():
        model = PatchLatents()
        fit(model, options.clips)
        print(f"PSNR on held-out clips {psnr(model):.2f} dB")
    model.save_pretrained(options.out)


if __name__ == "__main__":
    main()
