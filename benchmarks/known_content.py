"""How many copies of banked videos are found, and how many strangers are taken for them.

    python -m benchmarks.known_content FOLDER [--seconds 6] [--most 100] [--json]

Every video of FOLDER (its first seconds) is banked as `framegate bank add` does, then changed, sampled and matched as
`framegate screen` does. A copy counts as found from the threshold of the shipped policy. Every copy is also compared
with every other bank item: a match there is false, unless the folder holds the same material twice; both names are
printed so that a person can look. Without FOLDER, pans over the photographs of scikit-image are made. One thread.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from media.codec import decode, encode_mp4
from media.errors import MediaError
from media.fingerprint import MIN_QUALITY, fingerprint
from media.isolation import open_video
from media.known_frames import KnownFrame, KnownFrames
from media.sampling import SamplingPlan
from safety.banking import BANK_PLAN
from safety.banks import known_signal
from safety.intervals import wilson
from safety.policy import load_policy

Frames = list[NDArray[np.uint8]]
FPS = 24.0
WINDOW = SamplingPlan().window_frames


def _scaled(frames: Frames) -> Frames:
    return [cv2.resize(each, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for each in frames]


def _trimmed(frames: Frames) -> Frames:
    return frames[len(frames) // 4 + 1 : max(3 * len(frames) // 4, len(frames) // 4 + 2)]


def _marked(frames: Frames) -> Frames:
    """An opaque plate over 12 % of width and height in a corner, with letters, as a station's logo."""
    height, width = frames[0].shape[:2]
    right, bottom = max(8, round(width * 0.12)), max(8, round(height * 0.12))
    marked = []
    for frame in frames:
        copy = frame.copy()
        cv2.rectangle(copy, (4, 4), (4 + right, 4 + bottom), (220, 30, 30), -1)
        cv2.putText(copy, "TV", (8, 4 + bottom - 4), cv2.FONT_HERSHEY_SIMPLEX, bottom / 40, (255, 255, 255), 2)
        marked.append(copy)
    return marked


def _mirrored(frames: Frames) -> Frames:
    return [np.ascontiguousarray(each[:, ::-1]) for each in frames]


CHANGES: dict[str, tuple[Callable[[Frames], Frames], int]] = {
    "re-encoded (CRF 33)": (list, 33),
    "half the size": (_scaled, 23),
    "the middle half": (_trimmed, 23),
    "a logo over it": (_marked, 23),
    "mirrored": (_mirrored, 23),
    "all four at once": (lambda frames: _marked(_scaled(_trimmed(frames))), 33),
}
"""Name, what is done to the frames, x264's CRF."""


def originals(folder: Path | None, seconds: float, most: int) -> Iterator[tuple[str, Frames, float]]:
    """Yield (name, frames, frames a second)."""
    if folder is None:
        yield from _made(seconds)
        return
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".mp4", ".webm", ".avi", ".mov"})
    for path in files[:: max(1, len(files) // most)][:most]:
        try:
            timed = list(takewhile(lambda each: each[0] < seconds, decode(path)))
        except MediaError as error:
            print(f"{path.name}: passed over: {error}", file=sys.stderr)
            continue
        frames = [_even(frame) for _, frame in timed]
        if len(frames) > 1:
            yield str(path.relative_to(folder)), frames, min(60.0, (len(timed) - 1) / (timed[-1][0] - timed[0][0]))


def _made(seconds: float) -> Iterator[tuple[str, Frames, float]]:
    from skimage import data

    for name in ("astronaut", "coffee", "chelsea", "rocket", "retina", "immunohistochemistry", "hubble_deep_field"):
        picture = np.ascontiguousarray(getattr(data, name)()[:, :, :3])
        height, width = picture.shape[0] // 2 * 2 - 40, picture.shape[1] // 2 * 2 - 60
        count = int(seconds * FPS)
        yield (
            name,
            [
                picture[40 * at // count :, 60 * at // count :][: height // 2 * 2, : width // 2 * 2]
                for at in range(count)
            ],
            FPS,
        )


def _even(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2])


def sampled(path: Path, plan: SamplingPlan) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield the frames that the plan looks at."""
    with open_video(path, plan=plan) as video:
        for clip in video:
            yield from zip(clip.times_s.tolist(), clip.frames, strict=True)


def banked(path: Path) -> list[KnownFrame]:
    """Hash a file as `framegate bank add` does."""
    prints = [(time_s, fingerprint(frame)) for time_s, frame in sampled(path, BANK_PLAN)]
    return [KnownFrame(one.hash_hex, time_s, one.quality) for time_s, one in prints if one.quality >= MIN_QUALITY]


def matched(known: KnownFrames, path: Path) -> dict[str, float]:
    """Return item -> highest value over the windows of a screening."""
    best: dict[str, float] = {}
    seen = list(sampled(path, SamplingPlan()))
    for start in range(0, len(seen), WINDOW):
        prints = [(time_s, fingerprint(frame, mirrored=True)) for time_s, frame in seen[start : start + WINDOW]]
        for sighting in known.find(prints):
            best[sighting.item] = max(best.get(sighting.item, 0.0), sighting.value)
    return best


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--most", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    policy = load_policy()
    threshold = next(
        condition.threshold
        for rule in policy.rules
        for condition in rule.conditions
        if condition.signal == known_signal("extremism")
    )
    known = KnownFrames()
    flat: list[str] = []
    found: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    missed: list[str] = []
    false: list[str] = []
    pairs = 0
    with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
        copies: list[tuple[str, str, Path]] = []
        for number, (name, frames, fps) in enumerate(originals(given.folder, given.seconds, given.most)):
            whole = Path(folder) / f"{number}.mp4"
            encode_mp4(frames, whole, fps=fps, crf=18)
            if not known.add(name, banked(whole)):
                flat.append(name)
                continue
            for change, (apply, crf) in CHANGES.items():
                copy = Path(folder) / f"{number}-{len(copies)}.mp4"
                encode_mp4([_even(each) for each in apply(frames)], copy, fps=fps, crf=crf)
                copies.append((name, change, copy))
        for name, change, copy in copies:
            values = matched(known, copy)
            asked[change] += 1
            if values.pop(name, 0.0) >= threshold:
                found[change] += 1
            else:
                missed.append(f"{name}: {change}")
            pairs += len(known) - 1
            false += [f"{name} ({change}) ~ {other}" for other, value in values.items() if value >= threshold]
    result = {
        "threshold": threshold,
        "banked": len(known),
        "without_texture": flat,
        "found": {
            change: {"k": found[change], "n": count, "interval": wilson(found[change], count)}
            for change, count in asked.items()
        },
        "pairs": pairs,
        "false_matches": false,
        "missed": missed,
    }
    if given.json:
        print(json.dumps(result))
        return
    for change, row in result["found"].items():
        print(f"{change:22} {row['k']}/{row['n']}  {row['interval'][0]:.3f}..{row['interval'][1]:.3f}")
    print(f"false matches: {len(false)} of {pairs} pairs  {false[:20]}")
    print(f"missed: {missed[:20]}\nwithout texture, not banked: {flat}")


if __name__ == "__main__":
    main()
