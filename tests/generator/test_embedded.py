from __future__ import annotations

import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import GenerationCancelled, GenerationRequest, UnsupportedRequest
from generator.delivery import deliver
from generator.embedded import ASPECT, MOST_BYTES, SAMPLED, SECONDS, SIDE, EmbeddedGenerator, nearest_size

BALL = "a red ball standing still over a meadow by day"


@pytest.fixture(scope="module")
def generator() -> EmbeddedGenerator:
    return EmbeddedGenerator()


def test_the_same_request_gives_the_same_pixels(generator: EmbeddedGenerator) -> None:
    request = GenerationRequest(BALL, seconds=1, width=128, height=128, seed=3)
    assert np.array_equal(generator.generate(request).frames, generator.generate(request).frames)


def test_two_requests_at_once_do_not_disturb_each_other(generator: EmbeddedGenerator) -> None:
    requests = [GenerationRequest(BALL, seconds=1, width=128, height=128, seed=seed) for seed in (3, 4)]
    alone = [generator.generate(request).frames for request in requests]
    with ThreadPoolExecutor(2) as pool:
        together = [clip.frames for clip in pool.map(generator.generate, requests)]
    for one, other in zip(alone, together, strict=True):
        assert np.abs(one.astype(int) - other.astype(int)).max() <= 1


def test_another_seed_gives_another_clip(generator: EmbeddedGenerator) -> None:
    clips = [generator.generate(GenerationRequest(BALL, 1, 128, 128, seed)).frames for seed in (3, 4)]
    assert np.abs(clips[0].astype(int) - clips[1].astype(int)).mean() > 1


@pytest.mark.parametrize(("seconds", "width", "height"), [(1, 128, 128), (2, 256, 144), (3.5, 130, 180)])
def test_the_clip_has_the_size_and_length_asked_for(
    generator: EmbeddedGenerator, seconds: float, width: int, height: int
) -> None:
    clip = generator.generate(GenerationRequest(BALL, seconds, width, height, -1))
    assert clip.frames.shape == (round(seconds * clip.fps), height, width, 3)
    assert clip.fps >= 8
    assert np.allclose(np.diff(clip.times_s), 1 / clip.fps)


def test_a_continued_clip_starts_as_the_short_one_and_its_seam_is_no_worse_than_its_inside(
    generator: EmbeddedGenerator,
) -> None:
    short = generator.generate(GenerationRequest(BALL, 2, 128, 128, 5)).frames.astype(int)
    long = generator.generate(GenerationRequest(BALL, 3, 128, 128, 5)).frames.astype(int)
    assert np.array_equal(long[: len(short)], short)
    steps = np.abs(np.diff(long, axis=0)).mean((1, 2, 3))
    assert steps[16] <= 1.5 * steps[:16].max()


@pytest.mark.parametrize("seconds", [0, -1, 0.5, 60.1, 10_000, math.nan, math.inf])
def test_lengths_out_of_range_are_refused_with_the_allowed_ones(generator: EmbeddedGenerator, seconds: float) -> None:
    with pytest.raises(UnsupportedRequest, match="1 to 60 are allowed"):
        generator.generate(GenerationRequest("secret words", seconds))


@pytest.mark.parametrize("size", [(129, 128), (128, 255), (0, 0), (126, 128), (1026, 1024), (512, 256), (-256, 256)])
def test_sizes_out_of_range_are_refused_with_the_allowed_ones(
    generator: EmbeddedGenerator, size: tuple[int, int]
) -> None:
    with pytest.raises(UnsupportedRequest, match="even numbers from 128 to 1024") as refused:
        generator.check(GenerationRequest("secret words", 2, *size))
    assert "secret" not in str(refused.value)


@given(st.floats(*SECONDS), st.integers(*SIDE), st.integers(*SIDE), st.integers())
def test_check_passes_exactly_what_the_message_promises(seconds: float, width: int, height: int, seed: int) -> None:
    request = GenerationRequest(BALL, seconds, width, height, seed)
    promised = width % 2 == 0 and height % 2 == 0 and max(width, height) <= ASPECT * min(width, height) + 2
    promised = promised and round(seconds * 8) * width * height * 3 <= MOST_BYTES
    try:
        EmbeddedGenerator().check(request)
    except UnsupportedRequest:
        assert not promised
    else:
        assert promised


def test_progress_rises_from_nought_to_one(generator: EmbeddedGenerator) -> None:
    shares: list[float] = []
    generator.generate(GenerationRequest(BALL, 3, 128, 128, 1), shares.append)
    assert shares[0] == 0
    assert shares[-1] == 1
    assert shares == sorted(shares)
    assert len(set(shares)) > 20


def test_cancelling_stops_the_sampling_and_leaves_the_generator_usable(generator: EmbeddedGenerator) -> None:
    seen: list[float] = []

    def stop_at_a_third(share: float) -> None:
        seen.append(share)
        if share > 0.3:
            raise GenerationCancelled("stop")

    request = GenerationRequest(BALL, 1, 128, 128, 3)
    before = generator.generate(request).frames
    with pytest.raises(GenerationCancelled):
        generator.generate(request, stop_at_a_third)
    assert max(seen) < 0.5
    assert np.array_equal(generator.generate(request).frames, before)


def test_importing_the_generator_does_not_import_torch() -> None:
    code = "import sys, generator.embedded, generator.pipelines, generator.expand; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_name_and_version_stand_for_the_checkpoint(generator: EmbeddedGenerator) -> None:
    assert generator.name == "framegate-tiny"
    assert generator.version.startswith("sha256:")
    assert generator.version == EmbeddedGenerator().version
    assert generator.version != EmbeddedGenerator(pins={"a": "b"}).version


@given(st.integers(*SIDE), st.integers(*SIDE))
def test_the_nearest_size_lies_on_the_right_side(width: int, height: int) -> None:
    chosen = nearest_size(width, height)
    assert chosen in SAMPLED
    assert (chosen[0] - chosen[1]) * (width - height) >= 0 or chosen == (64, 64)


@given(st.integers(32, 100), st.integers(32, 100))
def test_delivery_covers_the_frame_and_keeps_flat_colour(width: int, height: int) -> None:
    flat = np.full((2, 32, 48, 3), 0.5, np.float32)
    delivered = deliver(flat, width, height)
    assert delivered.shape == (2, height, width, 3)
    assert np.abs(delivered.astype(int) - 128).max() <= 1
