"""Stops one head of the trained text encoder from answering for another: refits its last layer on rows it never saw.

    python -m classifiers.training.separate_heads --data DIR --checkpoint FILE --work DIR

`train_text_encoder fit` counts an unsafe row little as a negative of the heads it is not labelled with, because labels
are incomplete; so heads learn that any harm is a bit of theirs: blood became sexual, a murder a suicide. Here a row of
another harm counts in full wherever the listed phrases of the head find nothing in it either. Only the last layer
moves, and only as far as the penalty lets it; it is fitted on what `fit` held out, with rows written for this.
Calibration is taken across sources: each source is scored by a layer that was fitted without it; `ANCHORED` heads get
a scale instead. Writes `separated.pt`
and `separated.json` beside `trained.pt`; `export_text_encoder --trained separated` makes the shipped files of it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from classifiers.base import MeasurementError
from classifiers.lexicon import LexiconClassifier
from classifiers.training.text_measures import calibration
from classifiers.training.text_rows import FOLDS, LABELS, Row, balanced, folds_of, targets
from classifiers.training.text_templates import later_rows, written_rows
from classifiers.training.train_text_encoder import DROPOUT, HELD_OUT, HIDDEN, SEED, sources_of
from classifiers.training.trunk import SCALE, UpperHalf, lower_half, pretrained, unit_vectors

Floats = npt.NDArray[np.float32]

SEPARATED: Final = {"sexual": "terms.sexual", "self_harm": "terms.self_harm"}
"""Heads that answered for others, and the list that says whether a row may be theirs after all."""

LISTED: Final = 0.3
"""Weight of a listed phrase from which a row may be of the head's kind although its labels do not say so."""

OTHER_HARM_WEIGHT: Final = 10.0
"""More than a harmless look-alike: these rows are the mistakes that are to be unlearned."""

PENALTY: Final = 0.02
"""Of the squared distance from the trained layer, against the mean loss of a row."""

STEPS: Final = 200

ANCHORED: Final = ("deceptive",)
"""Heads whose positives are so unlike everything else here that calibration puts all doubt near 0: they get a scale."""

QUIET_SHARE: Final = 0.98
QUIET: Final = 0.3
LOUD: Final = 0.9
"""On that scale `QUIET_SHARE` of the harmless picture prompts read less than `QUIET`, half of the positives `LOUD`."""


def rows_unseen(data: Path) -> list[Row]:
    """Return the rows that `fit` held out, and those written for this."""
    rows = [row for source in [written_rows(SEED), *sources_of(data)] for row in source]
    held = folds_of(rows, by_source=False, count=HELD_OUT) == 0
    return [row for row, kept in zip(rows, held, strict=True) if kept] + later_rows()


def separated(rows: Sequence[Row], weights: Floats) -> Floats:
    """Let rows of another harm count for the `SEPARATED` heads, where neither labels nor lists say otherwise."""
    lexicon, result = LexiconClassifier(), weights.copy()
    for number, row in enumerate(rows):
        if row.benign or not row.labels & set(LABELS):
            continue
        try:
            found = {score.signal for score in lexicon.score(row.text) if score.value >= LISTED}
        except MeasurementError:
            continue  # nobody can say what it is not
        for head, label in enumerate(LABELS):
            if label in SEPARATED and label not in row.labels and SEPARATED[label] not in found:
                result[number, head] = OTHER_HARM_WEIGHT * max(weights[number])
    return result


def refitted(hidden: Floats, wanted: Floats, weights: Floats, start: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """Return the last layer, `(heads, hidden units)` and `(heads,)`, that fits best near the trained one.

    `weights` sum to one a head.
    """
    x, y, w = torch.from_numpy(hidden), torch.from_numpy(wanted), torch.from_numpy(weights)
    first, second = torch.from_numpy(start.copy()), torch.from_numpy(bias.copy())
    layer, offset = first.clone().requires_grad_(), second.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([layer, offset], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        losses = torch.nn.functional.binary_cross_entropy_with_logits(x @ layer.T + offset, y, reduction="none")
        total: torch.Tensor = (losses * w).sum() + PENALTY * ((layer - first) ** 2).sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return layer.detach().numpy(), offset.detach().numpy()


def across_sources(
    rows: Sequence[Row], hidden: Floats, wanted: Floats, weights: Floats, start: Floats, bias: Floats
) -> Floats:
    """Return logits of each row by a layer that was fitted without the row's source, or without a fifth of the rows."""
    folds = folds_of(list(rows), by_source=True)
    logits = np.zeros_like(wanted)
    for fold in range(len(FOLDS)):
        mine = folds == fold
        shares = weights[~mine] / np.maximum(weights[~mine].sum(axis=0), 1e-9)
        layer, offset = refitted(hidden[~mine], wanted[~mine], shares, start, bias)
        logits[mine] = hidden[mine] @ layer.T + offset
    return logits


def anchored(rows: Sequence[Row], logits: Floats, wanted: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and offset of the scale that `QUIET` and `LOUD` describe, for one head's logits `(rows,)`."""
    harmless = np.array([row.benign and row.scope is None and row.domain == "t2i" for row in rows])
    low, high = np.quantile(logits[harmless], QUIET_SHARE), np.median(logits[wanted])
    quiet, loud = np.log(QUIET / (1 - QUIET)), np.log(LOUD / (1 - LOUD))
    slope = (loud - quiet) / (high - low)
    return float(slope), float(quiet - slope * low)


def main() -> None:
    """Read, refit, calibrate, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of gzip JSONL files to train on")
    parser.add_argument("--checkpoint", type=Path, required=True, help="model.safetensors of all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="folder in which `fit` left trained.pt")
    arguments = parser.parse_args()
    saved: dict[str, Any] = torch.load(arguments.work / "trained.pt", weights_only=True)
    network = UpperHalf(pretrained(arguments.checkpoint), HIDDEN, len(LABELS), DROPOUT)
    network.load_state_dict(saved["network"])
    rows = rows_unseen(arguments.data)
    halves = lower_half(pretrained(arguments.checkpoint), [row.text for row in rows], arguments.work / "cache")
    with torch.inference_mode():
        hidden = torch.relu(network.eval().hidden(torch.from_numpy(unit_vectors(network, halves)) * SCALE)).numpy()
    start, bias = (saved["network"][f"output.{name}"].numpy() for name in ("weight", "bias"))
    wanted, weights = targets(rows)
    cells = separated(rows, weights)
    weights = balanced(rows, wanted, cells)
    layer, offset = refitted(hidden, wanted, weights / weights.sum(axis=0), start, bias)
    logits = across_sources(rows, hidden, wanted, weights, start, bias)
    slopes, offsets, error = calibration(rows, logits, cells)
    for head, label in enumerate(LABELS):
        if label in ANCHORED:
            slopes[head], offsets[head] = anchored(rows, logits[:, head], wanted[:, head] == 1)
            del error[label]
    saved["network"] |= {"output.weight": torch.from_numpy(layer), "output.bias": torch.from_numpy(offset)}
    saved |= {"slopes": torch.from_numpy(slopes), "offsets": torch.from_numpy(offsets)}
    torch.save(saved, arguments.work / "separated.pt")
    report = json.loads((arguments.work / "trained.json").read_text(encoding="utf-8"))
    report |= {"separated_on_rows": len(rows), "penalty": PENALTY, "expected_calibration_error_across_sources": error}
    (arguments.work / "separated.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
