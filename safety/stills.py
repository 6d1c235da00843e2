"""Keeps a blurred picture of each place where a Finding is strongest, so that a reviewer sees what it is about.

The pictures are content: kept sealed (`safety.still_store`), they can be erased. The record names them by digest.
Judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from media.limits import Limits
from media.peeks import blurred_jpeg, frames_at
from safety.domain import Still, TimeSpan, Verdict

KeepStill = Callable[[bytes, str | None], str]
"""Keeps a JPEG about a job and returns the digest that names it: `StillStore.keep`."""

MOST_STILLS = 8
"""Pictures kept for one video, of the strictest findings first."""


def peaks_of(verdict: Verdict) -> list[tuple[float, TimeSpan]]:
    """Return where a verdict's findings about a video are strongest: seconds and span, strictest finding first."""
    peaks: dict[float, TimeSpan] = {}
    for finding in verdict.findings:
        for each in finding.evidence:
            if each.score is not None and isinstance(each.span, TimeSpan):
                at = each.span.start_s if each.span.peak_s is None else each.span.peak_s
                peaks.setdefault(at, each.span)
    return list(peaks.items())


def keep_stills(path: Path, verdict: Verdict, limits: Limits, keep: KeepStill, job: str | None) -> tuple[Still, ...]:
    """Store blurred pictures of the strongest frames of a video and return them in order of time.

    Raises:
        MediaError: the file cannot be decoded again, or the pictures cannot be stored.
    """
    times_s = [at for at, _ in peaks_of(verdict)[:MOST_STILLS]]
    frames = frames_at(path, times_s, limits)
    return tuple(Still(at, keep(blurred_jpeg(frame), job)) for at, frame in sorted(frames.items()))
