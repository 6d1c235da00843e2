"""Trains the head that ranks fights, prints its figures from clips it did not see, and writes it.

    python -m classifiers.training.train_violence FRAMES_DATA VIDEOS_DATA --cache FOLDER [--out FOLDER]

Learned from rows that state a permissive licence and nothing else: surveillance fights and calm surveillance, everyday
clips. What states no licence, and generated clips, are measured only. One frame of a clip is embedded and 16 are
compared for stillness: fights of the set last as long as their clips.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from classifiers.frame_encoder import SHA256, FrameEncoder
from classifiers.training.cached_embeddings import Row, manifest, middles
from classifiers.training.head_fitting import (
    Line,
    auroc_over_groups,
    fit,
    joined,
    out_of_fold,
    probability,
    wilson,
    write_head,
)
from classifiers.violence import stillness
from classifiers.weights import EMBEDDED
from media.clip import Clip
from media.codec import decode

STRENGTH = 3e-4
"""C of the logistic regression: 300 clips of a few cameras carry little, so the line stays simple."""

BLOCKS = 10
"""Neighbouring clips come from one recording: folds are blocks of the numbers in their names."""

CLIP_FRAMES = 16
"""Frames that the gate sees of a short clip."""

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)


def block_of(row: Row) -> int:
    """Return the fold of a surveillance clip, from its number; -1 for others."""
    number = re.search(r"fi(\d+)", row.file)
    return int(number[1]) * BLOCKS // 151 if row.source == "surv_fight" and number else -1


def stillnesses(paths: list[Path]) -> NDArray[np.float64]:
    """Return the mean stillness of each clip, from 16 frames spread over it as the gate sees a short clip."""
    found = []
    for path in paths:
        timed = list(decode(path))
        chosen = np.unique(np.linspace(0, len(timed) - 1, CLIP_FRAMES).round().astype(int))
        small = [cv2.resize(timed[at][1], (160, 90), interpolation=cv2.INTER_AREA) for at in chosen]
        clip = Clip(np.stack(small), np.array([timed[at][0] for at in chosen]), fps=15.0)
        found.append(float(stillness(clip).mean()))
    return np.array(found)


def main() -> None:
    """Train, print figures, write the head."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=EMBEDDED / "violence")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    encoder = FrameEncoder()
    moving = [row for row in manifest(arguments.data) if row.label in {"fight", "nofight"}]
    generated = [row for row in manifest(arguments.videos) if row.label == "ai"]
    known = middles(moving, arguments.data, encoder, arguments.cache)
    strange = middles(generated, arguments.videos, encoder, arguments.cache)
    moving = [row for row in moving if row.file in known]

    still = stillnesses([arguments.data / row.file for row in moving])
    x = np.concatenate([known[row.file] for row in moving]).astype(float)
    y = np.array([row.label == "fight" for row in moving])
    blocks = np.array([block_of(row) for row in moving])
    everyday = np.array([row.source.partition(":")[0] == "real_everyday" for row in moving])
    free = np.array([row.is_permissive for row in moving])

    def learn(chosen: NDArray[np.bool_]) -> Line:
        return fit(x[chosen & free], y[chosen & free], strength=STRENGTH)

    folds = [blocks == block for block in range(BLOCKS)]
    # Everyday clips are left out a tenth at a time too, whole sources together.
    sources = np.array([row.source for row in moving])
    names = np.unique(sources[blocks < 0])
    folds = [fold | np.isin(sources, names[at::BLOCKS]) for at, fold in enumerate(folds)]
    logits = out_of_fold(folds, learn, x)
    slope, of_stillness, offset = joined(logits[free], still[free], y[free])
    looks, logits = logits, slope * logits + of_stillness * still + offset
    values = probability(logits)
    scenes = [f"{row.source} {block}" for row, block in zip(moving, blocks, strict=True)]
    calm = ~y & (blocks >= 0)
    for against, others in (("calm clips of the same kind", calm), ("everyday clips", everyday)):
        chosen = y | others
        groups_of = [scene for scene, is_chosen in zip(scenes, chosen, strict=True) if is_chosen]
        for what, scores in (("looks", looks), ("looks and stillness", logits)):
            ranked = auroc_over_groups(scores[chosen], y[chosen], groups_of)
            print(f"{y.sum()} fights against {others.sum()} {against}: {what}, out of block, AUROC {ranked}")
    final = learn(np.ones(len(x), dtype=bool)).scaled(slope, offset)
    generated = [row for row in generated if row.file in strange]
    generated_logits = final.logit(np.concatenate([strange[row.file] for row in generated]).astype(float))
    generated_still = stillnesses([arguments.videos / row.file for row in generated])
    generated_values = probability(generated_logits + of_stillness * generated_still)
    groups = {
        "fights": values[y],
        "calm surveillance": values[calm],
        "everyday, permissive": values[everyday & free],
        "everyday, others": values[everyday & ~free],
        "roads": values[sources == "road_nocrash"],
        "generated": generated_values,
    }
    for name, group in groups.items():
        print(f"{name}: {'; '.join(f'>={at} {wilson(int((group >= at).sum()), len(group))}' for at in THRESHOLDS)}")
    write_head(
        arguments.out,
        final,
        {
            "encoder_sha256": SHA256,
            "input": "mean unit CLIP embedding of frames within a second; stillness: its weight",
            "stillness": of_stillness,
            "clips": int(free.sum()),
            "fights": int((y & free).sum()),
        },
    )


if __name__ == "__main__":
    main()
