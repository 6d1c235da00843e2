"""Fits, calibrates, measures and writes linear heads. The training scripts choose the data and the folds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from classifiers.linear_head import CONFIG_FILE, WEIGHTS_FILE

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """logit = x . weight + bias, with the standardisation of its training set folded in."""

    weight: Floats
    bias: float

    def logit(self, x: NDArray[np.floating]) -> Floats:
        """Return one logit a row."""
        return np.asarray(x @ self.weight + self.bias, dtype=np.float64)

    def scaled(self, slope: float, offset: float) -> Line:
        """Return the line whose logit is `slope` times this one plus `offset`."""
        return Line(self.weight * slope, self.bias * slope + offset)


def fit(x: NDArray[np.floating], y: NDArray[np.bool_], *, strength: float, weight: Floats | None = None) -> Line:
    """Standardise and fit a logistic regression of that C, classes weighed alike (times `weight`)."""
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    regression = LogisticRegression(C=strength, class_weight="balanced", max_iter=2000)
    regression.fit((x - mean) / scale, y, sample_weight=weight)
    coefficients = regression.coef_[0] / scale
    return Line(coefficients, float(regression.intercept_[0] - mean @ coefficients))


def platt(logits: Floats, y: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and offset that turn out-of-fold logits into probabilities (Platt 1999, classes weighed alike)."""
    regression = LogisticRegression(C=1e6, class_weight="balanced").fit(logits[:, None], y)
    return float(regression.coef_[0, 0]), float(regression.intercept_[0])


def joined(logits: Floats, other: Floats, y: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return slope, weight of another measurement and offset: Platt's calibration with one more number beside."""
    regression = LogisticRegression(C=1e6, class_weight="balanced").fit(np.column_stack([logits, other]), y)
    return float(regression.coef_[0, 0]), float(regression.coef_[0, 1]), float(regression.intercept_[0])


def probability(logits: Floats) -> Floats:
    """Return the logistic function of each logit."""
    return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float64)


def wilson(successes: int, trials: int) -> str:
    """Return `k/N = share [low, high]` with the 95 % Wilson interval."""
    if trials == 0:
        return "0/0"
    z, share = 1.959964, successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return f"{successes}/{trials} = {share:.3f} [{max(0.0, middle - half):.3f}, {min(1.0, middle + half):.3f}]"


def auroc_over_groups(logits: Floats, y: NDArray[np.bool_], groups: Sequence[str], *, rounds: int = 500) -> str:
    """Return AUROC with the 95 % interval of resampling whole groups of each class."""
    chance = np.random.default_rng(0)
    names = np.asarray(groups)
    members = {
        side: [np.flatnonzero((names == group) & (y == side)) for group in np.unique(names[y == side])]
        for side in (True, False)
    }
    draws = []
    for _ in range(rounds):
        rows = np.concatenate(
            [
                of_class[at]
                for of_class in members.values()
                for at in chance.integers(0, len(of_class), size=len(of_class))
            ]
        )
        draws.append(roc_auc_score(y[rows], logits[rows]))
    low, high = np.percentile(draws, [2.5, 97.5])
    return f"{roc_auc_score(y, logits):.3f} [{low:.3f}, {high:.3f}]"


def threshold_at(logits_of_negatives: Floats, share: float) -> float:
    """Return the lowest threshold that at most `share` of the negatives reach (they must lie above it to pass)."""
    ordered = np.sort(logits_of_negatives)[::-1]
    return float(ordered[min(int(np.floor(share * len(ordered))), len(ordered) - 1)])


def out_of_fold(
    folds: Sequence[NDArray[np.bool_]],
    learn: Callable[[NDArray[np.bool_]], Line],
    x: NDArray[np.floating],
) -> Floats:
    """Return logits of every row from a line that was learned without its fold (NaN where no fold holds a row)."""
    logits = np.full(len(x), np.nan)
    for held_out in folds:
        logits[held_out] = learn(~held_out).logit(x[held_out])
    return logits


def write_head(folder: Path, line: Line, config: dict[str, object]) -> None:
    """Write head and settings, and print the digests to pin."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {"weight": line.weight.astype(np.float32), "bias": np.array([line.bias], dtype=np.float32)},
        folder / WEIGHTS_FILE,
    )
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for name in (WEIGHTS_FILE, CONFIG_FILE):
        print(name, hashlib.sha256((folder / name).read_bytes()).hexdigest())
