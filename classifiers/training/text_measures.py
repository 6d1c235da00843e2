"""Measures of a text network in training: how it ranks rows it did not see, and its calibration. Trains nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from classifiers.training.text_rows import LABELS, Row, balanced, targets

Floats = npt.NDArray[np.float32]

PRIOR: Final = 0.1
"""Share of positives that the calibrated probabilities assume."""

BINS: Final = 10
FALSE_ALARMS: Final = 0.02
"""Share of benign rows above the common limit at which `figures_on_unseen` counts what is found."""

ENOUGH: Final = 20
"""Rows of each side that an AUROC needs here."""


def figures_on_unseen(rows: Sequence[Row], logits: Floats) -> dict[str, float]:
    """Return each head's AUROC, their mean, and the share of harmful rows found at `FALSE_ALARMS` by any head.

    For `found` a row's score is the highest rank of its heads among the benign rows, so that no head drowns the others.
    """
    wanted, weights = targets(list(rows))
    figures: dict[str, float] = {}
    for head, label in enumerate(LABELS):
        used = weights[:, head] > 0
        positives = int(wanted[used, head].sum())
        if min(positives, int(used.sum()) - positives) >= ENOUGH:
            area = roc_auc_score(wanted[used, head], logits[used, head], sample_weight=weights[used, head])
            figures[label] = round(float(area), 4)
    figures["mean"] = round(float(np.mean(list(figures.values()))), 4)
    benign = np.array([row.benign and row.scope is None for row in rows])
    harmful = np.array([not row.benign for row in rows])
    if min(benign.sum(), harmful.sum()) >= ENOUGH:
        ranks = np.stack(
            [np.searchsorted(np.sort(logits[benign, head]), logits[:, head]) for head in range(len(LABELS))], axis=1
        ).max(axis=1)
        limit = np.quantile(ranks[benign], 1 - FALSE_ALARMS)
        figures["found"] = round(float((ranks[harmful] > limit).mean()), 4)
    return figures


def calibration(
    rows: list[Row], logits: Floats, weights: Floats | None = None
) -> tuple[Floats, Floats, dict[str, float]]:
    """Return each head's Platt slope and offset for a share `PRIOR` of positives, and the error that is left.

    `weights` say what each cell counts, before sources are balanced; without them, as `targets` says.
    Noisy labels are left out: they would teach that certainty does not exist. The error is the expected calibration
    error over `BINS` equal bins, with the same weights, of a fit on one half of the rows measured on the other.
    """
    wanted, usual = targets(rows)
    weights = usual if weights is None else weights.copy()
    weights[[row.weak and not row.benign for row in rows]] = 0
    spread = balanced(rows, wanted, weights)
    slopes, offsets = np.ones(len(LABELS), np.float32), np.zeros(len(LABELS), np.float32)
    errors: dict[str, float] = {}
    halves = np.random.default_rng(0).random(len(rows)) < 0.5
    for head, label in enumerate(LABELS):
        used = spread[:, head] > 0
        if not 0 < wanted[used, head].sum() < used.sum():
            raise ValueError(f"calibration of {label!r} needs rows with it and rows without it")
        side, values = wanted[used, head], logits[used, head]
        mass = np.where(side == 1, spread[used, head] * 3 * PRIOR, spread[used, head] * 1.5 * (1 - PRIOR))
        slopes[head], offsets[head] = _platt(values, side, mass)
        gaps = []
        for part in (halves[used], ~halves[used]):
            slope, offset = _platt(values[~part], side[~part], mass[~part])
            gaps.append(expected_error(1 / (1 + np.exp(-(values[part] * slope + offset))), side[part], mass[part]))
        errors[label] = round(float(np.mean(gaps)), 4)
    return slopes, offsets, errors


def _platt(values: Floats, side: Floats, mass: Floats) -> tuple[float, float]:
    fitted = LogisticRegression(C=1e6).fit(values[:, None], side, sample_weight=mass * len(mass))
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def expected_error(probabilities: Floats, side: Floats, mass: Floats) -> float:
    """Return the weighted mean distance of probability and share of positives over `BINS` equal bins."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    total = 0.0
    for number in range(BINS):
        here = bins == number
        weight = float(mass[here].sum())
        if weight > 0:
            claimed = float(np.average(probabilities[here], weights=mass[here]))
            true = float(np.average(side[here], weights=mass[here]))
            total += weight * abs(claimed - true)
    return total / float(mass.sum())
