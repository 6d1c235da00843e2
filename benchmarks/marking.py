"""What the watermark costs: processor time a frame to embed, with the loop and without, and to listen.

    .venv/bin/python benchmarks/marking.py [--clips 3] [--seconds 10] [--lines 720] [--before FOLDER] [--json]

Clips of `media.specimens`, scaled to that many lines; each is marked once to warm up, then as a release is: in place.
Where a tree cannot mark in place it fills fresh memory, which is part of its cost. `--before` names the root of another
checkout, which is measured on the same clips in a process of its own, in turn with this one.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("palace, pan", "flower, hand-held", "cartoon", "coffee, grainy", "face, zoom", "clouds")
KEY = b"a key for measuring, never for marking"


def measured(name: str, seconds: float, lines: int) -> dict[str, Any]:
    """Return milliseconds a frame and the quality of one clip, marked by the tree that is imported."""
    import cv2
    import numpy as np

    from media.clip import Clip
    from media.specimens import make, specimens
    from provenance.watermark import SpreadSpectrumWatermark

    cv2.setNumThreads(1)
    specimen = next(each for each in specimens() if each.name == name)
    small = make(specimen, round(seconds * specimen.fps))
    height, width = small.frames.shape[1:3]
    size = round(width * lines / height / 2) * 2, lines
    frames = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in small.frames])
    clip = Clip(frames.astype(np.uint8), small.times_s, small.fps)
    watermark = SpreadSpectrumWatermark(KEY)
    watermark.embed(clip, "0123456789ab")
    in_place = {"overwrite": True} if "overwrite" in inspect.signature(watermark.embed).parameters else {}
    started = time.process_time()
    marked, mark = watermark.embed(clip, "0123456789ab", **in_place)
    embed_s = time.process_time() - started
    for _ in range(2):
        detector = watermark.detector()
        started = time.process_time()
        detector.add(marked.frames)
        add_s = time.process_time() - started
    started = time.process_time()
    reading = detector.read()
    return {
        "clip": name,
        "frames": len(frames),
        "embed_ms": round(embed_s / len(frames) * 1000, 2),
        "listen_ms": round(add_s / len(frames) * 1000, 2),
        "read_ms": round((time.process_time() - started) * 1000, 1),
        "psnr_db": round(mark.psnr_db, 2),
        "robust": mark.robust,
        "reads": reading is not None,
    }


def asked(root: Path, name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure with the tree at `root`, in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--one", name]
    command += ["--seconds", str(arguments.seconds), "--lines", str(arguments.lines)]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}
    ran = subprocess.run(command, env=environment, cwd=root, check=True, capture_output=True, text=True)
    return dict(json.loads(ran.stdout))


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description="What the watermark costs.")
    parser.add_argument("--clips", type=int, default=3, choices=range(1, len(NAMES) + 1))
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--lines", type=int, default=720)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", choices=NAMES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measured(arguments.one, arguments.seconds, arguments.lines)))
        return
    trees = {"now": Path(__file__).resolve().parents[1]}
    if arguments.before:
        trees["before"] = arguments.before.resolve()
    rows = [
        {"tree": tree, **asked(root, name, arguments)}
        for name in NAMES[: arguments.clips]
        for tree, root in trees.items()
    ]
    if arguments.json:
        for row in rows:
            print(json.dumps(row))
        return
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    for tree in trees:
        of = [row for row in rows if row["tree"] == tree]
        medians = {key: statistics.median(row[key] for row in of) for key in ("embed_ms", "listen_ms", "psnr_db")}
        print(f"{tree}: median of {len(of)} clips of {arguments.seconds:g} s at {arguments.lines} lines: {medians}")


if __name__ == "__main__":
    main()
