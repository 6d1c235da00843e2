"""What the forensic estimate says about a video, in words: of all of it, or of a stretch. Pure.

The weakest evidence there is: it asks for a person or a label and never says more than `likely_synthetic`.
"""

from __future__ import annotations

from collections.abc import Sequence

from safety.collector import MAX_SCORES_PER_SIGNAL
from safety.domain import Origin, OriginEvidence, Score, Strength, Unmeasured
from safety.evidence import Links
from safety.origin import fuse_windows
from safety.origin_windows import OriginWindows, Stretch, stretches


def forensic_link(timeline: OriginWindows, threshold: float) -> Links:
    """Return the evidence of the windows at the policy's threshold, and what could not be measured."""
    score = fuse_windows([each.value for each in timeline.windows])
    if score is None:
        reason = timeline.failure or "no window was long enough"
        return [], [Unmeasured("video.synthetic", reason), Unmeasured("origin.likely_synthetic", reason)]
    peak = max(timeline.windows, key=lambda each: each.value)
    detail: dict[str, object] = {
        "score": round(score, 4),
        "threshold": threshold,
        "windows": len(timeline.windows),
        "windows_unmeasured": timeline.unmeasured,
        "peak": round(peak.value, 4),
    }
    if score >= threshold:
        words = f"The forensic estimate of the whole video is {score:.2f}, above the policy's {threshold:g}."
        return [OriginEvidence("forensics", Origin.LIKELY_SYNTHETIC, Strength.ESTIMATE, words, detail)], []
    return [_part(each, threshold, detail) for each in stretches(timeline.windows, threshold)], []


def _part(stretch: Stretch, threshold: float, detail: dict[str, object]) -> OriginEvidence:
    place = f"{stretch.start_s:.1f} s to {stretch.end_s:.1f} s"
    told = {**detail, "start_s": round(stretch.start_s, 3), "end_s": round(stretch.end_s, 3)}
    told |= {"stretch_score": round(stretch.value, 4), "stretch_windows": stretch.windows}
    if stretch.carries:
        words = (
            f"The video as a whole stays below the policy's {threshold:g}, but from {place} the forensic estimate is "
            f"{stretch.value:.2f}: a part of it may be generated."
        )
        return OriginEvidence("forensics", Origin.LIKELY_SYNTHETIC, Strength.ESTIMATE, words, told)
    words = f"One window, from {place}, reaches {stretch.value:.2f}. A single window is often odd by chance."
    return OriginEvidence("forensics", Origin.LIKELY_SYNTHETIC, Strength.HINT, words, told)


def strongest(windows: Sequence[Score]) -> list[Score]:
    """Return the windows that are recorded: the strongest ones, so that the record of a long video stays small."""
    return sorted(windows, key=lambda each: -each.value)[:MAX_SCORES_PER_SIGNAL]
