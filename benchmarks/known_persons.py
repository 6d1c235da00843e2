"""How well enrolled persons are found again, and how often strangers are taken for one another.

    python -m benchmarks.known_persons --persons FOLDER [--photos 3]    a folder for each person: pictures, clips
    python -m benchmarks.known_persons --strangers FOLDER [--nearest 20]  pictures of people who are not each other

With `--persons`, everybody is enrolled from the first pictures (by name) and looked for in every other file, as the
output gate looks. With `--strangers`, every face is compared with the faces of all other files; the nearest pairs are
named, because only a look tells whether two files show one person after all. Pictures of people are personal data: use
those you may. Thresholds are the shipped policy's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.faces import FaceReader, likeness
from classifiers.known_persons import SIGNAL, KnownPersonClassifier
from media.errors import MediaError
from media.isolation import open_video
from media.limits import DEFAULT_LIMITS
from media.sampling import SamplingPlan
from safety.enrolling import photos_of
from safety.errors import InvalidContent
from safety.figures import wilson
from safety.measure import measure_video
from safety.policy import load_policy

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
CLIPS = frozenset({".mp4", ".mov", ".webm", ".avi"})


class Gallery:
    """Everybody enrolled, in memory."""

    def __init__(self) -> None:
        self.people: dict[str, NDArray[np.float32]] = {}

    def enrolled(self) -> tuple[Sequence[str], NDArray[np.float32]]:
        ids = [name for name, rows in self.people.items() for _ in rows]
        return ids, np.concatenate(list(self.people.values()))


def thresholds() -> dict[str, float]:
    """From which value the output gate holds and blocks."""
    rules = {rule.id: rule.conditions[0].threshold for rule in load_policy().rules}
    return {action: rules[f"output.frame.known_person.{action}"] for action in ("review", "block")}


def share(k: int, n: int) -> str:
    low, high = wilson(k, n) if n else (0.0, 1.0)
    return f"{k}/{n} [{low:.4f}, {high:.4f}]"


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES | CLIPS)


def find_again(folder: Path, photos: int) -> None:
    faces, gallery, rest = FaceReader(), Gallery(), []
    for person in sorted(each for each in folder.iterdir() if each.is_dir()):
        kept: list[NDArray[np.float32]] = []
        for path in files(person):
            if len(kept) < photos and path.suffix.lower() in PICTURES:
                try:
                    kept.append(photos_of([path], DEFAULT_LIMITS, faces.enrol))
                    continue
                except InvalidContent as error:
                    print(f"not enrolled: {path}: {error}")
            rest.append((person.name, path))
        if kept:
            gallery.people[person.name] = np.concatenate(kept)
    classifier = KnownPersonClassifier(gallery, faces)
    levels, right, wrong, frames = thresholds(), [], [], 0
    started = time.process_time()
    for name, path in rest:
        seen = measure_video(
            [classifier], (), path, limits=DEFAULT_LIMITS, plan=SamplingPlan(), pictures=True,
            watch={SIGNAL: levels["review"]},
        )  # fmt: skip
        frames += seen.measurement.coverage.frames_seen if seen.measurement.coverage else 0
        best = dict.fromkeys(gallery.people, 0.0)
        for score in seen.measurement.scores:
            if score.detail.startswith("person:"):
                who = score.detail.removeprefix("person:")
                best[who] = max(best[who], score.value)
        right += [best[name]] if name in best else []
        wrong += [value for who, value in best.items() if who != name]
    print(f"{len(gallery.people)} persons from up to {photos} photos each, {len(rest)} other files, {frames} frames")
    print(
        f"{(time.process_time() - started) / max(frames, 1) * 1000:.1f} ms of processor time a frame, decoding included"
    )
    for action, level in levels.items():
        found, false = sum(value >= level for value in right), sum(value >= level for value in wrong)
        print(f"{action} from {level}: found {share(found, len(right))}, somebody else {share(false, len(wrong))}")


def read_faces(folder: Path) -> Iterator[tuple[Path, NDArray[np.float32]]]:
    faces = FaceReader()
    for path in files(folder):
        try:
            with open_video(path, limits=DEFAULT_LIMITS, plan=SamplingPlan(), pictures=True) as video:
                for clip in video:
                    for frame in clip.frames:
                        yield from ((path, descriptor) for _, descriptor in faces.read(frame))
        except MediaError as error:
            print(f"passed over: {path}: {error}")


def compare_strangers(folder: Path, nearest: int) -> None:
    read = list(read_faces(folder))
    paths = np.array([str(path) for path, _ in read])
    rows = np.stack([descriptor for _, descriptor in read])
    values = likeness(np.linalg.norm(rows[:, None] - rows[None], axis=2))
    one, other = np.nonzero(np.triu(paths[:, None] != paths[None], 1))
    pairs = values[one, other]
    print(f"{len(rows)} faces of {len(set(paths))} files, {len(pairs)} pairs of different files")
    for action, level in thresholds().items():
        alike = pairs >= level
        touched = len({*one[alike].tolist(), *other[alike].tolist()})
        print(f"{action} from {level}: {share(int(alike.sum()), len(pairs))} pairs, {touched} faces in them")
    for at in np.argsort(-pairs, kind="stable")[:nearest]:
        print(f"{pairs[at]:.3f}  {paths[one[at]]}  {paths[other[at]]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=Path)
    parser.add_argument("--photos", type=int, default=3)
    parser.add_argument("--strangers", type=Path)
    parser.add_argument("--nearest", type=int, default=20)
    chosen = parser.parse_args()
    if chosen.persons is None and chosen.strangers is None:
        parser.error("name --persons or --strangers")
    if chosen.persons is not None:
        find_again(chosen.persons, chosen.photos)
    if chosen.strangers is not None:
        compare_strangers(chosen.strangers, chosen.nearest)


if __name__ == "__main__":
    main()
