"""Marks clips, lets the world damage them, and notes what can still be recognised: one line of JSON a clip.

Each clip goes the way of a release: watermark, H.264 at the release's quality, decoded again; then every damage of
`media.damage`. What local features lead to is looked up among all clips. Unmarked clips, whole and cropped, are
listened to with keys nobody used. Counts and judges nothing: figures are `mark_report`. Clips come from a folder or are
made (`media.specimens`).
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from media.clip import Clip, Frames
from media.codec import decode, probe
from media.damage import DAMAGES, Damage, re_encoded
from media.errors import MediaError
from media.feature_index import FeatureIndex
from media.fingerprint import fingerprint
from media.limits import Limits
from media.local_features import FrameFeatures, described, unpack
from media.quality import psnr_db, ssim
from media.specimens import make, specimens
from provenance.base import MarkingError, Watermark
from safety.errors import InvalidContent
from safety.known import key_frames
from safety.release import CRF, fingerprints_of, packed_features_of
from safety.scan import SCAN_PLAN

VERSION = 3
"""Of a note: what was kept by another version is measured again. Version 1 had no local features,
version 2 let fewer cells prove more."""

MOST_SECONDS = 5.0
"""Of a longer video the first seconds are measured."""

QUALITY_EVERY = 6
"""Every so many-th frame's SSIM is measured."""

VIDEO_ENDINGS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"})

UNMARKED_CROPS: tuple[tuple[float, float, float], ...] = ((0, 0, 0), (0.1, 0.5, 0.5), (0.1, 1, 0), (0.3, 0.3, 0.8))
"""(share cut off, share of that at the top, at the left) of unmarked clips that are listened to."""

Json = dict[str, Any]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Source:
    """A clip to be measured."""

    name: str
    family: str
    """What it shows, joined by `+`. Clips that share a part may show the same picture: they are no strangers."""

    load: Callable[[], Clip]


def related(one: str, other: str) -> bool:
    """Say whether clips of these families may show the same picture."""
    return not set(one.split("+")).isdisjoint(other.split("+"))


def sources(folder: Path | None) -> list[Source]:
    """Return the videos of a folder, or the clips that can be made here.

    Raises:
        InvalidContent: the folder holds no video.
    """
    if folder is None:
        return [
            Source(each.name, "+".join(each.photographs) or each.name, lambda each=each: make(each))  # type: ignore[misc]
            for each in specimens()
        ]
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_ENDINGS)
    if not paths:
        raise InvalidContent(f"{folder} holds no video ({', '.join(sorted(VIDEO_ENDINGS))})")
    return [
        Source(str(path.relative_to(folder)), str(path.relative_to(folder)), lambda path=path: load(path))  # type: ignore[misc]
        for path in paths
    ]


def load(path: Path) -> Clip:
    """Return the first seconds of a video at an even size.

    Raises:
        MediaError: it cannot be decoded.
    """
    info = probe(path, Limits())
    frames: list[Frames] = []
    for time_s, frame in decode(path, Limits()):
        if time_s >= MOST_SECONDS:
            break
        frames.append(frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2])
    stacked = np.stack(frames)
    return Clip(stacked, np.arange(len(stacked), dtype=np.float64) / info.fps, info.fps)


def run(
    clips: Sequence[Source],
    watermark: Watermark,
    strangers: Sequence[Watermark],
    *,
    kept: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> list[Json]:
    """Return what was noted about each clip; what stands in the file `kept` is not measured again.

    `strangers` are watermarks of other keys, with which unmarked clips are listened to.
    """
    lines = list(_read(kept))
    notes = {each["name"]: each for each in lines if each.get("version") == VERSION}
    missing = [source for source in clips if source.name not in notes]
    strange = {each["described"]: each for each in lines if "described" in each}
    if missing:
        for source in clips:
            if source.name not in strange:
                strange[source.name] = _kept(kept, _described(source))
    others = [strange[source.name] for source in clips] if missing else []
    for number, source in enumerate(clips):
        progress(number, len(clips))
        if source.name in notes:
            continue
        known = [each for each in others if not related(each["family"], source.family)]
        told = {"version": VERSION, "name": source.name, "family": source.family, "compared": len(known)}
        notes[source.name] = _kept(kept, {**told, **_measured(source, number, watermark, strangers, known)})
    progress(len(clips), len(clips))
    return [notes[source.name] for source in clips]


def _kept(kept: Path | None, line: Json) -> Json:
    if kept is not None:
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    return line


def _described(source: Source) -> Json:
    """The local features of a clip before it was marked: what the copies of other clips must not lead to."""
    try:
        features = packed_features_of(source.load())
    except MediaError:
        features = ()
    return {"described": source.name, "family": source.family, "features": list(features)}


def _read(kept: Path | None) -> Iterator[Json]:
    if kept is not None and kept.exists():
        yield from (json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines() if line.endswith("}"))


def _measured(
    source: Source, number: int, watermark: Watermark, strangers: Sequence[Watermark], others: Sequence[Json]
) -> Json:
    try:
        clip = source.load()
        id_hex = f"{(number + 1) * 0x9E3779B97F4A & (2**48 - 1):012x}"
        started = time.process_time()
        marked, mark = watermark.embed(clip, id_hex)
        embed_s = time.process_time() - started
        released = re_encoded(marked, "h264", CRF)
        index = _index([{"described": source.name, "features": packed_features_of(marked)}, *others])
        damages = {damage.name: _damaged(damage, released, watermark, id_hex, index) for damage in DAMAGES}
    except (MediaError, MarkingError) as error:
        return {"failed": str(error)}
    return {
        "frames": len(clip.frames),
        "size": [clip.frames.shape[2], clip.frames.shape[1]],
        "psnr_db": round(psnr_db(clip.frames, marked.frames), 2),
        "ssim": round(ssim(clip.frames[::QUALITY_EVERY], marked.frames[::QUALITY_EVERY]), 5),
        "robust": mark.robust,
        "embed_ms": round(embed_s / len(clip.frames) * 1000, 2),
        "hashes": fingerprints_of(marked),
        "damages": damages,
        "unmarked": _unmarked(clip, strangers),
    }


def _index(clips: Sequence[Json]) -> FeatureIndex:
    frames = {each["described"]: [unpack(base64.b64decode(packed)) for packed in each["features"]] for each in clips}
    index = FeatureIndex(frames.__getitem__)
    for name, of_clip in frames.items():
        index.add(name, of_clip)
    return index


def _damaged(damage: Damage, released: Clip, watermark: Watermark, id_hex: str, index: FeatureIndex) -> Json:
    clip = damage.apply(released)
    detector = watermark.detector()
    started = time.process_time()
    detector.add(clip.frames)
    added_s = time.process_time() - started
    reading = detector.read()
    took_s = time.process_time() - started - added_s
    started = time.process_time()
    asked = _asked(clip)
    described_s = time.process_time() - started
    parts = index.matches(asked)
    looked_up_s = time.process_time() - started - described_s
    queries = [fingerprint(frame, mirrored=True) for frame in _every(clip, SCAN_PLAN.fps)]
    return {
        "read": None if reading is None else reading.id_hex,
        "own": reading is not None and reading.id_hex == id_hex,
        "geometry": "" if reading is None else reading.geometry,
        "add_ms": round(added_s / len(clip.frames) * 1000, 2),
        "read_ms": round(took_s * 1000),
        "describe_ms": round(described_s * 1000),
        "look_up_ms": round(looked_up_s * 1000),
        "parts": [[each.key, round(each.share, 3), each.best.points, round(each.best.coverage, 2)] for each in parts],
        "queries": [[one.hash_hex, one.quality, one.mirrored_hex] for one in queries],
    }


def _asked(clip: Clip) -> list[FrameFeatures]:
    """Describe the frames that a scan would look up."""
    strip = key_frames()
    strip.watch(clip)
    return described(strip.frames())


def _unmarked(clip: Clip, strangers: Sequence[Watermark]) -> Json:
    """Listen to the clip before it was marked, whole and cropped, with every stranger's key."""
    scans = accepted = 0
    for cut, down, right in UNMARKED_CROPS:
        height, width = clip.frames.shape[1:3]
        top, left = round(height * cut * down), round(width * cut * right)
        part = clip.frames[
            ::QUALITY_EVERY, top : top + round(height * (1 - cut)), left : left + round(width * (1 - cut))
        ]
        for stranger in strangers:
            detector = stranger.detector()
            detector.add(np.ascontiguousarray(part))
            scans += 1
            accepted += detector.read() is not None
    return {"scans": scans, "accepted": accepted}


def _every(clip: Clip, per_s: float) -> Frames:
    return clip.frames[:: max(1, round(clip.fps / per_s))]
