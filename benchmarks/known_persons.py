"""How well enrolled persons are found again, and how often strangers are taken for one another.

    python -m benchmarks.known_persons --persons FOLDER [--photos 3] [--as-films]   a folder for each person
    python -m benchmarks.known_persons --strangers FOLDER [--nearest 20]           people who are not each other

With `--persons`, everybody is looked for in each file as the output gate looks, enrolled from up to `--photos` of their
*other* pictures; `--as-films` first makes a second's film of each picture, coded coarsely. With `--strangers`, every
face is compared with the faces of all other files; the nearest pairs are named, because only a look tells whether two
files show one person after all. Pictures of people are personal data: use those you may. Thresholds are the shipped
policy's.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.faces import FaceReader, likeness
from classifiers.known_persons import SIGNAL, KnownPersonClassifier
from media.codec import encode_mp4
from media.errors import MediaError
from media.isolation import open_video
from media.limits import DEFAULT_LIMITS
from media.sampling import SamplingPlan
from safety.enrolling import photos_of
from safety.errors import InvalidContent
from safety.intervals import wilson
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


def film_of(picture: Path, folder: Path) -> Path:
    """A second's slow pan over a picture, at most 480 lines, coded coarsely."""
    with open_video(picture, limits=DEFAULT_LIMITS, plan=SamplingPlan(short_side=520), pictures=True) as video:
        (frame,) = [frame for clip in video for frame in clip.frames]
    height, width = (side // 2 * 2 - 24 for side in frame.shape[:2])
    path = folder / "film.mp4"
    encode_mp4((frame[at : at + height, at : at + width] for at in range(24)), path, fps=24.0, crf=28)
    return path


def find_again(folder: Path, photos: int, *, as_films: bool) -> None:
    faces, gallery = FaceReader(), Gallery()
    enrolled: dict[Path, NDArray[np.float32]] = {}
    found_in = [(each.name, path) for each in sorted(folder.iterdir()) if each.is_dir() for path in files(each)]
    for _, path in found_in:
        if path.suffix.lower() in PICTURES:
            try:
                enrolled[path] = photos_of([path], DEFAULT_LIMITS, faces.enrol)
            except InvalidContent as error:
                print(f"not enrolled: {path}: {error}")
    classifier = KnownPersonClassifier(gallery, faces)
    levels, right, wrong, frames = thresholds(), [], [], 0
    started = time.process_time()
    for name, path in found_in:
        gallery.people = {}
        for other, each in found_in:
            if each in enrolled and each != path and len(gallery.people.get(other, ())) < photos:
                rows = gallery.people.get(other, np.zeros((0, 128), np.float32))
                gallery.people[other] = np.concatenate([rows, enrolled[each]])
        if name not in gallery.people:
            continue
        with tempfile.TemporaryDirectory() as made:
            film = film_of(path, Path(made)) if as_films and path.suffix.lower() in PICTURES else path
            seen = measure_video(
                [classifier], (), film, limits=DEFAULT_LIMITS, plan=SamplingPlan(), pictures=True,
                watch={SIGNAL: levels["review"]},
            ).measurement  # fmt: skip
        frames += seen.coverage.frames_seen if seen.coverage else 0
        best = dict.fromkeys(gallery.people, 0.0)
        for score in seen.scores:
            if score.detail.startswith("person:"):
                who = score.detail.removeprefix("person:")
                best[who] = max(best[who], score.value)
        right.append(best[name])
        wrong += [value for who, value in best.items() if who != name]
        if best[name] < levels["review"]:
            print(f"missed: {path}")
    spent = (time.process_time() - started) / max(frames, 1) * 1000
    print(
        f"{len(right)} files of {len({name for name, _ in found_in})} persons, {frames} frames, {spent:.0f} ms a frame"
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
    parser.add_argument("--as-films", action="store_true")
    parser.add_argument("--strangers", type=Path)
    parser.add_argument("--nearest", type=int, default=20)
    chosen = parser.parse_args()
    if chosen.persons is None and chosen.strangers is None:
        parser.error("name --persons or --strangers")
    if chosen.persons is not None:
        find_again(chosen.persons, chosen.photos, as_films=chosen.as_films)
    if chosen.strangers is not None:
        compare_strangers(chosen.strangers, chosen.nearest)


if __name__ == "__main__":
    main()
