"""Is half a second found, and a single frame? Plants pictures of weapons into harmless clips and screens the clips.

    .venv/bin/python benchmarks/plantings.py DATA --kept FILE.jsonl [--count 220] [--most-s 480] [--full] [--json]

DATA holds MANIFEST.csv with pictures of weapons and clips without a fight. Each planting draws a clip, a
picture, a way to show it (a cut to it, held or zooming in; a panel over the moving clip) and a place in time. What
counts as found: `frame.weapon` reaches the lowest threshold of the policy's output rules in the video's measurement,
in a segment that overlaps the planting. Only plantings that the classifier itself sees count, in at least half of three
of their frames (first, middle, last); the others are reported. By default half a second is planted and the default
sampling looks; with --full one frame is planted and every frame is looked at. Clips in which it fires without a
planting are left out, and counted.

Done plantings are kept in FILE, so that a run of many can be broken off and taken up again. A video is looked at with
the fewest frames that long videos get (`min_frames` 1): the density with which short clips are looked at would flatter.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from media.clip import Clip

Frame = NDArray[np.uint8]
SIGNAL = "frame.weapon"
PLANTED_S = 0.5
CLIPS = 60
"""Harmless clips, evenly drawn from the manifest's."""

STYLES = ("cut", "zoom", "panel")
WEAPONS = {"gun", "handgun", "automatic_rifle", "shotgun", "smg", "sniper"}


def shown(ground: Frame, picture: Frame, style: str, progress: float) -> Frame:
    """Return a frame of the clip with the picture in it; `progress` in [0, 1] runs through the planting."""
    height, width = ground.shape[:2]
    scale = max(height / picture.shape[0], width / picture.shape[1])
    if style == "panel":
        scale *= 0.8
    if style == "zoom":
        scale *= 1 + 0.3 * progress
    size = max(2, round(picture.shape[1] * scale)), max(2, round(picture.shape[0] * scale))
    large = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    room = (round(height * 0.8), round(width * 0.8)) if style == "panel" else (height, width)
    high, wide = min(room[0], large.shape[0]), min(room[1], large.shape[1])
    top, left = (large.shape[0] - high) // 2, (large.shape[1] - wide) // 2
    frame = ground.copy()
    at_y, at_x = (height - high) // 2, (width - wide) // 2
    frame[at_y : at_y + high, at_x : at_x + wide] = large[top : top + high, left : left + wide]
    return frame


def motion(frames: list[Frame]) -> float:
    """Return the mean absolute gray difference of neighbouring frames, in [0, 1]."""
    small = [cv2.resize(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), (64, 64)).astype(np.float32) for each in frames]
    return float(np.mean([np.abs(b - a).mean() for a, b in itertools.pairwise(small)])) / 255


class Bench:
    """The classifier, the level and the files."""

    def __init__(self, data: Path, *, full: bool) -> None:
        from classifiers import catalog
        from media.limits import DEFAULT_LIMITS
        from media.sampling import SamplingPlan
        from safety.domain import Checkpoint
        from safety.modifiers import lowest_in_force
        from safety.policy import load_policy

        with (data / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.data, self.full, self.limits = data, full, DEFAULT_LIMITS
        clips = [row["file"] for row in rows if row["label"] == "nofight"]
        self.clips = [clips[at] for at in np.unique(np.linspace(0, len(clips) - 1, CLIPS).astype(int))]
        self.fires: dict[str, bool] = {}
        self.pictures = [row["file"] for row in rows if row["label"] in WEAPONS]
        (self.classifier,) = catalog.build({"weapons"}).for_clips()
        self.level = lowest_in_force(load_policy(), Checkpoint.OUTPUT)[SIGNAL]
        self.plan = SamplingPlan(min_frames=1, every_frame=full)

    def scores(self, path: Path) -> tuple[list[Any], Any]:
        """Return what reaches the level in a video, and the coverage."""
        from safety.measure import measure_video

        seen = measure_video(
            [self.classifier], (), path, limits=self.limits, plan=self.plan, watch={SIGNAL: self.level}
        ).measurement
        return [score for score in seen.scores if score.value >= self.level], seen.coverage

    def plant(self, number: int, folder: Path) -> dict[str, Any]:
        """Make planting `number`, screen it and return what came of it."""
        from media.codec import decode, encode_mp4, probe

        chance = np.random.default_rng([number, int(self.full)])
        clip = self.data / str(chance.choice(self.clips))
        picture = np.asarray(cv2.imread(str(self.data / str(chance.choice(self.pictures))))[..., ::-1])
        style = STYLES[number % len(STYLES)]
        frames, fps = [frame for _, frame in decode(clip)], probe(clip).fps
        count = 1 if self.full else int(PLANTED_S * fps)
        first = int(chance.integers(0, len(frames) - count + 1))
        path = folder / "planted.mp4"
        row: dict[str, Any] = {"number": number, "style": style, "motion": round(motion(frames), 4), "fps": fps}
        even = [frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2] for frame in frames]
        encode_mp4(even, path, fps=fps, crf=23)
        if clip.name not in self.fires:
            self.fires[clip.name] = bool(self.scores(path)[0])
        if self.fires[clip.name]:
            return row | {"left_out": "fires without a planting"}
        planted = range(first, first + count)
        shows = [
            shown(frame, picture, style, (at - first) / max(1, count - 1)) if at in planted else frame
            for at, frame in enumerate(even)
        ]
        encode_mp4(shows, path, fps=fps, crf=23)
        own = [frame for at, (_, frame) in enumerate(decode(path)) if at in planted]
        looks = [own[at] for at in sorted({0, len(own) // 2, len(own) - 1})]
        seen_in = sum(score.value >= self.level for score in self.classifier.score(clip_of(looks)))
        if 2 * seen_in < len(looks):
            return row | {"left_out": "the classifier does not see it"}
        found, coverage = self.scores(path)
        begins_s, ends_s = first / fps, (first + count) / fps
        overlaps = [overlap(score.span.start_s, score.span.end_s, begins_s, ends_s) for score in found]
        return row | {
            "found": bool(overlaps and max(overlaps) > 0),
            "iou": round(max(overlaps, default=0.0), 3),
            "seen_in": round(seen_in / len(looks), 3),
            "frames": f"{coverage.frames_seen}/{coverage.frames_total}",
        }


def clip_of(frames: list[Frame]) -> Clip:
    """Return frames as a Clip for the classifier."""
    from media.clip import Clip

    return Clip(np.stack(frames), np.arange(len(frames), dtype=np.float64), fps=1.0)


def overlap(start_s: float, end_s: float, begins_s: float, ends_s: float) -> float:
    """Return intersection over union of two stretches of time."""
    shared = min(end_s, ends_s) - max(start_s, begins_s)
    return max(0.0, shared) / (max(end_s, ends_s) - min(start_s, begins_s))


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures, by motion and by style too."""
    from safety.intervals import wilson

    counted = [row for row in rows if "found" in row]
    if not counted:
        return {"plantings": 0}
    edges = np.quantile([row["motion"] for row in counted], [1 / 3, 2 / 3])
    groups = {"all": counted}
    for at, name in enumerate(("little motion", "some motion", "much motion")):
        groups[name] = [row for row in counted if int(np.searchsorted(edges, row["motion"])) == at]
    groups |= {style: [row for row in counted if row["style"] == style] for style in STYLES}
    groups["seen in all three"] = [row for row in counted if row["seen_in"] == 1]
    figures: dict[str, Any] = {
        "left_out": {
            why: sum(row.get("left_out") == why for row in rows)
            for why in sorted({row["left_out"] for row in rows if "left_out" in row})
        }
    }
    for name, group in groups.items():
        hits, total = sum(row["found"] for row in group), len(group)
        if total:
            low, high = wilson(hits, total)
            iou = sorted(row["iou"] for row in group)
            figures[name] = {
                "found": f"{hits}/{total} = {hits / total:.3f} [{low:.3f}, {high:.3f}]",
                "iou_median": iou[total // 2],
                "iou_at_least_0.8": f"{sum(each >= 0.8 for each in iou)}/{total}",
            }
    figures["missed"] = [row for row in counted if not row["found"]]
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--count", type=int, default=220, help="plantings that count")
    parser.add_argument("--most-s", type=float, default=float("inf"), help="break off after so many seconds")
    parser.add_argument("--full", action="store_true", help="one frame, every frame looked at")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    kept = arguments.kept.read_text().splitlines() if arguments.kept.exists() else []
    rows: list[dict[str, Any]] = [json.loads(line) for line in kept]
    bench, ends = Bench(arguments.data, full=arguments.full), time.monotonic() + arguments.most_s
    with tempfile.TemporaryDirectory() as folder, arguments.kept.open("a") as file:
        number = len(rows)
        while sum("found" in row for row in rows) < arguments.count and time.monotonic() < ends:
            rows.append(bench.plant(number, Path(folder)))
            file.write(json.dumps(rows[-1]) + "\n")
            file.flush()
            number += 1
    figures = summary(rows)
    print(json.dumps(figures, indent=None if arguments.json else 2))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
