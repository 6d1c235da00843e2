from __future__ import annotations

import copy

import pytest
import torch

from generator.checkpoint import EMBEDDED
from generator.latents import PatchLatents, from_patches, to_patches
from generator.training.train_latents import HELD_OUT, pixels

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def shipped() -> PatchLatents:
    return PatchLatents.from_pretrained(EMBEDDED / "latents", dtype=torch.float32)


@pytest.mark.parametrize("shape", [(1, 3, 4, 32, 32), (2, 3, 8, 16, 48)])
def test_patches_lose_nothing(shape: tuple[int, ...]) -> None:
    video = torch.rand(shape)
    assert torch.equal(from_patches(to_patches(video, 16, 4), 16, 4), video)


@pytest.mark.parametrize("frames", [1, 5, 17])
@torch.inference_mode()
def test_latents_have_one_frame_more_than_a_quarter(shipped: PatchLatents, frames: int) -> None:
    latents = shipped.encode(torch.rand(1, 3, frames, 64, 96)).latents
    assert latents.shape == (1, 96, 1 + (frames - 1) // 4, 4, 6)
    assert shipped.decode(latents).sample.shape == (1, 3, frames, 64, 96)


@torch.inference_mode()
def test_encoding_a_decoded_clip_changes_nothing(shipped: PatchLatents) -> None:
    linear = copy.deepcopy(shipped)
    linear.correction = None
    latents = linear.encode(pixels(HELD_OUT)).latents
    again = linear.encode(linear.decode(latents).sample).latents
    assert (again - latents)[:, :, 1:].abs().max() < 0.05 * latents.std()


@torch.inference_mode()
def test_the_first_frame_does_not_see_later_ones(shipped: PatchLatents) -> None:
    clip = pixels(HELD_OUT + 1)
    changed = clip.clone()
    changed[:, :, 1:] = 0
    assert torch.equal(shipped.encode(clip).latents[:, :, 0], shipped.encode(changed).latents[:, :, 0])


@torch.inference_mode()
def test_held_out_clips_survive_the_patches(shipped: PatchLatents) -> None:
    errors = []
    for index in range(HELD_OUT, HELD_OUT + 8):
        clip = pixels(index)
        decoded = shipped.decode(shipped.encode(clip).latents).sample.clamp(-1, 1)
        errors.append(((decoded - clip) / 2).square().mean())
    assert -10 * torch.stack(errors).mean().log10() > 24


@torch.inference_mode()
def test_the_refiner_takes_the_edges_of_patches_away(shipped: PatchLatents) -> None:
    """On latents that are not quite right, as sampled ones never are."""
    linear = copy.deepcopy(shipped)
    linear.correction = None
    torch.manual_seed(0)
    latents = shipped.encode(torch.cat([pixels(HELD_OUT + index) for index in range(4)])).latents
    noisy = latents + 0.2 * torch.randn_like(latents) * shipped.latents_std[:, None, None, None]
    steps = [model.decode(noisy).sample.diff(dim=-1).abs().mean((0, 1, 2, 3)) for model in (linear, shipped)]
    edges = [step[15::16].mean() / step.mean() for step in steps]
    assert edges[1] < 0.8 * edges[0]
