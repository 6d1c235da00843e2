"""What the forensic estimate says about a video, in words: of all of it, or of a stretch. Pure.

The weakest evidence there is: it asks for a person or a label and never says more than `likely_synthetic`.
"""

from __future__ import annotations

from collections.abc import Sequence

from classifiers.base import ClassifierError, KnownFalseAlarms
from safety.collector import MAX_SCORES_PER_SIGNAL
from safety.domain import Origin, OriginEvidence, Score, Strength, Unmeasured
from safety.errors import PolicyError
from safety.evidence import Links
from safety.origin import fuse_windows
from safety.origin_windows import OriginWindows, Stretch, stretches
from safety.rules import Policy


def threshold_of(policy: Policy, known: KnownFalseAlarms | None) -> float:
    """Return the probability from which a detector's estimate says `likely_synthetic`.

    Where its false alarms are known it is the one that the policy's share of them stands for.

    Raises:
        PolicyError: the policy states a share only, and nobody measured this detector's false alarms, or too few of
            them to tell it.
    """
    if policy.false_alarms is not None and known is not None:
        try:
            return known.threshold(policy.false_alarms)
        except ClassifierError as error:
            raise PolicyError(f"[origin] false_alarms of the policy: {error}") from error
    if policy.likely_synthetic is None:
        raise PolicyError(
            "the policy states a share of false alarms and no probability, and nobody measured the false alarms of "
            "this origin detector: measure them (`framegate evaluate origin --false-alarms`) or state likely_synthetic"
        )
    return policy.likely_synthetic


def forensic_link(timeline: OriginWindows, threshold: float, known: KnownFalseAlarms | None = None) -> Links:
    """Return the evidence of the windows at a threshold, and what could not be measured.

    `known` says of real videos how many score as high.
    """
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
        "false_alarms": None if known is None else round(known.share(score), 4),
    }
    if score >= threshold:
        words = f"The forensic estimate of the whole video is {score:.2f}, above the policy's {threshold:.3g}."
        if known is not None:
            words += f" Of real videos of unseen sources about {known.share(score):.1%} score as high."
        return [OriginEvidence("forensics", Origin.LIKELY_SYNTHETIC, Strength.ESTIMATE, words, detail)], []
    return [_part(each, threshold, detail) for each in stretches(timeline.windows, threshold)], []


def _part(stretch: Stretch, threshold: float, detail: dict[str, object]) -> OriginEvidence:
    place = f"{stretch.start_s:.1f} s to {stretch.end_s:.1f} s"
    told = {**detail, "start_s": round(stretch.start_s, 3), "end_s": round(stretch.end_s, 3)}
    told |= {"stretch_score": round(stretch.value, 4), "stretch_windows": stretch.windows}
    if stretch.carries:
        words = (
            f"The video as a whole stays below the policy's {threshold:.3g}, but from {place} the forensic estimate is "
            f"{stretch.value:.2f}: a part of it may be generated."
        )
        return OriginEvidence("forensics", Origin.LIKELY_SYNTHETIC, Strength.ESTIMATE, words, told)
    words = f"One window, from {place}, reaches {stretch.value:.2f}. A single window is often odd by chance."
    return OriginEvidence("forensics", Origin.LIKELY_SYNTHETIC, Strength.HINT, words, told)


def strongest(windows: Sequence[Score]) -> list[Score]:
    """Return the windows that are recorded: the strongest ones, so that the record of a long video stays small."""
    return sorted(windows, key=lambda each: -each.value)[:MAX_SCORES_PER_SIGNAL]
