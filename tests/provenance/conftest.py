"""Fixtures of the provenance tests: a chain, a small video, a claim. All made here, nothing from outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from media.clip import Clip
from media.codec import encode_mp4
from provenance.base import Claim
from provenance.certificates import DevelopmentPki, create_development_pki


def _blobs(height: int, width: int, count: int, seed: int) -> np.ndarray:
    """Soft discs moving over a gradient: what the embedded generator's clips look like."""
    random = np.random.default_rng(seed)
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    angle = random.uniform(0, 2 * np.pi)
    ramp = np.cos(angle) * columns + np.sin(angle) * rows
    ramp = (ramp - ramp.min()) / np.ptp(ramp)
    first, second = random.uniform(20, 235, 3), random.uniform(20, 235, 3)
    base = first + (second - first) * ramp[..., None]
    discs = [
        (
            random.uniform(0.2, 0.8, 2),
            random.uniform(-0.02, 0.02, 2),
            random.uniform(0.05, 0.2),
            random.uniform(0, 255, 3),
        )
        for _ in range(4)
    ]
    frames = []
    for index in range(count):
        frame = base
        for centre, velocity, radius, colour in discs:
            place = centre + velocity * index
            cover = 1 / (1 + np.exp((np.hypot(rows - place[0], columns - place[1]) - radius) / 0.01))[..., None]
            frame = frame * (1 - cover) + colour * cover
        frames.append(np.clip(np.rint(frame), 0, 255).astype(np.uint8))
    return np.stack(frames)


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., Clip]:
    """Return a maker of generated clips: (height, width, count, seed) at 12 frames a second."""

    def make(height: int = 256, width: int = 256, count: int = 24, seed: int = 0) -> Clip:
        return Clip(_blobs(height, width, count, seed), np.arange(count) / 12.0, 12.0)

    return make


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory, make_clip: Callable[..., Clip]) -> Path:
    """Return a small unsigned mp4."""
    path = tmp_path_factory.mktemp("video") / "plain.mp4"
    encode_mp4(make_clip(64, 96, 12, 5).frames, path, fps=12.0)
    return path


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentPki:
    """Return a development chain."""
    return create_development_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def anchors(pki: DevelopmentPki) -> str:
    """Return the root of the chain as PEM text."""
    return pki.root_pem.read_text()


@pytest.fixture
def claim() -> Claim:
    """Return a claim with every field filled."""
    return Claim(
        title="release r-1",
        release="r-1",
        decision="d-1",
        policy="sha256:00ff",
        generator="embedded",
        generator_version="1.0",
        created_at=datetime(2026, 11, 1, 12, 0, tzinfo=UTC),
        provider="Example Studio",
        watermark_alg="io.framegate.spread-spectrum.2",
        watermark="123456789abc",
    )
