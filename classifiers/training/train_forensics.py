"""Trains the origin head on real and generated clips, prints its figures with their controls, and writes it.

    python -m classifiers.training.train_forensics VIDEOS_DATA --cache FOLDER [--out classifiers/weights/forensics]

VIDEOS_DATA holds MANIFEST.csv and the clips. Whole repositories of generators and whole real sources are left out
together, because one web page is one encoder for all its generators. Intervals resample generators and sources; with
about 130 generated and 75 real clips, gaps under 0.05 AUROC and shares at 1 % are noise.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from classifiers.frame_encoder import SHA256, FrameEncoder
from classifiers.training.cached_embeddings import Row, clips, manifest
from classifiers.training.clip_views import VIEWS
from classifiers.training.head_fitting import (
    Floats,
    Line,
    auroc_over_groups,
    fit,
    out_of_fold,
    platt,
    probability,
    threshold_at,
    wilson,
    write_head,
)
from classifiers.weights import EMBEDDED
from media.renditions import CLIP_FRAMES

Booleans = NDArray[np.bool_]

STRENGTH = 1e-3
"""C of the logistic regression, as measured before this data was split; not tuned here."""

FULL_SIDE = 240
"""Pixels: smaller clips are enlarged for the head's view and counted apart."""

REAL_FOLDS = 8
SHUFFLES = 5
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)


def folds_of(rows: Sequence[Row], *, whole_repositories: bool) -> list[Booleans]:
    """Return masks of clips left out together: one repository (or generator) with a share of the real sources.

    Real sources that share the repository go with it, so that no page is on both sides.
    """
    units = [row.repository if whole_repositories else row.source for row in rows]
    made = sorted({unit for unit, row in zip(units, rows, strict=True) if row.label == "ai"})
    real = sorted({row.source for row in rows if row.label == "real"})
    count = max(len(made), REAL_FOLDS)
    fold = {name: place % count for place, name in enumerate(made)}
    fold_of_real = {real[at]: place % count for place, at in enumerate(np.random.default_rng(0).permutation(len(real)))}
    if whole_repositories:
        fold_of_real |= {
            row.source: fold[row.repository] for row in rows if row.label == "real" and row.repository in fold
        }
    places = [
        fold[unit] if row.label == "ai" else fold_of_real[row.source] for unit, row in zip(units, rows, strict=True)
    ]
    return [np.array(places) == number for number in sorted(set(places))]


def learned(views: Mapping[str, Floats], labels: Booleans, chosen: Booleans) -> Line:
    """Fit one line on every view of the chosen clips, each clip counting alike."""
    x = np.concatenate([view[chosen] for view in views.values()])
    return fit(x, np.tile(labels[chosen], len(views)), strength=STRENGTH)


def metadata(rows: Sequence[Row]) -> Floats:
    """Return what a file says of itself without a pixel: rate, size, shape, length, weight, codec."""

    def described(meta: Mapping[str, str]) -> list[float]:
        width, height = float(meta["width"]), float(meta["height"])
        length, weight = np.log1p(float(meta["frames"])), np.log1p(float(meta["bytes"]))
        return [float(meta["fps"]), width, height, width / height, length, weight, float(meta["codec"] == "h264")]

    return np.array([described(row.meta) for row in rows])


def rates(logits: Floats, is_made: Booleans) -> str:
    """Return the share of generated clips found at 5 % and 1 % false alarms."""
    found = []
    for share in (0.05, 0.01):
        threshold = threshold_at(logits[~is_made], share)
        hits, alarms = int((logits[is_made] > threshold).sum()), int((logits[~is_made] > threshold).sum())
        found.append(f"with {alarms} false alarms finds {wilson(hits, int(is_made.sum()))}")
    return "; ".join(found)


def print_controls(rows: Sequence[Row], views: Mapping[str, Floats], is_made: Booleans) -> None:
    """Print what no pixel, wrong labels and real clips alone would give: a headline must stand clear of these."""
    names = np.array([row.source for row in rows])
    by_repository = folds_of(rows, whole_repositories=True)
    x = metadata(rows)
    unseen = out_of_fold(by_repository, lambda chosen: fit(x[chosen], is_made[chosen], strength=1.0), x)
    print(f"control, metadata only, leave one repository out: AUROC {auroc_over_groups(unseen, is_made, list(names))}")

    chance = np.random.default_rng(1)
    by_generator = folds_of(rows, whole_repositories=False)
    real_names, real_views = names[~is_made], {view: x[~is_made] for view, x in views.items()}
    by_real_source = [real_names == name for name in np.unique(real_names)]
    shuffled = [_chance_auroc(names, views, by_generator, chance) for _ in range(SHUFFLES)]
    among_real = [_chance_auroc(real_names, real_views, by_real_source, chance) for _ in range(SHUFFLES)]
    print("control, labels shuffled by source:", shuffled)
    print("control, real against real, sources apart:", among_real)


def _chance_auroc(
    names: NDArray[np.str_], views: Mapping[str, Floats], folds: Sequence[Booleans], chance: np.random.Generator
) -> float:
    """Return the AUROC for labels that mean nothing: drawn by whole names, half of the names each."""
    groups = np.unique(names)
    labels = np.isin(names, chance.permutation(groups)[: len(groups) // 2])
    found = out_of_fold(folds, lambda chosen: learned(views, labels, chosen), views["encoded"])
    return round(float(roc_auc_score(labels, found)), 2)


CONDITIONS = {"encoded": "encoded", "tiles": "tiles", "raw": "as_is"}
"""View of this script to condition of `framegate evaluate origin`."""


def write_scores(path: Path, rows: Sequence[Row], logits: Mapping[str, Floats], slope: float, offset: float) -> None:
    """Write the probability that each clip got from a head which never saw its repository or source."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "condition", "score"))
        for view, condition in CONDITIONS.items():
            for row, value in zip(rows, probability(slope * logits[view] + offset), strict=True):
                writer.writerow((row.file, condition, f"{value:.6f}"))


def digest(path: Path) -> str:
    """Return how the SHA-256 of a file begins: enough to say that a head has learned from it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def main() -> None:
    """Train, print figures and controls, write the head."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument(
        "--scores", type=Path, help="CSV of out-of-repository probabilities, for `framegate evaluate origin --scores`"
    )
    parser.add_argument("--out", type=Path, default=EMBEDDED / "forensics")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)

    everything, encoder = manifest(arguments.data), FrameEncoder()
    embedded = {view: clips(everything, arguments.data, view, encoder, arguments.cache) for view in VIEWS}
    rows = [row for row in everything if len(embedded["encoded"].get(row.file, ())) == CLIP_FRAMES]
    views = {
        view: np.stack([known[row.file].mean(axis=0) for row in rows]).astype(np.float64)
        for view, known in embedded.items()
    }
    is_made = np.array([row.label == "ai" for row in rows])
    full = np.array([min(int(row.meta["width"]), int(row.meta["height"])) >= FULL_SIDE for row in rows])

    def unseen(tested: str, *, whole_repositories: bool) -> Floats:
        folds = folds_of(rows, whole_repositories=whole_repositories)
        return out_of_fold(folds, lambda chosen: learned(views, is_made, chosen), views[tested])

    def show(title: str, logits: Floats, which: Booleans) -> None:
        made, names = is_made[which], [rows[at].source for at in np.flatnonzero(which)]
        print(f"{title}: N={len(made)} ({made.sum()} generated), AUROC {auroc_over_groups(logits[which], made, names)}")
        print("   ", rates(logits[which], made))

    show("leave one generator out, encoded", unseen("encoded", whole_repositories=False), full)
    logits = {view: unseen(view, whole_repositories=True) for view in ("encoded", "tiles", "raw")}
    for view, found in logits.items():
        show(f"leave one repository out, {view}", found, full)
    show("leave one repository out, raw, clips under 240 pixels enlarged", logits["raw"], ~full)
    print_controls(rows, views, is_made)

    # Calibrated and cut where it will work: on frames as decoded, of repositories and sources it has not seen.
    slope, offset = platt(logits["raw"], is_made)
    probabilities = probability(slope * logits["raw"] + offset)
    for share in (0.05, 0.02, 0.01):
        print(f"false alarms {share:.0%}: above {threshold_at(probabilities[~is_made], share):.3f}")
    for threshold in THRESHOLDS:
        found, alarms = probabilities[is_made] >= threshold, probabilities[~is_made] >= threshold
        print(f">= {threshold}: finds {wilson(int(found.sum()), len(found))}", end=", ")
        print(f"false {wilson(int(alarms.sum()), len(alarms))}")
    for at in np.argsort(-np.where(is_made, -1.0, probabilities))[:10]:
        print(f"highest real: {probabilities[at]:.3f} {rows[at].source}, {rows[at].meta['kind']}")
    if arguments.scores is not None:
        write_scores(arguments.scores, rows, logits, slope, offset)
    settings: dict[str, object] = {
        "trained_on": sorted(digest(arguments.data / row.file) for row in rows),
        "clips": len(rows),
        "encoder_sha256": SHA256,
        "input": "mean of the unit CLIP embeddings of at most 10 central crops",
        "views": list(VIEWS),
    }
    write_head(arguments.out, learned(views, is_made, np.ones(len(rows), dtype=bool)).scaled(slope, offset), settings)


if __name__ == "__main__":
    main()
