"""What finding parts of releases costs: bytes a frame, time to describe one, time to look a video up among many.

    .venv/bin/python benchmarks/local_features.py [--frames 20000] [--videos 20]

Known frames are 64 points of drawn pictures (overlapping discs) with random bits of their codes changed, so that words
are as uneven as those of pictures. Videos of six frames are asked about that nobody knows, and cropped copies of known
ones, each of which must be found.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

from media.feature_index import FeatureIndex
from media.local_features import KEPT_POINTS, FrameFeatures, local_features

FRAMES_A_VIDEO = 6
PICTURES = 30
CHANGED = 0.3
"""Share of the bits of a code that are drawn again."""


def main() -> None:
    """Fill an index, look up, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=20_000)
    options.add_argument("--videos", type=int, default=20)
    asked = options.parse_args()
    random = np.random.default_rng(0)
    drawn = [_picture(random) for _ in range(PICTURES)]
    begun = time.process_time()
    described = [local_features(picture, KEPT_POINTS) for picture in drawn]
    print(f"describing a frame: {(time.process_time() - begun) / PICTURES * 1000:.0f} ms of processor time")
    print(f"a frame in the record: {len(described[0].pack())} bytes, in Base64 a third more")
    known: dict[str, list[FrameFeatures]] = {}
    index = FeatureIndex(known.__getitem__)
    for number in range(asked.frames // FRAMES_A_VIDEO):
        known[str(number)] = [_other(random, described[number % PICTURES]) for _ in range(FRAMES_A_VIDEO)]
        index.add(str(number), known[str(number)])
    copies = {f"copy {at}": [_picture(random) for _ in range(FRAMES_A_VIDEO)] for at in range(asked.videos)}
    for name, frames in copies.items():
        known[name] = [local_features(frame, KEPT_POINTS) for frame in frames]
        index.add(name, known[name])
    false = missed = 0
    took_ms = []
    for name, frames in copies.items():
        for queries, own in (([_picture(random) for _ in frames], None), ([_part(frame) for frame in frames], name)):
            features = [local_features(frame) for frame in queries]
            begun = time.process_time()
            found = [match.key for match in index.matches(features)]
            took_ms.append((time.process_time() - begun) * 1000)
            false += any(key != own for key in found)
            missed += own is not None and own not in found
    p50, p95 = np.percentile(took_ms, (50, 95))
    print(
        f"{len(index):,} frames known; looking up a video of {FRAMES_A_VIDEO} frames: p50 {p50:.0f}, p95 {p95:.0f} ms"
    )
    print(
        f"{missed} of {asked.videos} cropped copies not found; {false} of {2 * asked.videos} videos led to a stranger"
    )


def _picture(random: np.random.Generator) -> np.ndarray:
    frame = np.full((360, 640, 3), 128, np.uint8)
    for _ in range(500):
        centre = (int(random.integers(640)), int(random.integers(360)))
        cv2.circle(frame, centre, int(random.integers(4, 40)), random.integers(0, 256, 3).tolist(), -1, cv2.LINE_AA)
    return frame


def _part(frame: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(frame[40:300, 60:520])


def _other(random: np.random.Generator, features: FrameFeatures) -> FrameFeatures:
    points = features.points.copy()
    mask = np.packbits(random.random((len(points), 256)) < CHANGED, axis=1).view("<u8")
    points["code"] ^= mask & random.integers(0, 2**64, mask.shape, dtype=np.uint64)
    points["x"], points["y"] = random.permutation(points["x"]), random.permutation(points["y"])
    return FrameFeatures(features.width, features.height, points, points[:0])


if __name__ == "__main__":
    main()
