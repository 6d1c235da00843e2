"""Makes the latent autoencoder: principal components in closed form, then the decoder's refiner by gradient descent.

    python -m generator.training.train_latents OUT [--clips 1500]            components, in half a minute
    python -m generator.training.train_latents OUT --refine 400              400 seconds of processor time more

The refiner sees latents with noise on them, because sampled latents are never quite right.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from generator.latents import PatchLatents, to_patches
from generator.training.render_clips import example, render

HELD_OUT = 10_000_000
"""Clips from this index on are never trained on."""

REFINER = 96
"""Width of the learned part of the decoder."""

NOISE = 0.25
"""Most noise on the latents the refiner learns from, in standard deviations."""


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


def refine(model: PatchLatents, cpu_seconds: float, *, seed: int = 0, batch: int = 4, rate: float = 2e-3) -> None:
    """Train the refiner on rendered clips for this much processor time; everything else stays as it is.

    The loss is the absolute error, half of it on differences between neighbouring pixels and frames: sharp edges that
    stay where they are count as much as colours.
    """
    if model.correction is None:
        raise ValueError("this model has no refiner")
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model.correction.requires_grad_(requires_grad=True)
    stepper = torch.optim.AdamW(model.correction.parameters(), lr=rate, weight_decay=0.0, betas=(0.9, 0.98))
    began, step, index, losses = time.process_time(), 0, 1_000_000 + seed * 1_000_000, [0.0]
    while (used := time.process_time() - began) < cpu_seconds:
        frames = int(rng.choice((1, 5, 9)))
        clips = torch.cat([pixels(index + n, frames=17)[:, :, :frames] for n in range(batch * 9 // frames)])
        index += len(clips)
        latents = model.encode(clips).latents
        noise = torch.randn_like(latents) * model.latents_std[:, None, None, None]
        level = torch.from_numpy(rng.uniform(0, NOISE, (len(clips), 1, 1, 1, 1))).float()
        (decoded,) = model.decode(latents + level * noise, return_dict=False)
        error = decoded - clips
        loss = error.abs().mean() + 0.5 * sum(
            error.diff(dim=axis).abs().mean() for axis in (2, 3, 4) if error.shape[axis] > 1
        )
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(model.correction.parameters(), 1.0)
        for group in stepper.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 50, max(0.02, 2 * (1 - used / cpu_seconds)))
        stepper.step()
        stepper.zero_grad()
        step += 1
        losses.append(loss.item())
        if step % 50 == 0:
            print(f"{used:.0f} s, step {step}: loss {np.mean(losses[-50:]):.4f}", flush=True)
    model.correction.requires_grad_(requires_grad=False)


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
    parser.add_argument("--channels", type=int, default=96)
    parser.add_argument("--refine", type=float, default=0.0, help="seconds of processor time")
    parser.add_argument("--seed", type=int, default=0, help="of the clips to refine on; another one to go on")
    options = parser.parse_args()
    if options.refine:
        model = PatchLatents.from_pretrained(options.out)
        refine(model, options.refine, seed=options.seed)
        with torch.no_grad():
            print(f"PSNR on held-out clips {psnr(model):.2f} dB")
        model.save_pretrained(options.out)
        return
    with torch.no_grad():
        model = PatchLatents(channels=options.channels, refiner=REFINER)
        fit(model, options.clips)
        print(f"PSNR on held-out clips {psnr(model):.2f} dB")
    model.save_pretrained(options.out)


if __name__ == "__main__":
    main()
