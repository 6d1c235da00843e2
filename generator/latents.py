"""The embedded latent autoencoder: spacetime patches, projected on principal components fitted in closed form.

A clip of 4k+1 frames becomes 1+k latent frames: the first frame stands alone (as a patch that stands still), every
further 4 frames form patches of patch x patch x 4 pixels. The patches do not overlap.
Drops into diffusers' LTX pipelines in the place of AutoencoderKLLTXVideo; it samples nothing and draws no noise.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn


class PatchLatents(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Linear spacetime-patch autoencoder. Pixels are float (B, 3, T, H, W) in [-1, 1], T = 4k+1."""

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        channels: int = 96,
        patch: int = 16,
        patch_frames: int = 4,
        scaling_factor: float = 1.0,
        timestep_conditioning: bool = False,  # read by the pipeline
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.spatial_compression_ratio = patch
        self.temporal_compression_ratio = patch_frames
        pixels = 3 * patch_frames * patch * patch
        self.basis = nn.Parameter(torch.zeros(channels, pixels), requires_grad=False)
        self.mean = nn.Parameter(torch.zeros(pixels), requires_grad=False)
        self.latents_mean = nn.Parameter(torch.zeros(channels), requires_grad=False)
        self.latents_std = nn.Parameter(torch.ones(channels), requires_grad=False)

    def encode(self, pixels: Tensor) -> SimpleNamespace:
        """Return `.latents`: float (B, channels, 1 + k, H / patch, W / patch)."""
        frames, patch = self.temporal_compression_ratio, self.spatial_compression_ratio
        still = pixels[:, :, :1].expand(-1, -1, frames, -1, -1)
        patches = to_patches(torch.cat([still, pixels[:, :, 1:]], 2), patch, frames)
        return SimpleNamespace(latents=((patches - self.mean) @ self.basis.T).movedim(-1, 1))

    def decode(self, latents: Tensor, temb: Tensor | None = None, *, return_dict: bool = True) -> Any:  # noqa: ANN401
        """Return pixels (B, 3, 4k + 1, H, W) about [-1, 1]: the transpose of `encode`. `temb` is ignored."""
        del temb
        frames, patch = self.temporal_compression_ratio, self.spatial_compression_ratio
        pixels = from_patches(latents.movedim(1, -1) @ self.basis + self.mean, patch, frames)
        pixels = torch.cat([pixels[:, :, :frames].mean(2, keepdim=True), pixels[:, :, frames:]], 2)
        return SimpleNamespace(sample=pixels) if return_dict else (pixels,)


def to_patches(pixels: Tensor, patch: int, frames: int) -> Tensor:
    """(B, 3, T, H, W) -> (B, T / frames, H / patch, W / patch, 3 * frames * patch * patch)."""
    batch, colours, time, height, width = pixels.shape
    split = pixels.reshape(batch, colours, time // frames, frames, height // patch, patch, width // patch, patch)
    return split.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4)


def from_patches(patches: Tensor, patch: int, frames: int) -> Tensor:
    """The inverse of `to_patches`."""
    batch, time, rows, columns, _ = patches.shape
    split = patches.reshape(batch, time, rows, columns, 3, frames, patch, patch)
    return split.permute(0, 4, 1, 5, 2, 6, 3, 7).reshape(batch, 3, time * frames, rows * patch, columns * patch)
