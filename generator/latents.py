"""The embedded latent autoencoder: spacetime patches, projected on principal components, and a decoder that learned.

A clip of 4k+1 frames becomes 1+k latent frames: the first frame stands alone (as a patch that stands still), every
further 4 frames form patches of patch x patch x 4 pixels. Encoding is linear and fitted in closed form. Decoding adds
to the linear picture what a small convolutional network reads from a patch and its neighbours in space and time: that
takes away the edges of the patches and the ghosts of fast objects.
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
    """Spacetime-patch autoencoder. Pixels are float (B, 3, T, H, W) in [-1, 1], T = 4k+1."""

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        channels: int = 96,
        patch: int = 16,
        patch_frames: int = 4,
        scaling_factor: float = 1.0,
        timestep_conditioning: bool = False,  # read by the pipeline
        refiner: int = 0,
    ) -> None:
        """`refiner` is the width of the learned part of the decoder; 0 leaves it out."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.spatial_compression_ratio = patch
        self.temporal_compression_ratio = patch_frames
        pixels = 3 * patch_frames * patch * patch
        self.basis = nn.Parameter(torch.zeros(channels, pixels), requires_grad=False)
        self.mean = nn.Parameter(torch.zeros(pixels), requires_grad=False)
        self.latents_mean = nn.Parameter(torch.zeros(channels), requires_grad=False)
        self.latents_std = nn.Parameter(torch.ones(channels), requires_grad=False)
        self.correction = Refiner(channels, refiner, patch, patch_frames) if refiner else None

    def encode(self, pixels: Tensor) -> SimpleNamespace:
        """Return `.latents`: float (B, channels, 1 + k, H / patch, W / patch)."""
        frames, patch = self.temporal_compression_ratio, self.spatial_compression_ratio
        still = pixels[:, :, :1].expand(-1, -1, frames, -1, -1)
        patches = to_patches(torch.cat([still, pixels[:, :, 1:]], 2), patch, frames)
        return SimpleNamespace(latents=((patches - self.mean) @ self.basis.T).movedim(-1, 1))

    def decode(self, latents: Tensor, temb: Tensor | None = None, *, return_dict: bool = True) -> Any:  # noqa: ANN401
        """Return pixels (B, 3, 4k + 1, H, W) about [-1, 1]. `temb` is ignored."""
        del temb
        frames, patch = self.temporal_compression_ratio, self.spatial_compression_ratio
        pixels = from_patches(latents.movedim(1, -1) @ self.basis + self.mean, patch, frames)
        if self.correction is not None:
            level = (latents - self.latents_mean[:, None, None, None]) / self.latents_std[:, None, None, None]
            pixels = self.correction(pixels, level)
        pixels = torch.cat([pixels[:, :, :frames].mean(2, keepdim=True), pixels[:, :, frames:]], 2)
        return SimpleNamespace(sample=pixels) if return_dict else (pixels,)


class Refiner(nn.Module):
    """What the decoder learned: from latents and their neighbours to a correction of the linear picture."""

    def __init__(self, channels: int, width: int, patch: int, frames: int, fine: int = 32) -> None:
        super().__init__()
        self.patch, self.frames, self.fine = patch // 4, frames, fine
        self.read = nn.Conv3d(channels, width, 3, padding=1)
        self.mix = nn.Conv3d(width, width, 3, padding=1)
        self.unfold = nn.Conv3d(width, fine * frames * self.patch**2, 1)
        self.shape = nn.ModuleList(nn.Conv2d(fine, fine, 3, padding=1) for _ in range(2))
        self.paint = nn.Conv2d(fine, 3 * 16, 3, padding=1)
        self.blend = nn.ModuleList([nn.Conv2d(6, 16, 3, padding=1), nn.Conv2d(16, 3, 3, padding=1)])
        for weights in (*self.paint.parameters(), *self.blend[1].parameters()):
            nn.init.zeros_(weights)  # start from the linear picture

    def forward(self, pixels: Tensor, latents: Tensor) -> Tensor:
        """Correct pixels (B, 3, T, H, W) decoded from normalised latents (B, channels, T / frames, h, w)."""
        batch, _, time, rows, columns = latents.shape
        seen = nn.functional.gelu(self.read(latents))
        seen = seen + nn.functional.gelu(self.mix(seen))
        cells = self.unfold(seen).reshape(batch, self.fine, self.frames, self.patch, self.patch, time, rows, columns)
        cells = cells.permute(0, 5, 2, 1, 6, 3, 7, 4).reshape(
            batch * time * self.frames, self.fine, rows * self.patch, columns * self.patch
        )
        for layer in self.shape:
            cells = cells + layer(nn.functional.gelu(cells))
        painted = nn.functional.pixel_shuffle(self.paint(nn.functional.gelu(cells)), 4)
        frames = pixels.movedim(2, 1).flatten(0, 1)
        corrected = frames + painted
        first, last = self.blend
        corrected = corrected + last(nn.functional.gelu(first(torch.cat([frames, corrected], 1))))
        clip: Tensor = corrected.unflatten(0, (batch, -1)).movedim(1, 2)
        return clip


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
