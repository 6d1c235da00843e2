"""The embedded diffusion transformer: LTX's blocks, told where every patch stands and what the caption says as a whole.

A drop-in `transformer` of `LTXConditionPipeline`. It differs from `LTXVideoTransformer3DModel` in four things, each of
which a small network learns faster with (docs/adr/0046): it predicts the clean patch and returns the velocity that
leads there; it sees absolute positions; rotary frequencies fit pictures of 100 pixels instead of 2000; and the mean of
the caption's embeddings joins the noise level in steering every block.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from diffusers.configuration_utils import register_to_config
from diffusers.models.transformers.transformer_ltx import LTXVideoRotaryPosEmbed, LTXVideoTransformer3DModel
from torch import Tensor, nn

LEAST_NOISE = 0.05
"""Velocities are not divided by less: the last step of a sampling starts above."""

WAVES = 6
"""Position waves of every axis: 256, 128, … 8 pixels long, a second counting as `PIXELS_A_SECOND`."""

PIXELS_A_SECOND = 32.0
REACH_S, REACH_PX = 4.0, 128.0
ROTARY_BASE = 16.0
"""Rotary frequencies reach from a quarter turn over the reach of an axis to this many times as much."""


class TinyTransformer(LTXVideoTransformer3DModel):
    """Velocity of noisy latent tokens (B, tokens, channels), by caption and noise level."""

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        in_channels: int = 96,
        out_channels: int = 96,
        num_attention_heads: int = 6,
        attention_head_dim: int = 32,
        cross_attention_dim: int = 192,
        num_layers: int = 4,
        caption_channels: int = 96,
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            out_channels=out_channels,
            num_attention_heads=num_attention_heads,
            attention_head_dim=attention_head_dim,
            cross_attention_dim=cross_attention_dim,
            num_layers=num_layers,
            caption_channels=caption_channels,
        )
        width = num_attention_heads * attention_head_dim
        self.rope = LTXVideoRotaryPosEmbed(width, REACH_S, REACH_PX, REACH_PX, theta=ROTARY_BASE)  # type: ignore[arg-type]
        self.position = nn.Linear(3 * 2 * WAVES, width)
        self.whole_caption = nn.Linear(caption_channels, width)

    def forward(
        self,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        timestep: Tensor,
        encoder_attention_mask: Tensor,
        video_coords: Tensor,
        attention_kwargs: dict[str, Any] | None = None,
        return_dict: bool = False,
    ) -> tuple[Tensor]:
        """Return the velocity, (B, tokens, channels), in a tuple.

        `timestep` is 1000 times the noise level, (B, 1) or (B, tokens); `video_coords` is (B, 3, tokens): seconds,
        rows and columns of pixels.
        """
        del attention_kwargs, return_dict
        noisy, level = hidden_states, timestep / 1000
        clean = self.clean(noisy, encoder_hidden_states, level, encoder_attention_mask, video_coords)
        return ((noisy - clean) / level[..., None].clamp(min=LEAST_NOISE),)

    def clean(self, noisy: Tensor, caption: Tensor, level: Tensor, mask: Tensor, places: Tensor) -> Tensor:
        """Return what the tokens would be without noise; `level` is the share of noise in [0, 1]."""
        batch = len(noisy)
        turns = self.rope(noisy, video_coords=places)
        shut = ((1 - mask.to(noisy.dtype)) * -10000.0).unsqueeze(1)
        state = self.proj_in(noisy) + self.position(position_waves(places))
        # Given and wanted tokens have different levels; each level is embedded once and handed to its tokens.
        levels, holder = torch.unique(level, dim=1, return_inverse=True)
        waves = self.time_embed.emb.time_proj(1000 * levels.flatten())
        steer = self.time_embed.emb.timestep_embedder(waves.to(noisy.dtype)).view(batch, levels.shape[1], -1)
        words = mask.to(caption.dtype)[..., None]
        steer = steer + self.whole_caption((caption * words).sum(1) / words.sum(1))[:, None]
        modulation = self.time_embed.linear(self.time_embed.silu(steer))[:, holder]
        text = self.caption_projection(caption)
        for block in self.transformer_blocks:
            state = block(
                hidden_states=state,
                encoder_hidden_states=text,
                temb=modulation,
                image_rotary_emb=turns,
                encoder_attention_mask=shut,
            )
        shift, scale = (self.scale_shift_table[None, None] + steer[:, holder][:, :, None]).unbind(2)
        clean: Tensor = self.proj_out(self.norm_out(state) * (1 + scale) + shift)
        return clean


def position_waves(places: Tensor) -> Tensor:
    """(B, 3, tokens) of seconds, rows and columns -> (B, tokens, 6 * WAVES): sines and cosines of each."""
    scale = places.new_tensor([PIXELS_A_SECOND, 1.0, 1.0])[:, None]
    angles = (places * scale)[..., None] * (2.0 ** torch.arange(WAVES, device=places.device) * math.pi / 128)
    return torch.cat([angles.sin(), angles.cos()], -1).permute(0, 2, 1, 3).flatten(2)
