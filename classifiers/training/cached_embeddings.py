"""Embeds training pictures and clips once and keeps the result in a folder, because the encoder is the slow part.

The folder is scratch: embeddings of third-party media are never committed.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifiers.forensics import FEWEST_FRAMES
from classifiers.frame_encoder import FrameEncoder
from classifiers.training.clip_views import sampled, viewed
from media.errors import MediaError


@dataclass(frozen=True)
class Row:
    """One line of a data set's MANIFEST.csv."""

    file: str
    label: str
    source: str
    """Whose pictures, or which generator or real source."""

    repository: str
    meta: dict[str, str]


def manifest(data: Path) -> list[Row]:
    """Read `data`/MANIFEST.csv."""
    with (data / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
        return [
            Row(line["file"], line["label"], line.get("source") or line["generator_or_source"], line["repo"], line)
            for line in csv.DictReader(file)
        ]


def pictures(rows: list[Row], data: Path, encoder: FrameEncoder, cache: Path) -> dict[str, NDArray[np.float32]]:
    """Return float32 (512,) for each readable picture, by file."""
    kept = cache / "pictures.npz"
    known = dict(np.load(kept)) if kept.exists() else {}
    for row in rows:
        if row.file not in known:
            try:
                picture = np.asarray(Image.open(data / row.file).convert("RGB"))
            except OSError as error:
                print(f"left out {row.file}: {error}")
                continue
            known[row.file] = encoder.embed([picture])[0]
    _keep(kept, known)
    return known


def clips(rows: list[Row], data: Path, view: str, encoder: FrameEncoder, cache: Path) -> dict[str, NDArray[np.float32]]:
    """Return float32 (frames, 512) for each clip with enough frames, by file."""
    kept = cache / f"clips {view}.npz"
    if kept.exists():
        return dict(np.load(kept))
    known = {}
    for at, row in enumerate(rows):
        try:
            frames = sampled(data / row.file)
        except MediaError as error:
            print(f"left out {row.file}: {error}")
            continue
        if len(frames) >= FEWEST_FRAMES:
            known[row.file] = encoder.embed(viewed(frames, view, row.file))
        if at % 20 == 0:
            print(f"{view}: {at} of {len(rows)}", flush=True)
    _keep(kept, known)
    return known


def _keep(path: Path, embeddings: Mapping[str, NDArray[np.float32]]) -> None:
    np.savez(path, allow_pickle=False, **embeddings)
