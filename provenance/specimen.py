"""The one-frame video that a signer's self-test signs, and what it claims. Never released."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from media.codec import encode_mp4
from media.errors import MediaError
from provenance.base import Claim, SignerUnusable


def write_specimen(path: Path) -> None:
    """Write a grey frame of 64x64.

    Raises:
        SignerUnusable: it cannot be encoded.
    """
    try:
        encode_mp4([np.full((64, 64, 3), 128, np.uint8)], path, fps=24.0)
    except MediaError as error:
        raise SignerUnusable(f"the signer's self-test cannot make its video: {error}") from error


def specimen_claim() -> Claim:
    """Return a claim that says it is a self-test in every field."""
    return Claim(
        title="self-test",
        release="self-test",
        decision="self-test",
        policy="self-test",
        generator="self-test",
        generator_version="0",
        created_at=datetime.now(UTC),
        provider="self-test",
        watermark_alg="",
        watermark="",
    )
