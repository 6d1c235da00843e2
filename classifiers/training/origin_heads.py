"""Fits a head of origin: one line for each part of what a network sees, joined so that each part says as much.

A line on everything at once is led by the part with most numbers; lines apart, each brought to one spread, and their
mean ranked unseen repositories better and is still one line. Sources weigh by the root of their number of clips, both
classes alike. Whole repositories of generated clips and whole real sources are left out together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from classifiers.training.head_fitting import Floats, Line
from classifiers.training.origin_samples import BESIDE, DRAWN, Sample

Booleans = NDArray[np.bool_]

STRENGTH = 1e-3
"""C of the logistic regressions, as measured before this data was split; not tuned here."""

HELPERS_WEIGH = 0.5
"""Weight of drawn clips and photographs beside recordings."""

REAL_FOLDS = 8


def folds_of(samples: Sequence[Sample], *, whole_repositories: bool = True) -> NDArray[np.int_]:
    """Return the fold of each sample; -1: only ever learned from (photographs).

    A fold is one repository of generated clips (or one generator) with a share of the real sources. Real sources of
    that repository go with it, so that no page is on both sides. Kinds of drawn clips are dealt like real sources, and
    so are sources beside.
    """

    def unit(sample: Sample) -> str:
        return sample.repository if whole_repositories else sample.source

    made = sorted({unit(each) for each in samples if each.made})
    real = sorted({each.source for each in samples if not each.made and each.counts})
    kinds = sorted({each.source for each in samples if each.kind == DRAWN})
    further = sorted({each.source for each in samples if each.kind == BESIDE})
    count = max(len(made), REAL_FOLDS)
    of_unit = {name: place % count for place, name in enumerate(made)}
    of_source = {real[at]: place % count for place, at in enumerate(np.random.default_rng(0).permutation(len(real)))}
    of_source |= {name: place % count for names in (kinds, further) for place, name in enumerate(names)}

    def place(sample: Sample) -> int:
        if sample.helps and sample.kind != DRAWN:
            return -1
        if sample.made:
            return of_unit[unit(sample)]
        return (
            of_unit.get(sample.repository, of_source[sample.source]) if whole_repositories else of_source[sample.source]
        )

    return np.array([place(each) for each in samples])


def weights_of(samples: Sequence[Sample]) -> Floats:
    """Return the weight of each sample; both classes sum to the same, all to the number of samples."""
    clips = Counter(each.source for each in samples)
    weight = np.array([clips[each.source] ** -0.5 * (HELPERS_WEIGH if each.helps else 1.0) for each in samples])
    made = np.array([each.made for each in samples])
    for side in (True, False):
        weight[made == side] *= len(samples) / 2 / weight[made == side].sum()
    return weight


Looked = Mapping[str, NDArray[np.float64]]
"""What was seen of some samples in some conditions, by sample name: float64 (D,)."""


def fit_parts(
    views: Mapping[str, Looked], samples: Sequence[Sample], parts: Sequence[slice], *, strength: float = STRENGTH
) -> Line:
    """Return one line over all numbers, learned from every view that a sample has; a sample counts once a view."""
    samples = [each for each in samples if not each.apart]
    weight = dict(zip((each.name for each in samples), weights_of(samples), strict=True))
    rows = [(looked[each.name], each) for looked in views.values() for each in samples if each.name in looked]
    x, made = np.stack([row for row, _ in rows]), np.array([each.made for _, each in rows])
    w = np.array([weight[each.name] for _, each in rows])
    whole, bias = np.zeros(x.shape[1]), 0.0
    for part in parts:
        line = _fit(x[:, part], made, w, strength)
        spread = max(float(line.logit(x[:, part]).std()), 1e-6) * len(parts)
        whole[part] = line.weight / spread
        bias += line.bias / spread
    return Line(whole, bias)


def _fit(x: Floats, y: Booleans, weight: Floats, strength: float) -> Line:
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    regression = LogisticRegression(C=strength, max_iter=3000)
    regression.fit((x - mean) / scale, y, sample_weight=weight)
    coefficients = regression.coef_[0] / scale
    return Line(coefficients, float(regression.intercept_[0] - mean @ coefficients))


def unseen(
    views: Mapping[str, Looked],
    samples: Sequence[Sample],
    folds: NDArray[np.int_],
    tested: Mapping[str, Looked],
    learn: Callable[[Mapping[str, Looked], Sequence[Sample]], Line],
) -> dict[str, dict[str, float]]:
    """Return, by condition and sample name, the logit of a line that saw neither its repository nor its source."""
    logits: dict[str, dict[str, float]] = {condition: {} for condition in tested}
    for fold in sorted(set(folds.tolist()) - {-1}):
        line = learn(views, [each for each, place in zip(samples, folds, strict=True) if place != fold])
        for each, place in zip(samples, folds, strict=True):
            for condition, looked in tested.items():
                if place == fold and each.name in looked:
                    logits[condition][each.name] = float(line.logit(looked[each.name][None])[0])
    return logits
