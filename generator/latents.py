"""The embedded latent autoencoder: spacetime patches, projected on principal components fitted in closed form.

A clip of 4k+1 frames becomes 1+k latent frames: the first frame stands alone (as a patch that stands still), every
further 4 frames form patches of patch x patch x 4 pixels. With a seam filter, decoded frames are twice the size.
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
        filter_width: int = 0,
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
        self.seams = SeamFilter(filter_width) if filter_width else None

    def encode(self, pixels: Tensor) -> SimpleNamespace:
        """Return `.latents`: float (B, channels, 1 + k, H / patch, W / patch)."""
        frames, patch = self.temporal_compression_ratio, self.spatial_compression_ratio
        still = pixels[:, :, :1].expand(-1, -1, frames, -1, -1)
        patches = to_patches(torch.cat([still, pixels[:, :, 1:]], 2), patch, frames)
        return SimpleNamespace(latents=((patches - self.mean) @ self.basis.T).movedim(-1, 1))

    def decode(self, latents: Tensor, temb: Tensor | None = None, *, return_dict: bool = True) -> Any:  # noqa: ANN401
        """Return pixels (B, 3, 4k + 1, H, W) about [-1, 1], with a seam filter 2H x 2W. `temb` is ignored."""
        del temb
        pixels = self.decode_patches(latents)
        if self.seams is not None:
            pixels = self.seams(pixels)
        return SimpleNamespace(sample=pixels) if return_dict else (pixels,)

    def decode_patches(self, latents: Tensor) -> Tensor:
        """Decode without the seam filter: the exact transpose of `encode`."""
        frames, patch = self.temporal_compression_ratio, self.spatial_compression_ratio
        pixels = from_patches(latents.movedim(1, -1) @ self.basis + self.mean, patch, frames)
        return torch.cat([pixels[:, :, :frames].mean(2, keepdim=True), pixels[:, :, frames:]], 2)


class SeamFilter(nn.Module):
    """Spacetime convolutions that double the size and repair what patches lose at borders and behind fast objects."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv3d(12, width, (3, 3, 3), padding=(1, 1, 1)),
            nn.SiLU(),
            nn.Conv3d(width, width, (1, 3, 3), padding=(0, 1, 1)),
            nn.SiLU(),
            nn.Conv3d(width, width, (3, 3, 3), padding=(1, 1, 1)),
            nn.SiLU(),
            nn.Conv3d(width, 48, (1, 3, 3), padding=(0, 1, 1)),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, 3, T, 2H, 2W); H and W even. The convolutions work at half size for speed."""
        frames = pixels.movedim(2, 1)
        folded = nn.functional.pixel_unshuffle(frames, 2).movedim(1, 2)
        repair = nn.functional.pixel_shuffle(self.layers(folded).movedim(2, 1), 4)
        plain = nn.functional.interpolate(frames.flatten(0, 1), scale_factor=2, mode="bilinear")
        return (plain.reshape(repair.shape) + repair).movedim(1, 2)


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
