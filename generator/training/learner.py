"""What learns, and from which loss: rectified flow on cached latents, with some of the clip given now and then.

Knows no schedule, no file and no clock: that is `train_transformer`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from generator.denoiser import TinyTransformer
from generator.training.clip_cache import FRAMES, KEYFRAMES
from generator.training.render_clips import FPS
from generator.training.train_tokenizer import MAX_TOKENS

OBJECT_WEIGHT = 3.0
"""Extra loss weight of a latent patch that the object fills: it covers a tenth of the picture."""

FLOOR = 0.2
"""Noise level below which errors count no more than at it: the decoder forgives small ones."""

LATENT_FRAMES = 1 + (FRAMES - 1) // 4


@dataclass(frozen=True)
class Size:
    """How large the two networks are."""

    width: int = 192
    layers: int = 4
    text_width: int = 96


class Learner(nn.Module):
    """The two networks that learn: caption tokens to embeddings, noisy latents to velocity."""

    def __init__(self, size: Size, vocabulary: int, channels: int) -> None:
        super().__init__()
        wide, text = size.width, size.text_width
        self.text_encoder = T5EncoderModel(
            T5Config(
                vocab_size=vocabulary, d_model=text, d_kv=32, num_heads=3, d_ff=2 * text, num_layers=2, dropout_rate=0.0
            )
        )
        self.transformer = TinyTransformer(
            in_channels=channels,
            out_channels=channels,
            num_attention_heads=wide // 32,
            attention_head_dim=32,
            cross_attention_dim=wide,
            num_layers=size.layers,
            caption_channels=text,
        )
        for name, weights in self.transformer.named_parameters():
            if name.startswith(("proj_out", "time_embed.linear", "whole_caption")):
                nn.init.zeros_(weights)  # start from "no change", as adaLN-zero does


@dataclass(frozen=True)
class Given:
    """What of a clip is given: latent frames from its beginning, and keyframes as tokens of their own."""

    prefix: int = 0
    keyframes: tuple[int, ...] = ()
    """Positions in `KEYFRAMES`; never 0, that is a prefix of one."""

    length: int = LATENT_FRAMES
    """Latent frames of the clip; 1 is a still."""


def draw_given(rng: np.random.Generator) -> Given:
    """Draw what of a clip is given, as the service will ask for it: half of the time nothing."""
    length = int(rng.choice((LATENT_FRAMES, LATENT_FRAMES, 3)))
    kind = rng.random()
    if kind < 0.5:
        return Given(length=length)
    if kind < 0.62:  # a picture to animate
        return Given(1, (), length)
    if kind < 0.75:  # a clip to go on with
        return Given(2, (), length)
    last = length - 1
    if kind < 0.85:  # first and last: loops, and what is between two pictures
        return Given(1, (last,), length)
    count = int(rng.integers(1, min(3, last) + 1))  # pictures anywhere: what was before them, what is between
    chosen = tuple(int(place) for place in sorted(rng.choice(np.arange(1, length), count, replace=False)))
    return Given(int(rng.random() < 0.3), chosen, length)


def coordinates(frames: list[float], rows: int, columns: int, patch: int = 16) -> Tensor:
    """Return (1, 3, tokens): seconds, pixel row and pixel column of every patch of latent frames that start there."""
    grid = torch.meshgrid(
        torch.tensor(frames) / FPS, torch.arange(rows).float() * patch, torch.arange(columns).float() * patch,
        indexing="ij",
    )  # fmt: skip
    return torch.stack(grid).flatten(1)[None]


def starts(length: int) -> list[float]:
    """Return the frame at which each latent frame starts, as LTXConditionPipeline counts: 0, 1, 5, 9, …"""
    return [float(max(0, 4 * latent - 3)) for latent in range(length)]


def flow_loss(
    learner: Learner,
    tokenizer: T5Tokenizer,
    latents: Tensor,
    weights: Tensor,
    captions: list[str],
    given: Given,
    rng: np.random.Generator,
) -> Tensor:
    """Return the loss of one batch: cached latents (B, 10, C, h, w), weights (B, 10, h, w) and captions."""
    batch, _, _, rows, columns = latents.shape
    patches = rows * columns
    # Given keyframes come first, as tokens of their own at their time; then the clip.
    extra = [LATENT_FRAMES + place for place in given.keyframes]
    places = coordinates([float(KEYFRAMES[k]) for k in given.keyframes] + starts(given.length), rows, columns)
    order = extra + list(range(given.length))
    clean = latents[:, order].movedim(2, -1).flatten(1, 3).float()
    weight = 1 + OBJECT_WEIGHT * weights[:, order].flatten(1).float() / 255
    fixed = torch.zeros(clean.shape[1], dtype=torch.bool)
    fixed[: (len(extra) + given.prefix) * patches] = True
    level = torch.sigmoid(torch.from_numpy(rng.normal(0.6, 1.2, (batch, 1))).float())
    level = torch.where(fixed, torch.zeros(()), level) if fixed.any() else level
    noise = torch.randn_like(clean)
    noisy = clean + level[..., None] * (noise - clean)
    words = [caption.lower() if rng.random() > 0.1 else "" for caption in captions]
    tokens = tokenizer(words, padding="longest", max_length=MAX_TOKENS, truncation=True, return_tensors="pt")
    text = learner.text_encoder(tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state
    seen = learner.transformer.clean(noisy, text, level, tokens.attention_mask, places.expand(batch, -1, -1))
    error = ((seen - clean) / level[..., None].clamp(min=FLOOR)).square().mean(-1)
    weight = torch.where(fixed, torch.zeros(()), weight)
    loss: Tensor = (error * weight).sum() / weight.sum()
    return loss
