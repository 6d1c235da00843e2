"""The report of an evaluation of origin as one JSON object: headline, conditions, drift, groups, controls, checks.

The schema is described in docs/how-to/evaluate-the-origin-detector.md; `SCHEMA` counts up when a field changes its
meaning. Pages for people are made from this object (`safety.evaluate.origin_pages`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from media.renditions import HEADLINE
from safety.errors import InvalidContent
from safety.evaluate.origin_controls import controls
from safety.evaluate.origin_figures import Figures, condition_figures, drift, group_figures, scored
from safety.evaluate.origin_scores import DIGITS, PROTOCOL, MeasuredClip

SCHEMA = 1


NOISE = (
    "Clips of one generator or source are alike, so intervals resample whole generators and sources. With a few "
    "hundred clips, gaps under 0.05 AUROC, shares found at 1 % false alarms and rows of single generators are noise."
)


def origin_report(
    clips: Sequence[MeasuredClip],
    *,
    conditions: Sequence[str],
    detector: Mapping[str, str],
    trained_on: frozenset[str],
    policy_threshold: float,
    why_no_vectors: str,
    at: datetime,
    how: Mapping[str, Any],
    splices: Figures | None = None,
) -> Figures:
    """Return the report. `trained_on`: what the SHA-256 digests of files begin with that the detector learned from.
    `splices`: what `safety.evaluate.origin_splices` found, if composites were made.

    Raises:
        InvalidContent: no clip of one label could be measured, so there is no figure.
    """
    counted = [clip for clip in clips if clip.counted]
    data = scored(counted, HEADLINE)
    if not data.made.any() or data.made.all():
        reasons = sorted({reason for clip in clips for reason in clip.gaps.values()})[:3]
        raise InvalidContent(
            "no figure: clips of both labels with ten frames and a short side of 240 pixels are needed, and "
            f"{int(data.made.sum())} generated and {int((~data.made).sum())} real ones could be measured"
            + (f" ({'; '.join(reasons)})" if reasons else "")
        )
    by_condition = {name: condition_figures(counted, name) for name in conditions}
    headline = by_condition[HEADLINE]
    threshold = headline["found"]["0.05"]["threshold"]
    tested = controls(counted, why_no_vectors=why_no_vectors)
    rivals = [tested[name]["value"] for name in ("metadata", "topic") if tested[name]["value"] is not None]
    small = [clip for clip in clips if not clip.counted and clip.scores]
    return {
        "schema": SCHEMA,
        "kind": "evaluate.origin",
        "at": at.isoformat(timespec="seconds"),
        "detector": dict(detector),
        "protocol": PROTOCOL,
        "how": dict(how),
        "clips": {
            "all": len(clips),
            "counted": len(counted),
            "generated": sum(clip.row.made for clip in counted),
            "generators": len({clip.row.source for clip in counted if clip.row.made}),
            "real": sum(not clip.row.made for clip in counted),
            "sources": len({clip.row.source for clip in counted if not clip.row.made}),
            "repositories": len({clip.row.repository for clip in counted}),
            "seen_in_training": sum(clip.sha256[:DIGITS] in trained_on for clip in counted),
            "not_decoded": {clip.row.file: next(iter(clip.gaps.values())) for clip in clips if clip.info is None},
        },
        "headline": headline,
        "conditions": by_condition,
        "drift": drift(by_condition, counted),
        "too_short_or_small": condition_figures(small, "as_is") if small and "as_is" in conditions else None,
        "policy_threshold": policy_threshold,
        "groups": group_figures(counted, threshold, policy_threshold),
        "controls": tested,
        "splices": splices,
        "margin": headline["auroc"]["value"] - max(rivals),
        "noise": NOISE,
    }


def warnings(report: Figures) -> list[str]:
    """Return what a reader must know before believing the headline, in words."""
    clips, found, headline = report["clips"], report["controls"], report["headline"]["auroc"]["value"]
    words = []
    if clips["seen_in_training"]:
        words.append(
            f"{clips['seen_in_training']} of {clips['counted']} clips were learned from by this detector: what is said "
            "about it here is no estimate for clips it has not seen"
        )
    for name, what in (("metadata", "the files' metadata"), ("topic", "the topic")):
        value = found[name]["value"]
        if value is not None and headline - value < MARGIN:
            words.append(f"{what} alone gets AUROC {value:.2f}: the detector's {headline:.2f} may be a shortcut")
        if found[name].get("unmeasured"):
            words.append(f"what {what} alone would tell was not measured: {found[name]['unmeasured']}")
    learned = found["real_vs_real"]["learned"]
    if learned and learned["mean"] is not None and learned["mean"] > 0.5 + TOLERANCE:
        words.append(f"real sources can be told apart (AUROC {learned['mean']:.2f}): sources leak between the folds")
    for name, change in report["drift"].items():
        if name in ("tiles", "grey"):
            continue
        if abs(change["auroc_change"]) >= AUROC_CHANGE or abs(change["false_alarms_change"]) >= ALARM_CHANGE:
            words.append(
                f"{name} changes AUROC by {change['auroc_change']:+.3f} and false alarms by "
                f"{change['false_alarms_change']:+.1%}"
            )
    return words


MARGIN = 0.05
"""AUROC by which the detector has to lie above what needs no detector, or a reader is warned."""

TOLERANCE = 0.1
"""AUROC above one half that real sources against real sources may reach by chance."""

AUROC_CHANGE, ALARM_CHANGE = 0.03, 0.03
"""What a re-encoding may change before a reader is warned."""
