"""Embeds training pictures and clips once and keeps the result in a folder, because the encoder is the slow part.

The folder is scratch: embeddings of third-party media are never committed.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifiers.frame_encoder import FrameEncoder
from media.codec import decode
from media.errors import MediaError

PERMISSIVE = re.compile(r"^(MIT|Apache|BSD|CC-BY-4|CC0)")
"""Beginnings of the licences that new shipped weights are learned from."""


@dataclass(frozen=True)
class Row:
    """One line of a data set's MANIFEST.csv."""

    file: str
    label: str
    source: str
    """Whose pictures, or which generator or real source."""

    repository: str
    meta: dict[str, str]

    @property
    def is_permissive(self) -> bool:
        """Whether the row states a permissive licence."""
        return PERMISSIVE.match(self.meta.get("licence") or "") is not None


def manifest(data: Path) -> list[Row]:
    """Read `data`/MANIFEST.csv."""
    with (data / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
        return [
            Row(line["file"], line["label"], line.get("source") or line["generator_or_source"], line["repo"], line)
            for line in csv.DictReader(file)
        ]


def pictures(
    rows: list[Row], data: Path, encoder: FrameEncoder, cache: Path, *, worn: bool = False
) -> dict[str, NDArray[np.float32]]:
    """Return float32 (1, 512) for each readable picture, by file; `worn` makes it look like a small video's frame."""
    kept = cache / ("pictures worn.npz" if worn else "pictures.npz")
    known = dict(np.load(kept)) if kept.exists() else {}
    for row in rows:
        if row.file not in known:
            try:
                picture = Image.open(data / row.file).convert("RGB")
            except OSError as error:
                print(f"left out {row.file}: {error}")
                continue
            known[row.file] = encoder.embed([np.asarray(_worn(picture, row.file) if worn else picture)])
    _keep(kept, known)
    return {row.file: known[row.file].reshape(1, -1) for row in rows if row.file in known}


def frames(rows: list[Row], data: Path, encoder: FrameEncoder, cache: Path) -> dict[str, NDArray[np.float32]]:
    """Return float32 (3, 512) for each clip, by file: whole frames from its first, middle and last sixth."""
    kept = cache / "frames.npz"
    known = dict(np.load(kept)) if kept.exists() else {}
    for row in rows:
        if row.file not in known:
            seen = [frame for _, frame in decode(data / row.file)]
            known[row.file] = encoder.embed(seen[len(seen) * at // 6] for at in (0, 3, 5))
    _keep(kept, known)
    return {row.file: known[row.file] for row in rows}


def middles(rows: list[Row], data: Path, encoder: FrameEncoder, cache: Path) -> dict[str, NDArray[np.float32]]:
    """Return float32 (1, 512) for each clip that decodes, by file: its middle frame. Kept after every 25 clips."""
    kept = cache / "middles.npz"
    known = dict(np.load(kept)) if kept.exists() else {}
    for row in rows:
        if row.file not in known:
            try:
                seen = [frame for _, frame in decode(data / row.file)]
            except MediaError as error:
                print(f"left out {row.file}: {error}")
                continue
            known[row.file] = encoder.embed([seen[len(seen) // 2]])
            if len(known) % 25 == 0:
                _keep(kept, known)
    _keep(kept, known)
    return {row.file: known[row.file] for row in rows if row.file in known}


def _worn(picture: Image.Image, name: str) -> Image.Image:
    """Bring the short side to 240 at most and compress: web pictures are sharper than the video that is judged."""
    scale = min(1.0, 240 / min(picture.size))
    quality = int(np.random.default_rng(zlib.crc32(name.encode())).choice((15, 25, 40)))
    with BytesIO() as file:
        small = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
        small.save(file, format="JPEG", quality=quality)
        return Image.open(file).convert("RGB")


def _keep(path: Path, embeddings: Mapping[str, NDArray[np.float32]]) -> None:
    np.savez(path, allow_pickle=False, **embeddings)
