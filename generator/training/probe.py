"""Measures how far a checkpoint follows its prompts: colour, shape, motion, place and time read back from the pixels.

    python -m generator.training.probe [--checkpoint FOLDER] [--prompts 120] [--sheet FILE.png] [--truth]

The prompts are drawn from a seed no training clip uses. With --truth the renderer makes the clips: the figure is then
the ceiling of the measurement itself.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from generator.base import GenerationRequest
from generator.checkpoint import digests
from generator.embedded import EmbeddedGenerator
from generator.training.measure import read
from generator.training.render_clips import Example, example, render
from media.clip import Frames

SEED = 77
"""Data set of the held-out prompts; training uses data set 0."""

MEASURED = ("colour", "shape", "motion", "place", "time")
SHEET = (
    "a red ball on a green meadow",
    "a blue ball on a green meadow",
    "a yellow star rising over the ocean at night",
    "a big pink heart over snow by day",
    "a green cube moving to the left in a city",
    "a white ring falling over a desert at sunset",
    "a purple triangle in space",
    "an orange ball bouncing over the ocean at sunset",
)


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share (Wilson 1927)."""
    share, spread = hits / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def probe(make: Callable[[Example, int], Frames], prompts: int) -> dict[str, dict[str, float]]:
    """Return for each slot n, k, share and interval over `prompts` clips."""
    hits = dict.fromkeys(MEASURED, 0)
    for number in range(prompts):
        wanted = example(number, SEED)
        found = read(make(wanted, number))
        for slot in MEASURED:
            hits[slot] += getattr(found, slot) == getattr(wanted.scene, slot)
    figures = {}
    for slot, k in hits.items():
        low, high = wilson(k, prompts)
        figures[slot] = {"n": prompts, "k": k, "share": k / prompts, "low": low, "high": high}
    return figures


def sheet(generator: EmbeddedGenerator, path: Path, seed: int = 1, side: int = 72) -> None:
    """Write one row a prompt of `SHEET`, five frames each, unselected: fixed seed."""
    rows = []
    for prompt in SHEET:
        frames = generator.generate(GenerationRequest(prompt, 2.0, 128, 128, seed)).frames[[0, 4, 8, 12, 15]]
        strip = np.concatenate([cv2.resize(f, (side, side), interpolation=cv2.INTER_AREA) for f in frames], axis=1)
        title = np.full((18, strip.shape[1], 3), 255, np.uint8)
        cv2.putText(title, prompt, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
        rows.append(np.concatenate([title, strip]))
    left, right = np.concatenate(rows[::2]), np.concatenate(rows[1::2])
    gap = np.full((len(left), 8, 3), 255, np.uint8)
    cv2.imwrite(str(path), np.concatenate([left, gap, right], axis=1)[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


def main() -> None:
    """Measure from the command line; one JSON line a slot."""
    parser = argparse.ArgumentParser(description="Measure how far a checkpoint follows its prompts.")
    parser.add_argument("--checkpoint", type=Path, help="folder; default: the shipped checkpoint")
    parser.add_argument("--prompts", type=int, default=120)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--truth", action="store_true")
    options = parser.parse_args()
    folder = options.checkpoint
    generator = EmbeddedGenerator(folder, digests(folder)) if folder else EmbeddedGenerator()
    if options.sheet:
        sheet(generator, options.sheet)

    def generated(wanted: Example, number: int) -> Frames:
        return generator.generate(GenerationRequest(wanted.scene.caption, 2.0, 128, 128, number)).frames

    def rendered(wanted: Example, number: int) -> Frames:
        del number
        return render(wanted.scene, wanted.layout, 128, 128, 16)

    started = time.process_time()
    for slot, figures in probe(rendered if options.truth else generated, options.prompts).items():
        print(json.dumps({"slot": slot, **{key: round(value, 3) for key, value in figures.items()}}))
    print(json.dumps({"cpu_s_per_clip": round((time.process_time() - started) / options.prompts, 3)}))


if __name__ == "__main__":
    main()
