"""Runs classifiers over a prompt or a video and collects what they said, and what nobody could say.

Measures only: the policy is applied by `safety.judge`. A video is decoded in an isolated process and every classifier
sees each window of it, so memory does not grow with the video's length. Where single frames reach what some rule asks
for, the frames around them are looked at in a second, bounded pass: whether it lasts, where it begins, where it ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from classifiers.base import Classifier, SecondReader, is_second_reader
from media.clip import Clip, Coverage, VideoInfo
from media.isolation import open_video
from media.limits import Limits
from media.sampling import SamplingPlan
from safety.collector import Collector
from safety.domain import Measurement, Unmeasured
from safety.footage import Footage
from safety.storyboard import Reading, Storyboard, merge, read_storyboard

WITHDRAWN_ORIGIN = "origin.withdrawn"
"""1.0 where an upload is, or shows, a release of ours that was withdrawn."""

ORIGIN_SIGNALS = frozenset(
    {"origin.ours", "origin.synthetic", "origin.likely_synthetic", "origin.captured", WITHDRAWN_ORIGIN}
)
"""What `safety.scan` adds to an upload's scores: 1.0 for the origin it found, 0.0 for the others."""


@dataclass(frozen=True)
class Instruments:
    """The classifiers in service, and those that could not be put in service."""

    text: Sequence[Classifier[str]] = ()
    clip: Sequence[Classifier[Clip]] = ()
    absent: Sequence[Unmeasured] = ()
    """Signals of video that no classifier can report here, each with its reason."""


def measure_prompt(instruments: Instruments, text: str, scenes: Sequence[str] = ()) -> Measurement:
    """Return what the text classifiers say about a prompt: of scenes, given or marked in the text, alone and together.

    `text` may be empty beside `scenes`.
    """
    storyboard = read_storyboard(text, scenes)
    if storyboard is not None:
        return measure_storyboard(instruments, storyboard)
    return measure_text(instruments, scenes[0] if scenes else text)


def measure_text(instruments: Instruments, text: str) -> Measurement:
    """Return what the text classifiers say about one text."""
    collector = Collector(())
    second: list[SecondReader] = []
    for classifier in instruments.text:
        if is_second_reader(classifier):
            second.append(classifier)
        else:
            collector.run(classifier, text)
    for reader in second:
        collector.run_after(reader, text)
    return collector.measurement()


def measure_storyboard(instruments: Instruments, storyboard: Storyboard) -> Measurement:
    """Return what the text classifiers say about scenes, alone and together; a scene nobody could measure is a gap."""
    parts: dict[Reading, Measurement] = {}
    alone, together = storyboard.alone(), storyboard.together()
    for reading in (*alone, *together):
        if reading not in parts:
            parts[reading] = measure_text(instruments, reading.text)
    placed = {reading: [at for score in part.scores for at in reading.place(score)] for reading, part in parts.items()}
    collector = Collector(gap for part in parts.values() for gap in part.unmeasured)
    for part in parts.values():
        collector.note(part)
    collector.take(merge([placed[each] for each in alone], [placed[each] for each in together]))
    return collector.measurement()


@dataclass(frozen=True)
class VideoMeasurement:
    """A measured video: what was said, what the container declares, and the digest of the file."""

    measurement: Measurement
    info: VideoInfo
    sha256: str


def measure_video(
    classifiers: Sequence[Classifier[Clip]],
    absent: Iterable[Unmeasured],
    path: Path,
    *,
    limits: Limits,
    plan: SamplingPlan,
    also: Callable[[Clip], None] | None = None,
    pictures: bool = False,
    watch: Mapping[str, float] = MappingProxyType({}),
    settled: Callable[[Measurement], bool] | None = None,
) -> VideoMeasurement:
    """Return what the clip classifiers say about a video: its windows, and the stretches in which something stands.

    `also` sees every window too: the watermark and fingerprint readers of the same decode. `pictures`: a still
    picture is taken too. `watch`: from which score of a signal on the frames around it are looked at
    (`safety.modifiers.lowest_in_force`). `settled`: asked after each window whether what was measured so far is enough;
    the coverage then says where looking stopped. With a plan that sees every frame, a frame counts alone.

    Raises:
        MediaError: the file cannot be decoded within the limits.
    """
    with Footage(classifiers, absent, alone=plan.every_frame) as footage:
        with open_video(path, limits=limits, plan=plan, pictures=pictures) as video:
            stopped = False
            for clip in video:
                footage.look(clip)
                if also is not None:
                    also(clip)
                if settled is not None and settled(footage.measurement(video.so_far, video.info)):
                    stopped = True
                    break
            coverage = replace(video.so_far, stopped_s=clip.end_s) if stopped else video.coverage
        intervals = () if plan.every_frame else footage.interesting(watch)
        if intervals:
            with open_video(path, limits=limits, plan=replace(plan, closer=intervals)) as video:
                for clip in video:
                    footage.look_closer(clip)
                coverage = _with_more(coverage, video.coverage)
        return VideoMeasurement(footage.measurement(coverage, video.info), video.info, file_digest(path))


def _with_more(coverage: Coverage, closer: Coverage) -> Coverage:
    """The second pass saw frames that the first did not see."""
    return replace(coverage, frames_seen=min(coverage.frames_total, coverage.frames_seen + closer.frames_seen))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
