"""Whether a generated part of a real video is found, and how well its seconds are told: composites of labelled clips.

    inside     a recording, a generated part of two to four seconds, another recording
    extension  a recording that a generated part goes on with
    recording  three recordings one after the other: whatever is told here is a false alarm
    insert     a recording with a generated clip over a corner, two fifths as wide and high
    window     the same with another recording over the corner: whatever is told here is a false alarm

Watched and reported as `safety.scan` does. Parts of one composite come from different sources.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.base import Classifier
from media.clip import Clip
from media.errors import MediaError
from media.inserts import InsertFinder
from media.renditions import SHORT_SIDE, Frame, first_frames
from media.splices import CORNERS, inserted, joined
from safety.domain import Strength
from safety.evaluate.origin_figures import Figures, share_figures
from safety.evaluate.origin_rows import CAMERA, LabelledClip
from safety.forensic_evidence import forensic_link
from safety.insert_evidence import insert_link, look_inside
from safety.origin_windows import OriginWindows

FPS = 4.0
"""Frames a second, as a scan samples an upload."""

LEAST_S, MOST_S = 2.0, 4.0
"""Seconds of a part: shorter clips are not used, longer ones are cut."""

SEQUENCES = ("inside", "extension", "recording")
"""Parts one after the other."""

KINDS = (*SEQUENCES, "insert", "window")

INSERT_SHARE = 0.4
"""Width and height of an insert as shares of the frame's."""

OVERLAPS = 0.5
"""Intersection over union from which a part counts as told."""


@dataclass(frozen=True)
class Splice:
    """One composite: which clips, in order."""

    kind: str
    parts: tuple[LabelledClip, ...]


@dataclass(frozen=True)
class Told:
    """What was reported about one composite."""

    splice: Splice
    truth: tuple[float, float] | None
    """Seconds in which the generated part begins and ends; None for recordings."""

    told: tuple[tuple[float, float], ...]
    """Seconds of what carries an estimate: stretches, or the whole video."""

    duration_s: float
    bordered: bool = False
    """Whether borders of an insert were found."""

    @property
    def overlap(self) -> float:
        """Seconds that are both generated and told, over seconds that are either: 0 to 1."""
        if self.truth is None:
            return 0.0
        start, end = self.truth
        both = sum(max(0.0, min(end, last) - max(start, first)) for first, last in self.told)
        either = (end - start) + sum(last - first for first, last in self.told) - both
        return both / either


def splices_of(rows: Sequence[LabelledClip], count: int) -> list[Splice]:
    """Return `count` composites of each of `KINDS`: every generator in turn, recordings drawn by a fixed seed.

    Fewer where there are not enough clips that are long and large enough.
    """
    chance = np.random.default_rng(0)
    usable = [row for row in rows if not row.hard and _long_enough(row)]
    made = _in_turn([row for row in usable if row.made], chance)
    real = _in_turn([row for row in usable if not row.made and row.kind == CAMERA], chance)
    splices = []
    for kind in KINDS:
        for at in range(count):
            first, last = real[(2 * at) % len(real)] if real else None, real[(2 * at + 1) % len(real)] if real else None
            if first is None or last is None or not made or first.source == last.source:
                continue
            part = made[at % len(made)]
            middle = real[(2 * at + 2) % len(real)]
            parts = {
                "inside": (first, part, last),
                "extension": (first, part),
                "recording": (first, middle, last),
                "insert": (first, part),
                "window": (first, last),
            }
            splices.append(Splice(kind, parts[kind]))
    return splices


def _in_turn(rows: Sequence[LabelledClip], chance: np.random.Generator) -> list[LabelledClip]:
    """Return rows so that each source had its turn before one comes again."""
    by_source: dict[str, list[LabelledClip]] = {}
    for at in chance.permutation(len(rows)):
        by_source.setdefault(rows[at].source, []).append(rows[at])
    longest = max(map(len, by_source.values()), default=0)
    return [of[turn] for turn in range(longest) for of in by_source.values() if turn < len(of)]


def _long_enough(row: LabelledClip) -> bool:
    try:
        frames = first_frames(row.path, count=round(LEAST_S * FPS), fps=FPS)
    except MediaError:
        return False
    return len(frames) == round(LEAST_S * FPS) and min(frames[0].shape[:2]) >= SHORT_SIDE


def look(splice: Splice, detector: Classifier[Clip], threshold: float) -> Told:
    """Make a composite, let the detector watch it as a scan does, and return what would be reported."""
    parts = [first_frames(part.path, count=round(MOST_S * FPS), fps=FPS) for part in splice.parts]
    if splice.kind not in SEQUENCES:
        return _look_inside(splice, parts, detector, threshold)
    frames = joined(parts, fps=FPS)
    timeline = OriginWindows(detector)
    timeline.watch(Clip(np.stack(frames), np.arange(len(frames)) / FPS, FPS))
    evidence, _ = forensic_link(timeline, threshold)
    end_s = len(frames) / FPS
    told = tuple(
        (float(str(each.detail.get("start_s", 0.0))), float(str(each.detail.get("end_s", end_s))))
        for each in evidence
        if each.strength is Strength.ESTIMATE
    )
    return Told(splice, _truth(splice, parts), told, end_s)


def _look_inside(
    splice: Splice, parts: Sequence[Sequence[Frame]], detector: Classifier[Clip], threshold: float
) -> Told:
    """Return what is told of the insert alone: its seconds are those of the whole composite."""
    corner = CORNERS[zlib.crc32(splice.parts[0].file.encode()) % len(CORNERS)]
    frames = inserted(parts[0], parts[1], corner=corner, share=INSERT_SHARE, fps=FPS)
    whole, finder = Clip(np.stack(frames), np.arange(len(frames)) / FPS, FPS), InsertFinder()
    finder.watch(whole)
    evidence, _ = insert_link(look_inside(finder.found(), [whole], detector, FPS), threshold)
    told = tuple(
        (float(str(each.detail["start_s"])), float(str(each.detail["end_s"])))
        for each in evidence
        if each.strength is Strength.ESTIMATE
    )
    return Told(splice, None, told, len(frames) / FPS, bordered=bool(evidence))


def _truth(splice: Splice, parts: Sequence[Sequence[Frame]]) -> tuple[float, float] | None:
    start = 0
    for part, frames in zip(splice.parts, parts, strict=True):
        if part.made:
            return start / FPS, (start + len(frames)) / FPS
        start += len(frames)
    return None


def splice_figures(
    splices: Sequence[Splice],
    detector_of: Callable[[Splice], Classifier[Clip]],
    threshold: float,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Figures:
    """Return, by kind: N, how many were told of, mean overlap in time, and how many overlap by half or more."""
    told: dict[str, list[Told]] = {kind: [] for kind in KINDS}
    for done, splice in enumerate(splices, start=1):
        told[splice.kind].append(look(splice, detector_of(splice), threshold))
        progress(done, len(splices))
    figures: Figures = {"threshold": threshold}
    for kind, each in told.items():
        overlaps = np.array([one.overlap for one in each])
        figures[kind] = {"n": len(each), "told": share_figures(np.array([bool(one.told) for one in each], bool))}
        if kind not in SEQUENCES:
            figures[kind]["bordered"] = share_figures(np.array([one.bordered for one in each], bool))
        elif kind != "recording":
            figures[kind] |= {
                "overlap": float(overlaps.mean()) if len(overlaps) else None,
                "overlap_half": share_figures(overlaps >= OVERLAPS),
            }
    return figures
