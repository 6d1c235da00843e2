"""Trains the text encoder and the diffusion transformer together on cached clips. Seeded, resumable, endless if asked.

    python -m generator.training.train_transformer --latents FOLDER --tokenizer FOLDER --clips FOLDER --out FOLDER

State is kept in OUT/state.pt and the next start goes on from there; what is exported are the averaged (EMA) weights.
`--cool N` ends a training: the rate falls to a twentieth over N steps. Float32: bfloat16 needs a processor that has it.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import T5Tokenizer

from generator.latents import PatchLatents
from generator.training.clip_cache import read_shard
from generator.training.learner import LATENT_FRAMES, Given, Learner, Size, draw_given, flow_loss
from generator.training.muon import Muon


@dataclass(frozen=True)
class Settings:
    """Rates of one training."""

    frames: int = 128
    """Latent frames a batch: this many stills, or this many divided by the length of a clip."""

    rate: float = 2e-3
    ema: float = 0.9985
    stills_until: int = 2000
    """Steps in which most batches are stills: they teach words, shapes and places at a fifth of the price."""

    seed: int = 0


class Shards:
    """The clips on disk, as many shards as there are by now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: dict[Path, tuple[Tensor, Tensor, np.ndarray]] = {}

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, list[str]]:
        """Return latents, weights and captions of some clips of one shard."""
        paths = sorted(self.folder.glob("*.pt"))
        if not paths:
            raise FileNotFoundError(f"no clips in {self.folder}: run generator.training.clip_cache first")
        path = paths[rng.integers(len(paths))]
        if path not in self._held:
            self._held[path] = read_shard(path)
        latents, weights, captions = self._held[path]
        chosen = np.sort(rng.integers(0, len(captions), count))
        index = torch.from_numpy(chosen)
        return latents[index], weights[index], [str(caption) for caption in captions[chosen]]


def optimisers(learner: Learner, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices, AdamW for the rest."""
    hidden: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, weights in learner.named_parameters():
        is_hidden = weights.ndim == 2 and "transformer_blocks" in name and "scale_shift" not in name
        (hidden if is_hidden else rest).append(weights)
    return [Muon(hidden, rate), torch.optim.AdamW(rest, lr=rate, weight_decay=0.0, betas=(0.9, 0.98))]


def still_share(step: int, until: int) -> float:
    """Return the share of batches that are stills: 0.85 until this step, then falling to 0.3 over as many steps."""
    return float(np.interp(step, (until, 2 * until), (0.85, 0.3)))


def batch_loss(
    learner: Learner, tokenizer: T5Tokenizer, shards: Shards, settings: Settings, step: int
) -> tuple[bool, Tensor]:
    """Return whether batch `step` is of stills, and its loss; the step decides everything that is drawn."""
    rng = np.random.default_rng((settings.seed, step))
    torch.manual_seed(settings.seed * 1_000_003 + step)
    still = rng.random() < still_share(step, settings.stills_until)
    given = Given(length=1) if still else draw_given(rng)
    latents, weights, captions = shards.draw(settings.frames // given.length, rng)
    if still:  # any of the frames that were kept as stills
        chosen = torch.from_numpy(rng.integers(LATENT_FRAMES, latents.shape[1], len(captions)))
        every = torch.arange(len(captions))
        latents, weights = latents[every, chosen][:, None], weights[every, chosen][:, None]
    return still, flow_loss(learner, tokenizer, latents, weights, captions, given, rng)


def train(
    settings: Settings,
    size: Size,
    tokenizer: T5Tokenizer,
    channels: int,
    clips: Path,
    out: Path,
    *,
    steps: int = 1 << 40,
    cool: int = 0,
    save_every_s: float = 240,
) -> Learner:
    """Train for `steps` steps more, or until killed; return the averaged learner. State is kept in `out`.

    `cool` makes the last that many steps bring the rate down.
    """
    torch.manual_seed(settings.seed)
    learner = Learner(size, len(tokenizer), channels)
    average = copy.deepcopy(learner).requires_grad_(requires_grad=False)
    steppers = optimisers(learner, settings.rate)
    step, state_file = 0, out / "state.pt"
    if state_file.exists():
        step = _restore(state_file, learner, average, steppers)
    shards, last = Shards(clips), step + steps
    saved_at = time.monotonic()
    losses = {True: deque([0.0], 100), False: deque([0.0], 100)}
    while step < last:
        with sdpa_kernel(SDPBackend.MATH):  # on CPU the backward pass of the fused kernel takes half of the step
            still, loss = batch_loss(learner, tokenizer, shards, settings, step)
            torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        factor = min(1.0, (step + 1) / 100, max(0.05, (last - step) / cool) if cool else 1.0)
        for stepper in steppers:
            for group in stepper.param_groups:
                group["lr"] = settings.rate * factor
            stepper.step()
            stepper.zero_grad()
        step += 1
        decay = min(settings.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(learner.parameters()), 1 - decay)
        losses[still].append(loss.item())
        if step % 25 == 0:
            shown = f"still {np.mean(losses[True]):.4f} clip {np.mean(losses[False]):.4f}"
            print(f"{time.strftime('%H:%M:%S')} step {step} loss {shown} cpu {time.process_time():.0f}", flush=True)
        if step == last or time.monotonic() - saved_at > save_every_s:
            _save(state_file, step, learner, average, steppers)
            saved_at = time.monotonic()
    return average


def _save(path: Path, step: int, learner: Learner, average: Learner, steppers: list[torch.optim.Optimizer]) -> None:
    state = {
        "step": step,
        "learner": learner.state_dict(),
        "average": average.state_dict(),
        "optimisers": [stepper.state_dict() for stepper in steppers],
    }
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _restore(path: Path, learner: Learner, average: Learner, steppers: list[torch.optim.Optimizer]) -> int:
    state = torch.load(path, weights_only=True)
    learner.load_state_dict(state["learner"])
    average.load_state_dict(state["average"])
    for stepper, saved in zip(steppers, state["optimisers"], strict=True):
        stepper.load_state_dict(saved)
    return int(state["step"])


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description="Train the embedded checkpoint.")
    for name in ("latents", "tokenizer", "clips", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1 << 40, help="steps to add; without it, until killed")
    parser.add_argument("--cool", type=int, default=0, help="let the rate fall over this many last steps")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rate", type=float, default=Settings.rate)
    parser.add_argument("--frames", type=int, default=Settings.frames)
    parser.add_argument("--layers", type=int, default=Size.layers)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    channels = PatchLatents.from_pretrained(options.latents).basis.shape[0]
    tokenizer = T5Tokenizer.from_pretrained(options.tokenizer)
    train(
        Settings(rate=options.rate, frames=options.frames),
        Size(layers=options.layers),
        tokenizer,
        channels,
        options.clips,
        options.out,
        steps=options.steps,
        cool=options.cool,
    )


if __name__ == "__main__":
    main()
