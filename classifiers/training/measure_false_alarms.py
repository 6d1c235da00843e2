"""Counts how often an origin head calls real videos generated, on sources that it never saw, and writes that down.

    python -m classifiers.training.measure_false_alarms VIDEOS_DATA FRAMES_DATA --scores scores.csv
        [--network clip|small] [--out classifiers/weights/forensics/false_alarms.json]

The scores are those of `train_forensics --scores`: each real video was asked when its source and page were left out.
Stills of FRAMES_DATA count as videos of one frame. Nothing of generated clips goes into the file. What is printed is
cross-fitted: a source is asked at the threshold that the other sources give.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from classifiers.base import ConfigurationError
from classifiers.false_alarms import FalseAlarms, log_odds, probability, write_false_alarms
from classifiers.forensics import FALSE_ALARMS_FILE
from classifiers.training.cached_embeddings import manifest
from classifiers.training.head_fitting import wilson
from classifiers.training.origin_networks import NETWORKS
from classifiers.training.origin_samples import BESIDES, DIGITS
from classifiers.training.train_forensics import OPERATING
from classifiers.weights import EMBEDDED

SHARES = (0.01, 0.02, 0.05, 0.1)

BySource = dict[str, list[float]]
"""Generator or source to the log-odds of its videos."""


def by_source(videos: Path, frames: Path, scores: Path) -> tuple[BySource, BySource]:
    """Return what real and generated videos scored as they are decoded. Drawn clips and photographs are neither."""
    of_file = {row.file: (row.label == "ai", row.source) for row in manifest(videos)}
    of_file |= {row.file: (False, row.source) for row in manifest(frames) if row.source in BESIDES}
    real: BySource = {}
    made: BySource = {}
    with scores.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            if line["file"] in of_file and line["condition"] == OPERATING:
                generated, source = of_file[line["file"]]
                (made if generated else real).setdefault(source, []).append(log_odds(float(line["score"])))
    return real, made


def reaching(values: Sequence[float], threshold: float) -> int:
    """Return how many log-odds reach a probability."""
    return int((probability(values) >= threshold).sum())


def cross_fitted(real: Mapping[str, Sequence[float]], share: float) -> tuple[int, int]:
    """Return how many real videos reach the threshold that all other sources give at a share, and of how many."""
    alarms = 0
    for source, values in real.items():
        others = FalseAlarms({name: each for name, each in real.items() if name != source})
        alarms += reaching(values, others.threshold(share))
    return alarms, sum(map(len, real.values()))


def show(real: Mapping[str, Sequence[float]], made: Mapping[str, Sequence[float]]) -> None:
    """Print false alarms and what is found, cross-fitted, and which sources the highest real videos are of."""
    known = FalseAlarms(real)
    generated = [value for values in made.values() for value in values]
    print(f"{known.videos} real of {known.sources} sources; {len(generated)} generated")
    for share in SHARES:
        try:
            threshold = known.threshold(share)
            alarms, count = cross_fitted(real, share)
        except ConfigurationError as error:
            print(f"at {share:.0%}: {error}")
            continue
        found = reaching(generated, threshold)
        print(f"at {share:.0%}: threshold {threshold:.4f}, false alarms {wilson(alarms, count)}, ", end="")
        print(f"found {wilson(found, len(generated))}")
        reached = {name: reaching(values, threshold) for name, values in real.items()}
        print("    " + ", ".join(f"{name} {k} of {len(real[name])}" for name, k in reached.items() if k))


def main() -> None:
    """Count, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path)
    parser.add_argument("frames", type=Path)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--network", choices=sorted(NETWORKS), default="clip")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()

    head = NETWORKS[arguments.network].head
    real, made = by_source(arguments.videos, arguments.frames, arguments.scores)
    show(real, made)
    out = arguments.out or EMBEDDED / head.folder / FALSE_ALARMS_FILE
    weights = (out.parent / "head.safetensors").read_bytes()
    write_false_alarms(out, FalseAlarms(real, hashlib.sha256(weights).hexdigest()[:DIGITS]))
    print(out.name, hashlib.sha256(out.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
