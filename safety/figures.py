"""The arithmetic of published figures: shares with intervals, ranking quality, calibration, quantiles.

Pure: numbers in, numbers out. It reads no file, judges nothing, and rounds nothing; drawing is `safety.charts`.
Import it where figures are made and nowhere else: scikit-learn is slow to load, and judging a prompt needs none of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sklearn import metrics  # type: ignore[import-untyped]

from safety.intervals import Z_95, wilson

BINS = 10
"""Bins of equal width in which calibration is looked at."""


@dataclass(frozen=True)
class Share:
    """k of n, with its 95 % Wilson interval."""

    k: int
    n: int

    def __post_init__(self) -> None:
        if not 0 <= self.k <= self.n:
            raise ValueError(f"{self.k} of {self.n} is no share")

    @property
    def value(self) -> float | None:
        """k / n in [0, 1]; None when nothing was counted."""
        return self.k / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval; (0, 1), which says nothing, when nothing was counted."""
        return wilson(self.k, self.n)

    @property
    def rest(self) -> Share:
        """The share of those that were not counted: n - k of n."""
        return Share(self.n - self.k, self.n)


@dataclass(frozen=True)
class Ranking:
    """How well a score puts positives above negatives, whatever the threshold."""

    positives: int
    negatives: int
    auroc: float
    """Chance that a random positive scores higher than a random negative; ties count half."""

    interval: tuple[float, float]
    """95 % interval of `auroc`."""

    auprc: float
    """Average precision: depends on the share of positives among these rows."""


def rank(positives: Sequence[float], negatives: Sequence[float]) -> Ranking | None:
    """Return AUROC and AUPRC of scores of positives against scores of negatives; None when one side is empty.

    Raises:
        ValueError: a score is not finite.
    """
    if not positives or not negatives:
        return None
    truth, scores = [1] * len(positives) + [0] * len(negatives), [*positives, *negatives]
    auroc = float(metrics.roc_auc_score(truth, scores))
    return Ranking(
        positives=len(positives),
        negatives=len(negatives),
        auroc=auroc,
        interval=auroc_interval(auroc, len(positives), len(negatives)),
        auprc=float(metrics.average_precision_score(truth, scores)),
    )


def auroc_interval(auroc: float, positives: int, negatives: int, z: float = Z_95) -> tuple[float, float]:
    """Return the score-type interval of an AUROC: every value that lies within z of its own standard errors.

    Unlike a Wald interval it does not collapse at 1. Source: R. G. Newcombe, "Confidence intervals for an effect size
    measure based on the Mann-Whitney statistic. Part 2", Statistics in Medicine 25 (2006), method 5.
    """
    pairs, extra = positives * negatives, (positives + negatives) / 2 - 1

    def too_far(value: float) -> bool:
        variance = value * (1 - value) * (1 + extra * (1 - value) / (2 - value) + extra * value / (1 + value)) / pairs
        return (auroc - value) ** 2 > z * z * variance

    return _edge(auroc, 0.0, too_far), _edge(auroc, 1.0, too_far)


def _edge(inside: float, outside: float, too_far: Callable[[float], bool]) -> float:
    """Bisect for the last value on the way from `inside` to `outside` that is not too far."""
    if not too_far(outside):
        return outside
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if too_far(middle) else (middle, outside)
    return inside


def roc_curve(positives: Sequence[float], negatives: Sequence[float]) -> list[tuple[float, float]]:
    """Return (false positive rate, true positive rate) for every threshold that changes them, from (0, 0) to (1, 1)."""
    if not positives or not negatives:
        return []
    truth = [1] * len(positives) + [0] * len(negatives)
    false, true, _ = metrics.roc_curve(truth, [*positives, *negatives])
    return [(float(x), float(y)) for x, y in zip(false, true, strict=True)]


@dataclass(frozen=True)
class Bin:
    """Scores of one range, and how often what they announce was there."""

    low: float
    high: float
    n: int
    mean_score: float
    present: float
    """Share of these rows in which it was present, in [0, 1]."""


@dataclass(frozen=True)
class Calibration:
    """Whether 0.9 is right nine times in ten, on these rows: it depends on how common positives are among them."""

    n: int
    ece: float
    """Expected calibration error: |mean score - share present|, averaged over rows, in [0, 1]."""

    brier: float
    """Mean squared distance between score and truth, in [0, 1]."""

    bins: tuple[Bin, ...]
    """Bins that hold at least one row, lowest first."""


def calibrate(positives: Sequence[float], negatives: Sequence[float], bins: int = BINS) -> Calibration | None:
    """Compare probabilities with what was there, in bins of equal width; None when there is no row.

    Raises:
        ValueError: a score is not a probability.
    """
    rows = [(score, 1.0) for score in positives] + [(score, 0.0) for score in negatives]
    if any(not 0.0 <= score <= 1.0 for score, _ in rows):
        raise ValueError("calibration compares probabilities: every score lies in [0, 1]")
    if not rows:
        return None
    groups: list[list[tuple[float, float]]] = [[] for _ in range(bins)]
    for score, truth in rows:
        groups[min(int(score * bins), bins - 1)].append((score, truth))
    filled = tuple(
        Bin(number / bins, (number + 1) / bins, len(group), _mean(s for s, _ in group), _mean(t for _, t in group))
        for number, group in enumerate(groups)
        if group
    )
    return Calibration(
        n=len(rows),
        ece=sum(each.n * abs(each.mean_score - each.present) for each in filled) / len(rows),
        brier=_mean((score - truth) ** 2 for score, truth in rows),
        bins=filled,
    )


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return math.fsum(numbers) / len(numbers)


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which this share of the values lies, interpolated linearly; None without values.

    Raises:
        ValueError: `share` is not in [0, 1].
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"a quantile is asked for by a share in [0, 1], not {share}")
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
