from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXConditionPipeline
from hypothesis import given
from hypothesis import strategies as st
from transformers import T5Tokenizer

from generator.base import GenerationRequest
from generator.checkpoint import EMBEDDED, digests
from generator.embedded import EmbeddedGenerator
from generator.latents import PatchLatents
from generator.training.clip_cache import SHARD, draw_shard, read_shard, shard_size
from generator.training.export import export
from generator.training.learner import LATENT_FRAMES, Given, Learner, Size, coordinates, draw_given, flow_loss, starts
from generator.training.muon import orthogonal
from generator.training.train_tokenizer import build_tokenizer
from generator.training.train_transformer import Settings, still_share, train

SMALL = Size(width=64, layers=1, text_width=32)
FAST = Settings(frames=10, stills_until=2)


@pytest.fixture(scope="module")
def latents() -> PatchLatents:
    return PatchLatents.from_pretrained(EMBEDDED / "latents", dtype=torch.float32)


@pytest.fixture(scope="module")
def clips(latents: PatchLatents, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    torch.save(draw_shard(latents, 0, 6), folder / "00000.pt")
    return folder


@pytest.fixture(scope="module")
def tokenizer() -> T5Tokenizer:
    return build_tokenizer(500)


def weights(out: Path) -> dict[str, torch.Tensor]:
    learner: dict[str, torch.Tensor] = torch.load(out / "state.pt", weights_only=True)["learner"]
    return learner


def test_training_resumes_where_it_stopped_and_what_it_exports_generates(
    latents: PatchLatents, tokenizer: T5Tokenizer, clips: Path, tmp_path: Path
) -> None:
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    latents.save_pretrained(tmp_path / "latents")
    run, whole = tmp_path / "run", tmp_path / "whole"
    for folder, parts in ((run, (2, 2)), (whole, (4,))):
        folder.mkdir()
        for steps in parts:
            train(FAST, SMALL, tokenizer, 96, clips, folder, steps=steps)

    assert torch.load(run / "state.pt", weights_only=True)["step"] == 4
    resumed, straight = weights(run), weights(whole)
    assert all(torch.allclose(resumed[name], straight[name], atol=1e-6) for name in straight)
    begun = Learner(SMALL, len(tokenizer), 96).state_dict()
    changed = [name for name, value in resumed.items() if not torch.equal(value, begun[name])]
    assert any("transformer_blocks" in name for name in changed)
    assert any("text_encoder" in name for name in changed)

    out = tmp_path / "checkpoint"
    assert export(run, tmp_path / "latents", tmp_path / "tokenizer", out, SMALL) == 4
    generator = EmbeddedGenerator(out, digests(out))
    clip = generator.generate(GenerationRequest("a red ball, the camera zooms in", 1, 128, 128))
    assert clip.frames.shape == (8, 128, 128, 3)


def test_a_shard_is_decided_by_its_number(latents: PatchLatents, clips: Path) -> None:
    kept, weight, captions = read_shard(clips / "00000.pt")
    again = draw_shard(latents, 0, 2)
    assert torch.equal(again["latents"], kept[:2])
    assert kept.shape == (6, 2 * LATENT_FRAMES, 96, 4, 4)
    assert weight.float().mean() > 0
    assert len(captions) == 6
    assert {shard_size(number) for number in range(5)} == {(64, 64), (96, 64), (64, 96)}
    assert SHARD >= 100


def test_given_tokens_cost_nothing_and_are_not_learned_from(
    latents: PatchLatents, tokenizer: T5Tokenizer, clips: Path
) -> None:
    """Were the given frames wrong, the loss would be the same: only what was to be made counts."""
    kept, weight, captions = read_shard(clips / "00000.pt")
    torch.manual_seed(0)
    learner = Learner(SMALL, len(tokenizer), 96)
    losses = []
    for change in (0.0, 5.0):
        altered = kept.clone()
        altered[:, 0] += change
        torch.manual_seed(1)
        rng = np.random.default_rng(1)
        with torch.no_grad():
            losses.append(flow_loss(learner, tokenizer, altered, weight, list(captions), Given(1), rng).item())
    assert losses[0] == pytest.approx(losses[1])  # an untrained network looks at nothing yet
    rng = np.random.default_rng(2)
    with torch.no_grad():
        free = flow_loss(learner, tokenizer, kept + 5, weight, list(captions), Given(), rng)
    assert free > 2 * losses[0]


def test_what_is_given_covers_what_the_service_asks_for() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_given(rng) for _ in range(400)]
    assert any(each.prefix == 2 and not each.keyframes for each in drawn)
    assert any(each.prefix == 1 and each.keyframes == (each.length - 1,) for each in drawn)
    assert any(each.prefix == 0 and each.keyframes for each in drawn)
    assert all(0 < place < each.length for each in drawn for place in each.keyframes)
    assert 0.4 < sum(each.prefix == 0 and not each.keyframes for each in drawn) / 400 < 0.6


@given(st.integers(2, 24), st.integers(2, 24), st.integers(0, 1000))
def test_the_direction_of_a_step_has_equal_singular_values(rows: int, columns: int, seed: int) -> None:
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    values = torch.linalg.svdvals(orthogonal(matrix, iterations=12))
    assert values.max() < 1.35
    assert values.min() > 0.3 or torch.linalg.cond(matrix) > 100


def test_coordinates_are_those_of_the_pipeline() -> None:
    """Positions in training and in sampling come from two places; they must agree."""
    ids = LTXConditionPipeline._prepare_video_ids(1, 5, 4, 6)
    theirs = LTXConditionPipeline._scale_video_ids(ids, scale_factor=16, scale_factor_t=4).float()
    theirs[:, 0] /= 8.0
    assert torch.equal(coordinates(starts(5), 4, 6), theirs)


def test_a_given_keyframe_stands_where_the_pipeline_puts_it() -> None:
    ids = LTXConditionPipeline._prepare_video_ids(1, 1, 4, 6)
    theirs = LTXConditionPipeline._scale_video_ids(ids, scale_factor=16, scale_factor_t=4, frame_index=12).float()
    theirs[:, 0] /= 8.0
    assert torch.equal(coordinates([12.0], 4, 6), theirs)


def test_stills_come_first_and_clips_later() -> None:
    shares = [still_share(step, 100) for step in range(0, 400, 20)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.8
    assert 0.2 < shares[-1] < 0.5
