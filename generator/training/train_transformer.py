"""Trains the text encoder and the diffusion transformer together: rectified flow on rendered clips.

    python -m generator.training.train_transformer --latents FOLDER --out FOLDER [--steps N] [--stop-at HH:MM]

Seeded, and resumable from OUT/state.pt. `export` writes the EMA weights as a diffusers pipeline in fp16.
"""

from __future__ import annotations

import argparse
import calendar
import copy
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers.models.transformers.transformer_ltx import LTXVideoTransformer3DModel
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from generator.latents import PatchLatents
from generator.training.clip_pool import FRAMES, SIZES, ClipPool
from generator.training.render_clips import FPS
from generator.training.train_tokenizer import MAX_TOKENS

OBJECT_WEIGHT = 3.0
"""Extra loss weight of a latent patch that the object fills: it covers a tenth of the picture."""


@dataclass(frozen=True)
class Settings:
    """Sizes and rates of one training."""

    width: int = 160
    layers: int = 4
    text_width: int = 96
    batch: int = 100
    """Latent frames a batch: this many stills, or a fifth of it clips."""

    steps: int = 2000
    rate: float = 3e-3
    ema: float = 0.995
    pool: int = 20_000
    """Clips kept ready in memory for each size and length; the oldest leave as new ones are rendered."""

    seed: int = 0


class Learner(nn.Module):
    """The two networks that learn: caption tokens to embeddings, noisy latents to velocity."""

    def __init__(self, settings: Settings, vocabulary: int, channels: int) -> None:
        super().__init__()
        wide, text = settings.width, settings.text_width
        self.text_encoder = T5EncoderModel(
            T5Config(
                vocab_size=vocabulary, d_model=text, d_kv=32, num_heads=3, d_ff=2 * text, num_layers=2, dropout_rate=0.0
            )
        )
        self.transformer = LTXVideoTransformer3DModel(
            in_channels=channels,
            out_channels=channels,
            num_attention_heads=wide // 32,
            attention_head_dim=32,
            cross_attention_dim=wide,
            num_layers=settings.layers,
            caption_channels=text,
        )
        for name, weights in self.transformer.named_parameters():
            if name.startswith(("proj_out", "time_embed.linear")):
                nn.init.zeros_(weights)  # start from "no change", as adaLN-zero does


def coordinates(time_: int, rows: int, columns: int, fps: float = FPS) -> Tensor:
    """Return (1, 3, tokens): seconds, pixel row, pixel column of every latent, as LTXConditionPipeline counts them."""
    grid = torch.stack(torch.meshgrid(*(torch.arange(n).float() for n in (time_, rows, columns)), indexing="ij"))
    grid = grid.flatten(1) * torch.tensor([4.0, 16.0, 16.0])[:, None]
    grid[0] = (grid[0] + 1 - 4).clamp(min=0) / fps
    return grid[None]


def flow_loss(
    learner: Learner,
    tokenizer: T5Tokenizer,
    latents: Tensor,
    weights: Tensor,
    captions: list[str],
    rng: np.random.Generator,
) -> Tensor:
    """One rectified-flow loss; one batch in four continues a given prefix of one or two latent frames."""
    batch, _, times, rows, columns = latents.shape
    captions = [c.lower() if rng.random() > 0.1 else "" for c in captions]
    tokens = tokenizer(captions, padding="longest", max_length=MAX_TOKENS, truncation=True, return_tensors="pt")
    text = learner.text_encoder(tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state
    clean = latents.flatten(2).transpose(1, 2)
    sigma = torch.sigmoid(torch.from_numpy(rng.normal(0.7, 1.2, (batch, 1))).float())
    weight = 1 + OBJECT_WEIGHT * weights.flatten(1)
    if times > 1 and rng.random() < 0.25:
        prefix = int(rng.integers(1, 3)) * rows * columns
        sigma = sigma.repeat(1, times * rows * columns)
        sigma[:, :prefix] = 0
        weight[:, :prefix] = 0
    noise = torch.randn_like(clean)
    noisy = (clean + sigma[..., None] * (noise - clean)).to(clean.dtype)
    velocity = learner.transformer(
        hidden_states=noisy,
        encoder_hidden_states=text,
        timestep=sigma * 1000,
        encoder_attention_mask=tokens.attention_mask,
        video_coords=coordinates(times, rows, columns).repeat(batch, 1, 1),
        return_dict=False,
    )[0]
    error = (velocity.float() - (noise - clean)).square().mean(-1)
    loss: Tensor = (error * weight).sum() / weight.sum()
    return loss


def optimisers(learner: Learner, settings: Settings) -> list[torch.optim.Optimizer]:
    """Muon for the square hidden matrices (it learns faster there), AdamW for the rest."""
    hidden: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, weights in learner.named_parameters():
        is_hidden = weights.ndim == 2 and "transformer_blocks" in name and "scale_shift" not in name
        (hidden if is_hidden else rest).append(weights)
    return [
        torch.optim.Muon(hidden, lr=settings.rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=settings.rate, weight_decay=0.0, betas=(0.9, 0.98)),
    ]


def rate_factor(step: int, done: float) -> float:
    """Warm up for 100 steps, hold, and fall linearly to a twentieth over the last third of the training."""
    return min(1.0, (step + 1) / 100, max(0.05, 3 * (1 - done)))


def moving_share(done: float) -> float:
    """Share of batches that are clips: stills teach words, shapes and places at a fifth of the price, so come first."""
    return float(np.interp(done, (0.45, 0.7), (0.15, 0.8)))


def share_done(step: int, steps: int, started_at: float, stop_at: float) -> float:
    """Return how far the training is in [0, 1], by steps or by the clock (POSIX seconds; 0: no clock)."""
    by_clock = (time.time() - started_at) / (stop_at - started_at) if stop_at else 0.0
    return min(1.0, max(step / steps, by_clock))


def train(
    settings: Settings,
    latents: PatchLatents,
    tokenizer: T5Tokenizer,
    out: Path,
    stop_at: float = 0.0,
    save_every_s: float = 240,
) -> Learner:
    """Train until `settings.steps` or the clock shows `stop_at`; return the EMA learner. State is kept in `out`."""
    torch.manual_seed(settings.seed)
    learner = Learner(settings, len(tokenizer), latents.basis.shape[0])
    average = copy.deepcopy(learner).requires_grad_(requires_grad=False)
    steppers = optimisers(learner, settings)
    step, first, started_at = 0, 0, time.time()
    state_file = out / "state.pt"
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        step, first, started_at = state["step"], state["next_clip"], state["started_at"]
        learner.load_state_dict(state["learner"])
        average.load_state_dict(state["average"])
        for stepper, saved in zip(steppers, state["optimisers"], strict=True):
            stepper.load_state_dict(saved)
    kinds = [(size, frames) for size in sorted(set(SIZES)) for frames in (1, FRAMES)]
    pools = {kind: ClipPool(latents, *kind, first + 1_000_000 * n, settings.pool) for n, kind in enumerate(kinds)}
    saved_at, losses = time.monotonic(), {1: deque([0.0], 50), FRAMES: deque([0.0], 50)}
    done = share_done(step, settings.steps, started_at, stop_at)
    while done < 1:
        rng = np.random.default_rng((settings.seed, step))
        torch.manual_seed(settings.seed * 1_000_003 + step)
        frames = FRAMES if rng.random() < moving_share(done) else 1
        batch_size = settings.batch if frames == 1 else settings.batch // 5
        pool = pools[SIZES[rng.integers(len(SIZES))], frames]
        pool.grow(batch_size // 4 if pool.clips else batch_size)
        batch = pool.draw(batch_size, rng)
        with sdpa_kernel(SDPBackend.MATH):  # on CPU the backward pass of the fused kernel takes half of the step
            with torch.autocast("cpu", torch.bfloat16):
                loss = flow_loss(learner, tokenizer, *batch, rng)
            torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        for stepper in steppers:
            for group in stepper.param_groups:
                group["lr"] = settings.rate * rate_factor(step, done)
            stepper.step()
            stepper.zero_grad()
        step += 1
        decay = min(settings.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(learner.parameters()), 1 - decay)
        losses[frames].append(loss.item())
        if step % 25 == 0:
            print(
                f"{time.strftime('%H:%M:%S')} step {step} "
                f"loss still {np.mean(losses[1]):.4f} clip {np.mean(losses[FRAMES]):.4f}",
                flush=True,
            )
        done = share_done(step, settings.steps, started_at, stop_at)
        if done >= 1 or time.monotonic() - saved_at > save_every_s:
            state = {
                "step": step,
                "started_at": started_at,
                "next_clip": max(pool.next % 1_000_000 for pool in pools.values()),
                "learner": learner.state_dict(),
                "average": average.state_dict(),
                "optimisers": [stepper.state_dict() for stepper in steppers],
            }
            torch.save(state, state_file.with_suffix(".new"))
            state_file.with_suffix(".new").replace(state_file)
            saved_at = time.monotonic()
    return average


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latents", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--rate", type=float, default=Settings.rate)
    parser.add_argument("--batch", type=int, default=Settings.batch)
    parser.add_argument("--stop-at", default="", help="HH:MM today (UTC); the schedule then follows the clock")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    settings = Settings(steps=options.steps, rate=options.rate, batch=options.batch)
    latents = PatchLatents.from_pretrained(options.latents)
    tokenizer = T5Tokenizer.from_pretrained(options.tokenizer)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    stop_at = calendar.timegm(time.strptime(f"{today} {options.stop_at}", "%Y-%m-%d %H:%M")) if options.stop_at else 0
    train(settings, latents, tokenizer, options.out, stop_at)


if __name__ == "__main__":
    main()
