"""The controls that a figure about origin must stand clear of: what can be told without seeing synthesis.

    metadata      rate, size, shape, length, weight and codec of the file, no pixel
    topic         what the picture shows, with every texture blurred away
    shuffled      labels dealt to whole generators and sources by chance: the detector, and what is learned from frames
    real_vs_real  real sources against other real sources: whatever is found here is the source, not synthesis
    refitted      for comparison: a linear head on the frames' embeddings, learned on this data

What is learned is never asked about a repository or source that it saw. Measures no clip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from media.renditions import HEADLINE
from safety.evaluate.origin_figures import Booleans, Figures, Floats, Scored, auroc, interval, scored
from safety.evaluate.origin_scores import MeasuredClip

LEAST_FOLDS = 8
"""Parts that the real sources are dealt to, if there are fewer repositories of generated clips."""

DRAWS = 200
"""Shuffles of a detector's fixed scores."""

LEARNED_DRAWS = 5
"""Shuffles that something is learned from anew: slow, and few are enough to see a leak."""

STRENGTH_OF_VECTORS = 1e-3
STRENGTH_OF_METADATA = 1.0
"""C of the logistic regressions: many dimensions, or a handful. Chosen before this code, on no evaluation."""


def controls(clips: Sequence[MeasuredClip], *, why_no_vectors: str) -> Figures:
    """Return the controls of the clips that count; what needs embeddings is told as unmeasured without them."""
    labels = np.array([clip.row.made for clip in clips], dtype=np.bool_)
    folds = folds_of(clips)
    found: Figures = {"metadata": _learned(clips, metadata(clips), labels, folds, STRENGTH_OF_METADATA)}
    texture, topic = _stacked(clips, "texture"), _stacked(clips, "topic")
    if texture is None or topic is None:
        gone: Figures = {"value": None, "low": None, "high": None, "unmeasured": why_no_vectors}
        found |= {"topic": gone, "refitted": gone}
    else:
        found["topic"] = _learned(clips, topic, labels, folds, STRENGTH_OF_VECTORS)
        found["refitted"] = _learned(clips, texture, labels, folds, STRENGTH_OF_VECTORS)
    found["shuffled"] = _shuffled(clips, texture)
    found["real_vs_real"] = _real_against_real(clips, texture)
    return found


def metadata(clips: Sequence[MeasuredClip]) -> Floats:
    """Return what files say of themselves: rate, size, shape, length, weight a second, codec."""

    def described(clip: MeasuredClip) -> list[float]:
        if clip.info is None:
            return [0.0] * 7
        info = clip.info
        weight = clip.size_bytes / max(info.duration_s, 0.1)
        pixels = [float(info.width), float(info.height), info.width / info.height]
        return [
            info.fps,
            *pixels,
            float(np.log1p(info.duration_s)),
            float(np.log1p(weight)),
            float(info.codec == "h264"),
        ]

    return np.array([described(clip) for clip in clips], dtype=np.float64)


def folds_of(clips: Sequence[MeasuredClip]) -> list[Booleans]:
    """Return masks of clips left out together: a repository of generated clips with a share of the real sources.

    Real sources of the same repository go with it, so that no page is on both sides.
    """
    made = sorted({clip.row.repository for clip in clips if clip.row.made})
    real = sorted({clip.row.source for clip in clips if not clip.row.made})
    count = max(len(made), LEAST_FOLDS)
    of_repository = {name: place % count for place, name in enumerate(made)}
    dealt = np.random.default_rng(0).permutation(len(real))
    of_source = {real[at]: place % count for place, at in enumerate(dealt)}
    places = np.array(
        [
            of_repository.get(clip.row.repository, -1)
            if clip.row.made or clip.row.repository in of_repository
            else of_source[clip.row.source]
            for clip in clips
        ]
    )
    return [places == place for place in sorted(set(places.tolist()))]


def out_of_fold(x: Floats, labels: Booleans, folds: Sequence[Booleans], strength: float) -> Floats:
    """Return a logit for every row from a line that never saw its fold; 0 where a fold leaves one label only."""
    logits = np.zeros(len(x))
    for held_out in folds:
        known = ~held_out
        if not labels[known].any() or labels[known].all():
            continue
        mean, scale = x[known].mean(axis=0), np.maximum(x[known].std(axis=0), 1e-6)
        line = LogisticRegression(C=strength, class_weight="balanced", max_iter=2000)
        line.fit((x[known] - mean) / scale, labels[known])
        logits[held_out] = line.decision_function((x[held_out] - mean) / scale)
    return logits


def _learned(
    clips: Sequence[MeasuredClip], x: Floats, labels: Booleans, folds: Sequence[Booleans], strength: float
) -> Figures:
    names = np.array([clip.row.source for clip in clips], dtype=np.str_)
    return interval(Scored(out_of_fold(x, labels, folds, strength), labels, names), auroc)


def _shuffled(clips: Sequence[MeasuredClip], texture: Floats | None) -> Figures:
    data, chance = scored(clips, HEADLINE), np.random.default_rng(1)
    fixed = [auroc(data.scores, dealt_by_group(data.groups, chance)) for _ in range(DRAWS)]
    return {"detector": _band(fixed), "learned": _relearned(clips, texture, lambda _: True, chance)}


def _real_against_real(clips: Sequence[MeasuredClip], texture: Floats | None) -> Figures:
    data, chance = scored([clip for clip in clips if not clip.row.made], HEADLINE), np.random.default_rng(2)
    fixed = [auroc(data.scores, dealt_by_group(data.groups, chance)) for _ in range(DRAWS)]
    return {"detector": _band(fixed), "learned": _relearned(clips, texture, lambda clip: not clip.row.made, chance)}


def dealt_by_group(groups: NDArray[np.str_], chance: np.random.Generator) -> Booleans:
    """Return labels that mean nothing: half of the groups, drawn by chance, get one label."""
    names = np.unique(groups)
    return np.isin(groups, chance.permutation(names)[: len(names) // 2])


def _relearned(
    clips: Sequence[MeasuredClip],
    texture: Floats | None,
    taken: Callable[[MeasuredClip], bool],
    chance: np.random.Generator,
) -> Figures | None:
    """Learn meaningless labels from embeddings and ask about groups that were left out, one in each label's turn."""
    which = np.array([taken(clip) for clip in clips], dtype=np.bool_)
    if texture is None or which.sum() < LEAST_FOLDS:
        return None
    x, groups = texture[which], np.array([clip.row.source for clip in clips], dtype=np.str_)[which]
    found = []
    for _ in range(LEARNED_DRAWS):
        labels = dealt_by_group(groups, chance)
        # A group of each label goes together: leaving out one alone would lean the rest to the other label.
        sides = [chance.permutation(np.unique(groups[labels == side])) for side in (True, False)]
        pairs = max(map(len, sides))
        turn = {str(name): at % pairs for side in sides for at, name in enumerate(np.resize(side, pairs))}
        turns = np.array([turn[str(name)] for name in groups])
        folds = [turns == at for at in sorted(set(turns.tolist()))]
        found.append(auroc(out_of_fold(x, labels, folds, STRENGTH_OF_VECTORS), labels))
    return _band(found)


def _band(values: Sequence[float]) -> Figures:
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        return {"draws": 0, "mean": None, "low": None, "high": None}
    low, high = np.percentile(finite, [2.5, 97.5])
    return {"draws": len(finite), "mean": float(np.mean(finite)), "low": float(low), "high": float(high)}


def _stacked(clips: Sequence[MeasuredClip], which: str) -> Floats | None:
    vectors = [getattr(clip, which) for clip in clips]
    return None if any(vector is None for vector in vectors) or not vectors else np.stack(vectors)
