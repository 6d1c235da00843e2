"""Measures labelled clips with a detector of origin, each in every condition, and keeps what was measured.

Both classes are brought to one shape first (`media.renditions`): what separates them without being synthesis must not
help. A measurement is kept under the digest of the file, the condition, the protocol and the detector's version, so an
interrupted run goes on, and nothing old is read after a change of any of them. Compares nothing with labels.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classifiers.base import Classifier, MeasurementError
from media.clip import Clip, VideoInfo
from media.codec import probe
from media.errors import MediaError
from media.renditions import (
    CLIP_FRAMES,
    CONDITIONS,
    HEADLINE,
    QUALITIES,
    SHORT_SIDE,
    TARGET_FPS,
    Frame,
    Renditions,
    first_frames,
    topic_only,
)
from safety.errors import InvalidContent, SafetyError
from safety.evaluate.origin_rows import LabelledClip
from safety.measure import file_digest

SIGNAL = "video.synthetic"

DIGITS = 16
"""Hex digits of a SHA-256 that name a file a detector has learned from."""

PROTOCOL = f"3: {CLIP_FRAMES} frames at {TARGET_FPS:g}/s, {QUALITIES}, short side {SHORT_SIDE}"
"""Part of every kept measurement's name; the number counts up when a condition changes."""

EMBEDDED_FRAMES = 1
"""Frames of a clip whose embeddings the controls look at: over 1.25 s a second one says nearly the same."""

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]


class Embedder(Protocol):
    """Turns frames into vectors: what the controls learn from."""

    version: str

    def embed(self, frames: Sequence[Frame]) -> NDArray[np.float32]:
        """Return float32 (N, D), one row a frame."""


@dataclass
class MeasuredClip:
    """What is known about one clip."""

    row: LabelledClip
    sha256: str
    info: VideoInfo | None = None
    size_bytes: int = 0
    frames: int = 0
    """Frames that the protocol found: `CLIP_FRAMES` unless the clip is too short."""

    scores: dict[str, float] = field(default_factory=dict)
    """By condition."""

    gaps: dict[str, str] = field(default_factory=dict)
    """Condition to the reason why there is no score."""

    texture: Floats | None = None
    """Mean embedding of the headline's frames."""

    topic: Floats | None = None
    """The same of frames in which nothing but the topic is left."""

    @property
    def counted(self) -> bool:
        """Whether it counts for the headline: long and large enough to be brought to the shape of the others."""
        size = min(self.info.width, self.info.height) if self.info else 0
        return self.frames == CLIP_FRAMES and size >= SHORT_SIDE


class ScoreCache:
    """Measurements by name; in memory, and in one file of JSON lines if a folder is given."""

    def __init__(self, folder: Path | None) -> None:
        self._known: dict[str, object] = {}
        self._path = None if folder is None else folder / "origin-measurements.jsonl"
        if folder is None or self._path is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines() if self._path.exists() else []
        except OSError as error:
            raise SafetyError(f"measurements cannot be kept in {folder}: {error.strerror}; name another") from error
        for line in lines:
            try:
                name, value = json.loads(line)
                self._known[str(name)] = value
            except (ValueError, TypeError):
                continue  # torn by a crash: measured again

    def get(self, name: str, measure: Callable[[], object]) -> object:
        """Return what is known under a name, or measure it and keep it."""
        if name not in self._known:
            self._known[name] = value = measure()
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write("\n" + json.dumps([name, value], separators=(",", ":")))
        return self._known[name]


Given = Mapping[tuple[str, str], float]
"""Scores that somebody else measured: (file, condition) to a probability."""


def read_scores(path: Path) -> Given:
    """Read scores of any detector: CSV with the columns `file`, `condition` and `score` (a probability).

    Raises:
        InvalidContent: not such a file; names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidContent(f"{path} cannot be read as CSV: {error}") from error
    given: dict[tuple[str, str], float] = {}
    for number, line in enumerate(lines, start=2):
        try:
            score = float(line["score"])
            given[line["file"], line["condition"]] = score
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidContent(f"{path.name} line {number}: needs file, condition and score (a number)") from error
        if not 0.0 <= score <= 1.0:
            raise InvalidContent(f"{path.name} line {number}: {score} is not a probability in [0, 1]")
    return given


def measure_clips(
    rows: Sequence[LabelledClip],
    detector: Classifier[Clip] | Given,
    *,
    conditions: Sequence[str] = CONDITIONS,
    embedder: Embedder | None = None,
    cache: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> list[MeasuredClip]:
    """Return every row measured in every condition. A file that cannot be decoded has gaps and no score."""
    kept, measured = ScoreCache(cache), []
    for done, row in enumerate(rows):
        clip = MeasuredClip(row, file_digest(row.path), size_bytes=row.path.stat().st_size)
        frames = _Frames(clip)
        try:
            clip.info = probe(row.path)
            clip.frames = _whole(kept.get(f"{clip.sha256} frames {PROTOCOL}", frames.count))
        except MediaError as error:
            clip.gaps = dict.fromkeys(conditions, str(error))
        else:
            for condition in conditions:
                _note(clip, condition, _found(kept, clip, condition, detector, frames))
            if embedder is not None and clip.counted:
                clip.texture = _vector(kept, clip, HEADLINE, embedder, frames.embedded_of)
                clip.topic = _vector(kept, clip, "topic", embedder, frames.embedded_of)
        measured.append(clip)
        progress(done + 1, len(rows))
    return measured


class _Frames(Renditions):
    """The frames of one clip, and those that the controls look at."""

    def __init__(self, clip: MeasuredClip) -> None:
        super().__init__(partial(first_frames, clip.row.path), clip.sha256)

    def count(self) -> int:
        return len(self.sampled())

    def embedded_of(self, which: str) -> list[Frame]:
        """Return the frames whose embeddings a control looks at."""
        crops = self.seen(HEADLINE)[:: CLIP_FRAMES // EMBEDDED_FRAMES][:EMBEDDED_FRAMES]
        return [topic_only(crop) for crop in crops] if which == "topic" else crops


def _found(
    kept: ScoreCache, clip: MeasuredClip, condition: str, detector: Classifier[Clip] | Given, frames: _Frames
) -> object:
    if isinstance(detector, Mapping):
        return detector.get((clip.row.file, condition), "the file of scores has none for it")
    name = f"{clip.sha256} {condition} {PROTOCOL} {detector.name} {detector.version}"
    return kept.get(name, lambda: _score(detector, frames.seen(condition)))


def _score(detector: Classifier[Clip], frames: list[Frame]) -> object:
    content = Clip(np.stack(frames), np.arange(len(frames)) / TARGET_FPS, TARGET_FPS)
    try:
        values = [score.value for score in detector.score(content) if score.signal == SIGNAL]
    except MeasurementError as error:
        return str(error)
    return float(np.mean(values)) if values else f"{detector.name} reports no {SIGNAL}"


def _note(clip: MeasuredClip, condition: str, found: object) -> None:
    if isinstance(found, float):
        clip.scores[condition] = found
    else:
        clip.gaps[condition] = str(found)


def _whole(found: object) -> int:
    return int(found) if isinstance(found, int) else 0


def _vector(
    kept: ScoreCache, clip: MeasuredClip, which: str, embedder: Embedder, frames: Callable[[str], list[Frame]]
) -> Floats:
    digest = hashlib.sha256(embedder.version.encode()).hexdigest()[:16]
    name = f"{clip.sha256} embedding {which} {PROTOCOL} {digest}"
    found = kept.get(name, lambda: [round(float(x), 5) for x in embedder.embed(frames(which)).mean(axis=0)])
    return np.asarray(found, dtype=np.float64)
