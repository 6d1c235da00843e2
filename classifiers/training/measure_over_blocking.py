"""Prints how often harmless pictures and clips reach a score, classifier by classifier: the figures of the cards.

    python -m classifiers.training.measure_over_blocking FRAMES_DATA --classifier nudity [--kind pictures] [--most 300]

FRAMES_DATA holds MANIFEST.csv with benign/ pictures and `nofight` clips. Pictures stand alone; of a clip six frames are
looked at. `closeups`: of each benign picture the quarter of its width that is most skin-coloured, if seven tenths of
that are: faces, hands, fur, wood, food. What cannot be measured is counted as such. The weapon head was trained on
these pictures and clips: its figures come from `train_frame_heads`, out of source.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifiers.base import MeasurementError
from classifiers.catalog import build
from classifiers.training.cached_embeddings import Row, manifest
from classifiers.training.head_fitting import wilson
from media.clip import Clip
from media.codec import decode
from media.errors import MediaError

CLIP_FRAMES = 6

SEARCHED = 256
"""Side in pixels of the picture in which close-ups are looked for."""

SKIN = np.array([60, 138, 95]), np.array([255, 180, 130])
"""Lowest and highest brightness, Cr and Cb of what counts as skin-coloured: the usual box, a little narrower."""

SKIN_SHARE = 0.7

FEWEST_PIXELS = 32
"""Short side of a close-up at least."""
THRESHOLDS = (0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)


def benign(rows: list[Row], kind: str) -> list[Row]:
    """Return what nobody should stop: benign pictures, or clips of everyday life, roads and quiet surveillance."""
    if kind in {"pictures", "closeups"}:
        return [row for row in rows if row.file.startswith("benign/")]
    return [row for row in rows if row.label == "nofight"]


def opened(path: Path) -> Clip:
    """Return a picture as one frame, or six frames of a clip spread over its length."""
    if path.suffix.lower() != ".mp4":
        frame = np.asarray(Image.open(path).convert("RGB"))
        return Clip(frame[None], np.zeros(1), fps=1.0)
    timed = list(decode(path))
    chosen = np.unique(np.linspace(0, len(timed) - 1, CLIP_FRAMES).round().astype(int))
    return Clip(np.stack([timed[at][1] for at in chosen]), np.array([timed[at][0] for at in chosen]), fps=15.0)


def close_up(frame: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return the most skin-coloured part of a picture, a quarter as wide and as high; None where there is little."""
    small = cv2.cvtColor(cv2.resize(frame, (SEARCHED, SEARCHED), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2YCrCb)
    skin = cv2.inRange(small, SKIN[0], SKIN[1]).astype(np.float32) / 255
    side = SEARCHED // 4
    filled = cv2.boxFilter(skin, -1, (side, side), anchor=(0, 0))[: SEARCHED - side, : SEARCHED - side]
    row, column = np.unravel_index(int(filled.argmax()), filled.shape)
    if filled[row, column] < SKIN_SHARE:
        return None
    height, width = frame.shape[:2]
    top, left = int(row * height / SEARCHED), int(column * width / SEARCHED)
    return frame[top : top + height // 4, left : left + width // 4]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--classifier", required=True)
    parser.add_argument("--kind", choices=("pictures", "closeups", "clips"), default="clips")
    parser.add_argument("--most", type=int, default=10_000, help="files, drawn evenly")
    arguments = parser.parse_args()
    (classifier,) = build({arguments.classifier}).for_clips()
    rows = benign(manifest(arguments.data), arguments.kind)
    rows = [rows[at] for at in np.unique(np.linspace(0, len(rows) - 1, min(arguments.most, len(rows))).astype(int))]

    highest: dict[str, list[float]] = defaultdict(list)
    unmeasured: list[str] = []
    for row in rows:
        try:
            clip = opened(arguments.data / row.file)
            if arguments.kind == "closeups":
                part = close_up(clip.frames[0])
                if part is None or min(part.shape[:2]) < FEWEST_PIXELS:
                    continue
                clip = Clip(part[None], np.zeros(1), fps=1.0)
            scores = classifier.score(clip)
        except MeasurementError as error:
            unmeasured.append(f"{row.source}: {error}")
            continue
        except (OSError, MediaError) as error:
            print(f"left out {row.file}: {error}")
            continue
        for signal in classifier.signals:
            highest[signal].append(max(score.value for score in scores if score.signal == signal))
    total = len(unmeasured) + max(len(values) for values in highest.values())
    print(
        f"{arguments.classifier} on {arguments.kind}: unmeasured {wilson(len(unmeasured), total)}",
        *unmeasured,
        sep="\n  ",
    )
    for signal, values in sorted(highest.items()):
        shares = (f">={at} {wilson(int((np.array(values) >= at).sum()), len(values))}" for at in THRESHOLDS)
        print(f"{signal}: {'; '.join(shares)}")


if __name__ == "__main__":
    main()
