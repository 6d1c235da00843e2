from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXConditionPipeline

from generator.base import GenerationRequest
from generator.checkpoint import EMBEDDED, digests
from generator.embedded import EmbeddedGenerator
from generator.latents import PatchLatents
from generator.training.export import export
from generator.training.train_tokenizer import build_tokenizer
from generator.training.train_transformer import (
    Settings,
    coordinates,
    moving_share,
    rate_factor,
    share_done,
    train,
)

TINY = Settings(width=32, layers=1, text_width=32, batch=10, steps=4, pool=40)


def weights(out: Path) -> dict[str, torch.Tensor]:
    learner: dict[str, torch.Tensor] = torch.load(out / "state.pt", weights_only=True)["learner"]
    return learner


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")
def test_training_resumes_where_it_stopped_and_what_it_exports_generates(tmp_path: Path) -> None:
    latents = PatchLatents.from_pretrained(EMBEDDED / "latents", dtype=torch.float32)
    tokenizer = build_tokenizer(500)
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    latents.save_pretrained(tmp_path / "latents")
    run = tmp_path / "run"
    run.mkdir()

    train(replace(TINY, steps=2), latents, tokenizer, run)
    first = weights(run)
    train(TINY, latents, tokenizer, run)
    state = torch.load(run / "state.pt", weights_only=True)
    assert state["step"] == 4
    changed = [name for name, value in state["learner"].items() if not torch.equal(value, first[name])]
    assert any("transformer_blocks" in name for name in changed)
    assert any("text_encoder" in name for name in changed)

    out = tmp_path / "checkpoint"
    assert export(run, tmp_path / "latents", tmp_path / "tokenizer", out, TINY) == 4
    clip = EmbeddedGenerator(out, digests(out)).generate(GenerationRequest("a red ball", 1, 128, 128))
    assert clip.frames.shape == (8, 128, 128, 3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")
def test_the_same_seed_trains_the_same_weights(tmp_path: Path) -> None:
    latents = PatchLatents.from_pretrained(EMBEDDED / "latents", dtype=torch.float32)
    tokenizer = build_tokenizer(500)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        train(replace(TINY, steps=2), latents, tokenizer, tmp_path / name)
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_coordinates_are_those_of_the_pipeline() -> None:
    """Positions in training and in sampling come from two places; they must agree."""
    ids = LTXConditionPipeline._prepare_video_ids(1, 5, 4, 6)
    theirs = LTXConditionPipeline._scale_video_ids(ids, scale_factor=16, scale_factor_t=4).float()
    theirs[:, 0] /= 8.0
    assert torch.equal(coordinates(5, 4, 6, fps=8.0), theirs)


def test_the_schedule_warms_up_holds_and_falls() -> None:
    assert rate_factor(0, 0.0) < 0.05
    assert rate_factor(500, 0.3) == 1
    assert rate_factor(500, 1.0) == 0.05
    falling = [rate_factor(500, done) for done in np.linspace(0.7, 1, 10)]
    assert falling == sorted(falling, reverse=True)


def test_stills_come_first_and_clips_later() -> None:
    shares = [moving_share(done) for done in np.linspace(0, 1, 20)]
    assert shares == sorted(shares)
    assert shares[0] < 0.2
    assert 0.7 < shares[-1] <= 1


def test_the_training_is_done_by_steps_or_by_the_clock() -> None:
    assert share_done(5, 10, 0.0, 0.0) == 0.5
    assert share_done(20, 10, 0.0, 0.0) == 1
    assert share_done(0, 10, 0.0, 1.0) == 1
