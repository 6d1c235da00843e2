"""Trains the weapon head on pictures and video frames, prints its figures from sources it did not see, and writes it.

    python -m classifiers.training.train_frame_heads FRAMES_DATA --cache FOLDER [--out classifiers/weights/weapons]

FRAMES_DATA holds MANIFEST.csv, the pictures, and clips without a fight, whose frames are benign. Every fourth picture
is learned a second time small and compressed, because video looks so: a head trained on sharp pictures alone called 39
of 251 harmless clips weapons at 0.9. Pictures labelled `review_*` are neither trained on nor counted.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.frame_encoder import SHA256, FrameEncoder
from classifiers.training.cached_embeddings import Row, frames, manifest, pictures
from classifiers.training.head_fitting import (
    Line,
    auroc_over_groups,
    fit,
    out_of_fold,
    platt,
    probability,
    wilson,
    write_head,
)
from classifiers.weights import EMBEDDED

STRENGTH = 1e-3
"""C of the logistic regression; the results change little between 1e-4 and 1e-2."""

FOLDS: tuple[set[str], ...] = (
    {"sasank_guns", "azure_mixed", "raccoon", "imagenet1000 even", "surv_fight"},
    {"nazmul9", "bccd_blood_cells", "imageai", "imagenet1000 odd", "road_nocrash", "real_everyday"},
    {"azure_fork_scissors lookalike_fork"},
    {"azure_fork_scissors lookalike_scissors"},
)
"""What is left out together: an unseen weapon source against unseen benign ones, then each kind of look-alike alone."""

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)


def is_weapon(row: Row) -> bool:
    """Whether the label names a weapon: everything in weapons/ but look-alikes."""
    return row.file.startswith("weapons/") and not row.label.startswith("lookalike_")


def source_of(row: Row, at: int) -> str:
    """Return the row's source; the one large benign source is halved, look-alikes go by their kind."""
    if row.source == "imagenet1000":
        return f"{row.source} {'odd' if at % 2 else 'even'}"
    return f"{row.source} {row.label}" if row.label.startswith("lookalike_") else row.source.partition(":")[0]


@dataclass(frozen=True)
class Sample:
    """One embedded picture or clip."""

    x: NDArray[np.float64]
    """float64 (frames, 512)."""

    is_weapon: bool
    source: str
    kind: str
    """What it is reported as."""


def samples(data: Path, cache: Path) -> list[Sample]:
    """Embed pictures, every fourth one of them worn too, and three frames of every clip without a fight."""
    rows, encoder = manifest(data), FrameEncoder()
    still = [
        row for row in rows if row.file.startswith(("weapons/", "benign/")) and not row.label.startswith("review_")
    ]
    source = {row.file: source_of(row, at) for at, row in enumerate(still)}
    moving = [row for row in rows if row.label == "nofight"]
    found = []
    for looks, known in (
        ("", pictures(still, data, encoder, cache)),
        ("worn ", pictures(still[::4], data, encoder, cache, worn=True)),
    ):
        for row in still:
            if row.file in known:
                kind = row.label if row.file.startswith("weapons/") else "benign"
                found.append(Sample(known[row.file].astype(float), is_weapon(row), source[row.file], looks + kind))
    for row, x in zip(moving, frames(moving, data, encoder, cache).values(), strict=True):
        found.append(Sample(x.astype(float), is_weapon(row), source_of(row, 0), "clip without a fight"))
    return found


def main() -> None:
    """Train, print figures, write the head."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=EMBEDDED / "weapons")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)

    found = samples(arguments.data, arguments.cache)
    x = np.concatenate([sample.x for sample in found])
    of = np.repeat(np.arange(len(found)), [len(sample.x) for sample in found])
    y = np.array([sample.is_weapon for sample in found])
    sources = np.array([sample.source for sample in found])
    kinds = np.array([sample.kind for sample in found])
    if unknown := set(sources) - set().union(*FOLDS):
        raise SystemExit(f"no fold for {sorted(unknown)}")

    def learn(chosen: NDArray[np.bool_]) -> Line:
        return fit(x[chosen], y[of][chosen], strength=STRENGTH)

    logits = out_of_fold([np.isin(sources[of], list(fold)) for fold in FOLDS], learn, x)
    slope, offset = platt(logits, y[of])
    # Of a clip two frames must agree, as in service.
    agreed = np.array([np.sort(logits[of == at])[-2:][0] for at in range(len(found))])
    probabilities = probability(slope * agreed + offset)
    print(f"{len(y)} samples, {y.sum()} of weapons; AUROC out of source {auroc_over_groups(agreed, y, list(sources))}")
    is_worn = np.char.startswith(kinds, "worn ")
    _print_rows("source, sharp", sources[~is_worn], probabilities[~is_worn])
    _print_rows("source, worn", sources[is_worn], probabilities[is_worn])
    _print_rows("kind", kinds, probabilities)
    settings: dict[str, object] = {
        "encoder_sha256": SHA256,
        "input": "unit CLIP embedding of a whole frame",
        "samples": len(y),
        "weapons": int(y.sum()),
    }
    write_head(arguments.out, learn(np.ones(len(x), dtype=bool)).scaled(slope, offset), settings)


def _print_rows(kind: str, names: NDArray[np.str_], probabilities: NDArray[np.float64]) -> None:
    """Print the share of each group at or above each threshold."""
    for name in np.unique(names):
        of_group = probabilities[names == name]
        shares = (f">={at} {wilson(int((of_group >= at).sum()), len(of_group))}" for at in THRESHOLDS)
        print(f"{kind} {name}: {'; '.join(shares)}")


if __name__ == "__main__":
    main()
