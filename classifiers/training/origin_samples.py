"""What the origin heads learn from and are tested on: clips, drawn clips and photographs, each in every condition.

Looks of the encoder are kept in a folder because they are the slow part; the folder is scratch and never committed.
Photographs and drawn clips are learned from as real, so that "animal", "polished" or "not filmed" is no sign of
synthesis; figures about real clips never count them. Nor do they count what stands beside: recordings and stills of
further sources, learned from like any recording, and asked about when they were left out, for false alarms alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifiers.forensics import FEWEST_FRAMES, SMALLEST_SIDE
from classifiers.training.cached_embeddings import manifest
from classifiers.training.drawn_clips import KINDS, drawn
from media.errors import MediaError
from media.glimpse import fit_short_side
from media.renditions import CAPPED_SIDE, CLIP_FRAMES, SHORT_SIDE, Frame, Renditions, first_frames

DRAWN, PICTURE, BESIDE = "drawn", "picture", "beside"

PICTURE_SOURCES = ("imagenet1000", "azure_mixed", "imageai")
"""Folders below benign/ of the frames data."""

DIGITS = 16


@dataclass(frozen=True)
class Sample:
    """One clip, or one photograph."""

    name: str
    made: bool
    source: str
    repository: str
    kind: str
    """`camera`, `cgi`, `screen`, … of a real clip; `drawn` or `picture` of what only helps learning; `beside`."""

    digest: str
    """SHA-256 of the file; for drawn clips and photographs their name."""

    load: Callable[[], list[Frame]]
    meta: Mapping[str, str]

    def labelled(self, *, made: bool) -> Sample:
        """Return the sample with another label."""
        return replace(self, made=made)

    apart: bool = False
    """Whether it is only tested on and never learned from."""

    @property
    def helps(self) -> bool:
        """Whether it only helps learning and counts in no figure about real clips."""
        return self.kind in (DRAWN, PICTURE)

    @property
    def counts(self) -> bool:
        """Whether it counts in figures about clips."""
        return not self.helps and self.kind != BESIDE

    @property
    def large(self) -> bool:
        """Whether its short side is what everything is brought to: smaller ones are told apart."""
        return self.helps or min(int(self.meta["width"]), int(self.meta["height"])) >= SHORT_SIDE


def clips(data: Path) -> list[Sample]:
    """Return the labelled clips of a folder with MANIFEST.csv."""
    return [
        Sample(
            row.file,
            row.label == "ai",
            row.source,
            row.repository,
            row.meta.get("kind") or "camera",
            _digest(data / row.file),
            partial(_frames, data / row.file),
            row.meta,
        )
        for row in manifest(data)
    ]


def drawn_clips(each: int, learned: int) -> list[Sample]:
    """Return `each` clips of every kind that `classifiers.training.drawn_clips` draws; a kind is a source.

    Only the first `learned` of each kind are learned from.
    """
    return [
        replace(
            _helping(name, f"drawn {kind}", f"drawn {kind}", DRAWN, partial(_drawn, kind, seed)), apart=seed >= learned
        )
        for seed in range(each)
        for kind in KINDS
        for name in (f"drawn/{kind}_{seed}",)
    ]


def photographs(data: Path, most: int, names: Sequence[str] = PICTURE_SOURCES) -> list[Sample]:
    """Return `most` benign photographs of these sources: those whose names have the first digests."""
    found = [
        _helping(row.file, row.file.split("/")[1], "photographs", PICTURE, partial(_still, data / row.file))
        for row in manifest(data)
        if row.file.startswith("benign/") and row.file.split("/")[1] in names
    ]
    return sorted(found, key=lambda each: _place(each.name))[:most]


BESIDES: Mapping[str, int] = {
    "surv_fight": 70,
    "road_nocrash": 25,
    "sasank_guns": 130,
    "nazmul9": 130,
    "raccoon": 50,
    "azure_fork_scissors": 40,
}
"""Real sources of the frames data and how many files of each: surveillance, road cameras, film stills, product
pictures, photographs. Those whose names have the first digests."""


def besides(data: Path, sources: Mapping[str, int] = BESIDES) -> list[Sample]:
    """Return recordings, and stills with enough pixels as videos of one frame, of further real sources."""
    rows = manifest(data)
    found = []
    for source, most in sources.items():
        names = sorted((row.file for row in rows if row.source == source), key=_place)[:most]
        found += [
            _beside(name, source, partial(_frames, data / name), _digest(data / name), 0)
            if name.endswith(".mp4")
            else _beside(name, source, partial(_still, data / name), name, 1)
            for name in names
            if name.endswith(".mp4") or _short_side(data / name) >= SMALLEST_SIDE
        ]
    return found


def _beside(name: str, source: str, load: Callable[[], list[Frame]], digest: str, stills: int) -> Sample:
    meta = {"width": "0", "height": "0", "stills": str(stills)}
    return Sample(
        name=name, made=False, source=source, repository=source, kind=BESIDE, digest=digest, load=load, meta=meta
    )


def _place(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _short_side(path: Path) -> int:
    with Image.open(path) as picture:
        return min(picture.size)


def _helping(name: str, source: str, repository: str, kind: str, load: Callable[[], list[Frame]]) -> Sample:
    return Sample(
        name=name, made=False, source=source, repository=repository, kind=kind, digest=name, load=load, meta={}
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _frames(path: Path) -> list[Frame]:
    try:
        return first_frames(path)
    except MediaError as error:
        print(f"left out {path.name}: {error}")
        return []


def _drawn(kind: str, seed: int) -> list[Frame]:
    return [np.ascontiguousarray(frame) for frame in drawn(kind, seed)[:CLIP_FRAMES]]


def _still(path: Path) -> list[Frame]:
    picture = fit_short_side(np.asarray(Image.open(path).convert("RGB")), CAPPED_SIDE)
    return [picture] * FEWEST_FRAMES


class Looker(Protocol):
    """Describes frames by numbers: one row a frame."""

    def look(self, frames: Iterable[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return float32 (T, D)."""


class Looks:
    """What a network sees of samples in a condition, kept below a folder: `condition`/`digest`.npy."""

    def __init__(self, looker: Looker | None, folder: Path) -> None:
        """Take the network, or None to read only what is kept."""
        self._looker = looker
        self._folder = folder
        self._renditions: tuple[str, Renditions] | None = None

    def of(self, sample: Sample, condition: str, frames: int) -> NDArray[np.float32] | None:
        """Return float32 (at most `frames`, D), spread from the first frame to the last; None: too few frames."""
        kept = self._folder / condition / f"{hashlib.sha256(sample.digest.encode()).hexdigest()[:DIGITS]}.npy"
        if not kept.exists():
            if self._looker is None:
                return None
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.save(kept, self._look(self._looker, sample, condition, frames))
        found: NDArray[np.float32] = np.load(kept, allow_pickle=False)
        return found if len(found) else None

    def _look(self, looker: Looker, sample: Sample, condition: str, frames: int) -> NDArray[np.float32]:
        if self._renditions is None or self._renditions[0] != sample.name:
            self._renditions = sample.name, Renditions(sample.load, sample.digest)
        renditions = self._renditions[1]
        one_picture = sample.kind == PICTURE or sample.meta.get("stills") == "1"
        fewest = FEWEST_FRAMES if sample.helps or one_picture else CLIP_FRAMES
        if len(renditions.sampled()) < fewest:
            return np.zeros((0, 0), dtype=np.float32)
        seen = renditions.seen(condition)
        if one_picture:
            seen = seen[:1]
        chosen = np.unique(np.linspace(0, len(seen) - 1, min(len(seen), frames)).round().astype(int))
        return looker.look([seen[at] for at in chosen])
