"""Trains the weapon head on pictures, prints its figures from sources it did not see, and writes it.

    python -m classifiers.training.train_frame_heads FRAMES_DATA --cache FOLDER [--out classifiers/weights/weapons]

FRAMES_DATA holds MANIFEST.csv and the pictures. Measured on whole sources that were left out; pictures labelled
`review_*` are neither trained on nor counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.frame_encoder import SHA256, FrameEncoder
from classifiers.training.cached_embeddings import Row, manifest, pictures
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
    {"sasank_guns", "azure_mixed", "raccoon", "imagenet1000 even"},
    {"nazmul9", "bccd_blood_cells", "imageai", "imagenet1000 odd"},
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
    return f"{row.source} {row.label}" if row.label.startswith("lookalike_") else row.source


def main() -> None:
    """Train, print figures, write the head."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=EMBEDDED / "weapons")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)

    rows = [row for row in manifest(arguments.data) if row.file.startswith(("weapons/", "benign/"))]
    rows = [row for row in rows if not row.label.startswith("review_")]
    known = pictures(rows, arguments.data, FrameEncoder(), arguments.cache)
    rows = [row for row in rows if row.file in known]
    x = np.stack([known[row.file] for row in rows]).astype(np.float64)
    y = np.array([is_weapon(row) for row in rows])
    sources = np.array([source_of(row, at) for at, row in enumerate(rows)])
    unknown = set(sources) - set().union(*FOLDS)
    if unknown:
        raise SystemExit(f"no fold for {sorted(unknown)}")

    def learn(chosen: NDArray[np.bool_]) -> Line:
        return fit(x[chosen], y[chosen], strength=STRENGTH)

    logits = out_of_fold([np.isin(sources, list(fold)) for fold in FOLDS], learn, x)
    slope, offset = platt(logits, y)
    probabilities = probability(slope * logits + offset)
    print(f"{len(y)} pictures, {y.sum()} weapons; AUROC out of source {auroc_over_groups(logits, y, list(sources))}")
    _print_rows("source", sources, probabilities)
    labels = [row.label if row.file.startswith("weapons/") else "benign" for row in rows]
    _print_rows("label", np.array(labels), probabilities)
    lookalike = np.char.startswith(sources, "azure_fork_scissors")
    unaware = probability(slope * learn(~lookalike).logit(x[lookalike]) + offset)
    _print_rows("no look-alike trained,", np.array(labels)[lookalike], unaware)
    write_head(
        arguments.out,
        learn(np.ones(len(y), dtype=bool)).scaled(slope, offset),
        {
            "encoder_sha256": SHA256,
            "input": "unit CLIP embedding of a whole frame",
            "pictures": len(y),
            "weapons": int(y.sum()),
        },
    )


def _print_rows(kind: str, names: NDArray[np.str_], probabilities: NDArray[np.float64]) -> None:
    """Print the share of each group at or above each threshold."""
    for name in np.unique(names):
        of_group = probabilities[names == name]
        shares = (f">={at} {wilson(int((of_group >= at).sum()), len(of_group))}" for at in THRESHOLDS)
        print(f"{kind} {name}: {'; '.join(shares)}")


if __name__ == "__main__":
    main()
