"""Counts measured clips into figures: ranking, shares found at fixed false alarms, calibration, drift, by generator.

Clips of one generator or source are alike, so every interval resamples whole generators and whole sources. Pure but for
the fixed seed of the resampling; draws and prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.renditions import HEADLINE
from safety.evaluate.origin_scores import MeasuredClip
from safety.figures import BINS, Share, calibrate

Figures = dict[str, Any]
"""JSON values; docs/how-to/evaluate-the-origin-detector.md describes them."""

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

ROUNDS = 400
"""Resamplings behind an interval."""

FALSE_ALARMS = (0.05, 0.01)
"""Shares of real clips at which the share of generated clips that is found is told."""


@dataclass(frozen=True)
class Scored:
    """Scores with their truth, and whose each is."""

    scores: Floats
    made: Booleans
    groups: NDArray[np.str_]
    """Generator or source."""

    def taken(self, which: NDArray[np.int_] | Booleans) -> Scored:
        """Return some of them."""
        return Scored(self.scores[which], self.made[which], self.groups[which])


def scored(clips: Sequence[MeasuredClip], condition: str) -> Scored:
    """Return the clips that have a score in this condition."""
    found = [clip for clip in clips if condition in clip.scores]
    return Scored(
        np.array([clip.scores[condition] for clip in found], dtype=np.float64),
        np.array([clip.row.made for clip in found], dtype=np.bool_),
        np.array([clip.row.source for clip in found], dtype=np.str_),
    )


def auroc(scores: Floats, made: Booleans) -> float:
    """Return the chance that a generated clip scores above a real one, ties half; NaN when one side is empty."""
    positives, negatives = scores[made], np.sort(scores[~made])
    if not len(positives) or not len(negatives):
        return float("nan")
    below = np.searchsorted(negatives, positives, side="left")
    upto = np.searchsorted(negatives, positives, side="right")
    return float((below + upto).mean() / 2 / len(negatives))


def threshold_at(negatives: Floats, share: float) -> float:
    """Return the lowest threshold that at most this share of the negatives lies above (found is what lies above)."""
    ordered = np.sort(negatives)[::-1]
    return float(ordered[min(int(share * len(ordered)), len(ordered) - 1)])


def found_at(scores: Floats, made: Booleans, share: float) -> float:
    """Return the share of generated clips above `threshold_at`; NaN when one side is empty."""
    if made.all() or not made.any():
        return float("nan")
    return float((scores[made] > threshold_at(scores[~made], share)).mean())


def interval(data: Scored, figure: Callable[[Floats, Booleans], float]) -> Figures:
    """Return a figure with the 95 % interval of resampling whole generators and whole sources."""
    value = figure(data.scores, data.made)
    chance = np.random.default_rng(0)
    members = {side: _members(data, side) for side in (True, False)}
    if not np.isfinite(value) or not all(members.values()):
        return {"value": None, "low": None, "high": None}
    drawn = []
    for _ in range(ROUNDS):
        rows = [groups[at] for groups in members.values() for at in chance.integers(0, len(groups), size=len(groups))]
        chosen = np.concatenate(rows)
        drawn.append(figure(data.scores[chosen], data.made[chosen]))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return {"value": value, "low": float(low), "high": float(high)}


def _members(data: Scored, side: bool) -> list[NDArray[np.int_]]:
    of_side = data.made == side
    return [np.flatnonzero((data.groups == name) & of_side) for name in np.unique(data.groups[of_side])]


def condition_figures(clips: Sequence[MeasuredClip], condition: str) -> Figures:
    """Return the figures of one condition."""
    data = scored(clips, condition)
    figures: Figures = {
        "n": len(data.scores),
        "generated": int(data.made.sum()),
        "unmeasured": len(clips) - len(data.scores),
        "auroc": interval(data, auroc),
        "found": {},
    }
    for share in FALSE_ALARMS:
        row = interval(data, partial(found_at, share=share))
        if row["value"] is not None:
            threshold = threshold_at(data.scores[~data.made], share)
            row |= {"threshold": threshold, "false_alarms": int((data.scores[~data.made] > threshold).sum())}
        figures["found"][f"{share:g}"] = row
    if figures["auroc"]["value"] is None:
        return figures
    compared = calibrate(list(data.scores[data.made]), list(data.scores[~data.made]))
    figures |= {"brier": interval(data, _brier), "ece": interval(data, _ece)}
    figures["bins"] = [] if compared is None else [vars(each) for each in compared.bins]
    return figures


def _brier(scores: Floats, made: Booleans) -> float:
    return float(((scores - made) ** 2).mean())


def _ece(scores: Floats, made: Booleans) -> float:
    """The expected calibration error of `safety.figures.calibrate`, fast enough to be resampled."""
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    off = np.bincount(bins, weights=scores, minlength=BINS) - np.bincount(bins, weights=made, minlength=BINS)
    return float(np.abs(off).sum() / len(scores))


def drift(conditions: Mapping[str, Figures], clips: Sequence[MeasuredClip]) -> Figures:
    """Return what each condition does to ranking, and to false alarms at the headline's threshold of 5 %."""
    headline = conditions[HEADLINE]
    threshold = headline["found"]["0.05"].get("threshold")
    changes: Figures = {}
    for name, figures in conditions.items():
        if name == HEADLINE or threshold is None or figures["auroc"]["value"] is None:
            continue
        # Only clips with a score in both: a clip that a condition makes unmeasurable is told as unmeasured.
        both = [clip for clip in clips if HEADLINE in clip.scores and name in clip.scores]
        here, there = scored(both, name), scored(both, HEADLINE)
        changes[name] = {
            "auroc_change": auroc(here.scores, here.made) - auroc(there.scores, there.made),
            "false_alarms": share_figures(here.scores[~here.made] > threshold),
            "false_alarms_change": float(
                (here.scores[~here.made] > threshold).mean() - (there.scores[~there.made] > threshold).mean()
            ),
        }
    return changes


def group_figures(clips: Sequence[MeasuredClip], threshold: float, policy_threshold: float) -> Figures:
    """Return, for each generator, source and kind of hard negative, how many clips lie above both thresholds."""
    groups: dict[tuple[str, str], list[float]] = {}
    for clip in clips:
        score = clip.scores.get(HEADLINE)
        if score is None:
            continue
        groups.setdefault(("generators" if clip.row.made else "sources", clip.row.source), []).append(score)
        if clip.row.hard:
            groups.setdefault(("hard_negatives", clip.row.kind), []).append(score)
            groups.setdefault(("hard_negatives", "all"), []).append(score)
    figures: Figures = {"generators": {}, "sources": {}, "hard_negatives": {}}
    for (side, name), scores in sorted(groups.items()):
        values = np.array(scores)
        figures[side][name] = {
            "above_5_percent": share_figures(values > threshold),
            "above_policy": share_figures(values >= policy_threshold),
            "median": float(np.median(values)),
        }
    return figures


def share_figures(which: Booleans) -> Figures:
    """Write how many of these hold, with the Wilson interval."""
    counted = Share(int(which.sum()), len(which))
    low, high = counted.interval
    return {"n": counted.n, "k": counted.k, "value": counted.value, "low": low, "high": high}
