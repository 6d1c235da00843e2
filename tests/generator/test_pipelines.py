from __future__ import annotations

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLLTXVideo, FlowMatchEulerDiscreteScheduler, LTXPipeline, LTXVideoTransformer3DModel
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXConditionPipeline
from transformers import T5Config, T5EncoderModel

from generator import GenerationCancelled, GenerationRequest, GeneratorError, UnsupportedRequest
from generator.base import NEEDS_CLIP, NEEDS_PICTURES, Capability, Keyframe
from generator.families import FAMILIES, Sampled
from generator.pipelines import PipelineGenerator
from generator.training.train_tokenizer import build_tokenizer
from media.clip import Clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole LTX pipeline folder with random weights."""
    torch.manual_seed(0)
    tokenizer = build_tokenizer(200)
    text = T5Config(vocab_size=len(tokenizer), d_model=16, d_kv=8, num_heads=2, d_ff=16, num_layers=1)
    pipeline = LTXPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
        ),
        text_encoder=T5EncoderModel(text),
        tokenizer=tokenizer,
        transformer=LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=2,
            attention_head_dim=8,
            cross_attention_dim=16,
            num_layers=1,
            caption_channels=16,
        ),
    )
    path = tmp_path_factory.mktemp("pipelines") / "random-ltx"
    pipeline.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def generator(folder: Path) -> PipelineGenerator:
    return PipelineGenerator(folder, steps=2)


def test_a_local_folder_generates_the_size_and_length_asked_for(generator: PipelineGenerator) -> None:
    shares: list[float] = []
    clip = generator.generate(GenerationRequest("a red ball", 0.5, 70, 64, 1), shares.append)
    assert clip.frames.shape == (12, 64, 70, 3)
    assert clip.fps == 24
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)


def test_the_seed_decides_the_pixels(generator: PipelineGenerator) -> None:
    clips = [generator.generate(GenerationRequest("a red ball", 0.3, 64, 64, seed)).frames for seed in (1, 1, 2)]
    assert np.array_equal(clips[0], clips[1])
    assert not np.array_equal(clips[0], clips[2])


def test_cancelling_stops_it(generator: PipelineGenerator) -> None:
    def stop(share: float) -> None:
        if share > 0:
            raise GenerationCancelled("stop")

    with pytest.raises(GenerationCancelled):
        generator.generate(GenerationRequest("a red ball", 0.3, 64, 64), stop)


@pytest.mark.parametrize("seconds", [0, -1, 10.5, 10_000, float("nan")])
def test_lengths_are_refused_with_the_allowed_ones(generator: PipelineGenerator, seconds: float) -> None:
    with pytest.raises(UnsupportedRequest, match="more than 0 and up to 10"):
        generator.check(GenerationRequest("x", seconds))


@pytest.mark.parametrize("size", [(65, 64), (62, 64), (64, 2050)])
def test_sizes_are_refused_with_the_allowed_ones(generator: PipelineGenerator, size: tuple[int, int]) -> None:
    with pytest.raises(UnsupportedRequest, match="even numbers from 64 to 2048"):
        generator.check(GenerationRequest("x", 1, *size))


def test_name_and_version_come_from_the_folder(generator: PipelineGenerator, folder: Path) -> None:
    assert generator.name == "random-ltx"
    assert generator.version == PipelineGenerator(folder).version
    assert generator.version.startswith("sha256:")


def test_a_folder_without_index_or_with_another_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="not a diffusers pipeline folder"):
        PipelineGenerator(tmp_path)
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    with pytest.raises(GeneratorError, match="StableDiffusionPipeline; supported are LTXPipeline"):
        PipelineGenerator(tmp_path)


def test_a_folder_that_cannot_be_loaded_says_so(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "LTXPipeline"}))
    with pytest.raises(GeneratorError, match="cannot be loaded as LTXPipeline"):
        PipelineGenerator(tmp_path, steps=1).generate(GenerationRequest("x", 1, 64, 64))


def test_every_family_is_a_pipeline_of_the_installed_diffusers() -> None:
    import diffusers

    assert all(issubclass(getattr(diffusers, name), diffusers.DiffusionPipeline) for name in FAMILIES)


@pytest.fixture(scope="module")
def condition_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights as the pipeline that takes conditions."""
    path = tmp_path_factory.mktemp("pipelines") / "random-condition"
    LTXConditionPipeline.from_pretrained(folder, local_files_only=True).save_pretrained(path)
    return path


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_conditions_reach_a_checkpoint_that_takes_them(condition_folder: Path) -> None:
    generator = PipelineGenerator(condition_folder, steps=3)
    picture = np.full((40, 40, 3), 90, np.uint8)
    source = Clip(np.full((24, 64, 64, 3), 90, np.uint8), np.arange(24) / 24, 24.0)
    small = {"seconds": 0.4, "width": 64, "height": 64}

    animated = generator.generate(
        GenerationRequest("a", **small, capability=Capability.ANIMATE, keyframes=(Keyframe(0.0, picture),))
    )
    filled = generator.generate(
        GenerationRequest(
            "a", **small, capability=Capability.FILL, keyframes=(Keyframe(0.0, picture), Keyframe(0.4, picture))
        )
    )
    extended = generator.generate(GenerationRequest("a", **small, capability=Capability.EXTEND, source=source))
    still = generator.generate(GenerationRequest("a", **small, capability=Capability.IMAGE))

    assert len(animated.frames) == len(filled.frames) == len(still.frames) == 10
    assert len(extended.frames) == 24 + 10
    assert (extended.frames[:24] == 90).all()
    assert (still.frames == still.frames[0]).all()


def test_what_a_checkpoint_cannot_do_is_refused_with_what_it_can(generator: PipelineGenerator) -> None:
    with pytest.raises(UnsupportedRequest, match="random-ltx cannot do edit: it can image, text"):
        generator.check(GenerationRequest("x", 1, 64, 64, capability=Capability.EDIT))


def test_offloading_without_what_it_needs_says_so(folder: Path) -> None:
    generator = PipelineGenerator(folder, steps=1, offload="model")
    with pytest.raises(GeneratorError, match="cannot be loaded as LTXPipeline"):
        generator.generate(GenerationRequest("x", 0.3, 64, 64))


def test_every_argument_a_family_uses_is_one_of_its_pipeline() -> None:
    import diffusers

    picture = np.zeros((8, 8, 3), np.uint8)
    source = Clip(np.zeros((9, 8, 8, 3), np.uint8), np.arange(9) / 8, 8.0)
    for name, family in FAMILIES.items():
        taken = inspect.signature(getattr(diffusers, name).__call__).parameters
        for capability in family.capabilities:
            keyframes = (Keyframe(0.0, picture),) if capability in NEEDS_PICTURES else ()
            clip = source if capability in NEEDS_CLIP else None
            request = GenerationRequest("a", 1, 64, 64, capability=capability, keyframes=keyframes, source=clip)
            told = family.arguments(request, Sampled(64, 64, family.frame_step + 1, family.fps, 1))
            assert set(told) <= set(taken), name
            assert bool(told) == (capability in NEEDS_PICTURES | NEEDS_CLIP)
