"""Trains the heads of the text encoder: frozen sentence vectors in, one calibrated probability a signal out.

    python -m classifiers.training.train_text_heads --data DIR --out DIR [--cache FILE]

DIR holds gzip JSONL files, one a source. Weight decay and epochs are chosen by the mean AUROC on sources that the fit
did not see. Platt scaling on unseen rows of all sources calibrates the heads: whole unseen sources are too few for
that, some heads have one source of positives only. It chooses no threshold.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from classifiers.base import MeasurementError
from classifiers.normalize import normalize
from classifiers.sentence_encoder import DIMENSIONS, SentenceEncoder
from classifiers.training.text_rows import LABELS, SIGNALS, Row, balanced, read_rows, sample, targets
from classifiers.training.text_templates import written_rows

Floats = npt.NDArray[np.float32]

SEED: Final = 20261122
CAP: Final = 6000
CAPS: Final = {"coprov2_train": 14000, "davidson": 3000, "edos": 4000, "paradetox": 4000, "synthetic_names": 5000}
HIDDEN: Final = 128
MEMBERS: Final = 4
"""Networks whose mean is the head; together they are one network of `HIDDEN * MEMBERS` units."""

DROPOUT: Final = 0.3
BATCH: Final = 1024
RATE: Final = 2e-3
SCALE: Final = float(np.sqrt(20.0))
"""Unit vectors of 384 numbers are small: this brings the inputs of a fresh layer near unit variance."""

GRID: Final = ((0.01, 3), (0.05, 6), (0.2, 10))
"""(weight decay, epochs) tried."""

FOLDS: Final = (
    {"coprov2_train"},
    {"i2p", "hatemoji_build"},
    {"overt_a", "edos"},
    {"catqa", "advbench", "paradetox"},
    {"synthetic_names", "disselect", "davidson", "written"},
)
"""Sources held out together. A fold also holds out a fifth of the sources without positives."""

PRIOR: Final = 0.1
"""Share of positives that the calibrated probabilities assume."""


def embed(rows: Sequence[Row], encoder: SentenceEncoder, cache: Path | None) -> tuple[list[Row], Floats]:
    """Return the rows that can be embedded and their vectors; vectors are kept in `cache` by digest of the text."""
    known: dict[str, Floats] = {}
    if cache is not None and cache.exists():
        with np.load(cache) as stored:
            known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
    texts = [normalize(row.text).text for row in rows]
    keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    missing = sorted({(len(text), key, text) for key, text in zip(keys, texts, strict=True) if key not in known})
    for start in range(0, len(missing), 32):
        windows, owners = [], []
        for _, key, text in missing[start : start + 32]:
            try:
                windows.append(encoder.windows(text)[0])
            except MeasurementError:
                continue  # emoji only: nothing to learn from
            owners.append(key)
        known.update(zip(owners, encoder.embed_windows(windows), strict=True))
        if start % 3200 == 0:
            print(f"embedded {start} of {len(missing)}", flush=True)
    if cache is not None and missing:
        np.savez(cache, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
    kept = [number for number, key in enumerate(keys) if key in known]
    return [rows[number] for number in kept], np.stack([known[keys[number]] for number in kept])


def fit(vectors: Floats, wanted: Floats, weights: Floats, decay: float, epochs: int, *, seed: int) -> dict[str, Floats]:
    """Fit one network with a hidden layer by weighted cross-entropy; return its weights."""
    torch.manual_seed(seed)
    inputs, labels = torch.tensor(vectors * SCALE), torch.tensor(wanted)
    importance = torch.tensor(weights * len(vectors))
    hidden, output = torch.nn.Linear(DIMENSIONS, HIDDEN), torch.nn.Linear(HIDDEN, len(LABELS))
    network = torch.nn.Sequential(hidden, torch.nn.ReLU(), torch.nn.Dropout(DROPOUT), output)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=decay)
    batches = len(inputs) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * batches)
    for _ in range(epochs):
        order = torch.randperm(len(inputs))
        for batch in range(batches):
            chosen = order[batch * BATCH : (batch + 1) * BATCH]
            losses = torch.nn.functional.binary_cross_entropy_with_logits(
                network(inputs[chosen]), labels[chosen], reduction="none"
            )
            loss = (losses * importance[chosen]).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return {
        "hidden.weight": hidden.weight.detach().numpy() * np.float32(SCALE),
        "hidden.bias": hidden.bias.detach().numpy(),
        "output.weight": output.weight.detach().numpy(),
        "output.bias": output.bias.detach().numpy(),
    }


def merged(members: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    """One network that gives the mean logits of the members."""
    return {
        "hidden.weight": np.concatenate([member["hidden.weight"] for member in members]),
        "hidden.bias": np.concatenate([member["hidden.bias"] for member in members]),
        "output.weight": np.concatenate(
            [member["output.weight"] / np.float32(len(members)) for member in members], axis=1
        ),
        "output.bias": np.mean([member["output.bias"] for member in members], axis=0, dtype=np.float32),
    }


def logits(network: dict[str, Floats], vectors: Floats) -> Floats:
    """Return `float32 (rows, heads)`."""
    hidden = np.maximum(vectors @ network["hidden.weight"].T + network["hidden.bias"], 0)
    return np.asarray(hidden @ network["output.weight"].T + network["output.bias"], dtype=np.float32)


def folds_of(rows: Sequence[Row], *, by_source: bool) -> npt.NDArray[np.int64]:
    """The fold that holds each row out: that of its source, or one drawn by its text."""
    numbers = []
    for row in rows:
        named = [number for number, sources in enumerate(FOLDS) if by_source and row.source in sources]
        numbers.append(named[0] if named else hashlib.sha256(row.text.encode()).digest()[0] % len(FOLDS))
    return np.array(numbers)


def unseen_logits(rows: list[Row], vectors: Floats, folds: npt.NDArray[np.int64], decay: float, epochs: int) -> Floats:
    """Score every row by networks that saw nothing of its fold."""
    wanted, weights = targets(rows)
    result = np.zeros_like(wanted)
    for fold in range(len(FOLDS)):
        train = folds != fold
        kept = [row for row, chosen in zip(rows, train, strict=True) if chosen]
        scaled = balanced(kept, wanted[train], weights[train])
        result[~train] = logits(fit(vectors[train], wanted[train], scaled, decay, epochs, seed=SEED), vectors[~train])
    return result


def unseen_auroc(rows: list[Row], folds: npt.NDArray[np.int64], scores: Floats) -> dict[str, float]:
    """Mean over folds of each head's AUROC on unseen sources, where a fold has 20 positives or more."""
    wanted, weights = targets(rows)
    figures = {}
    for head, signal in enumerate(SIGNALS):
        found = []
        for fold in range(len(FOLDS)):
            here = (folds == fold) & (weights[:, head] > 0)
            elsewhere = (folds != fold) & (wanted[:, head] == 1)
            if wanted[here, head].sum() >= 20 and elsewhere.sum() >= 20:
                found.append(roc_auc_score(wanted[here, head], scores[here, head], sample_weight=weights[here, head]))
        figures[signal] = float(np.mean(found)) if found else float("nan")
    return figures


def calibration(rows: list[Row], scores: Floats) -> tuple[Floats, Floats]:
    """Return each head's Platt slope and offset, fitted on unseen scores with positives weighing `PRIOR`.

    Noisy labels are left out: they would teach that certainty does not exist.
    """
    wanted, weights = targets(rows)
    weights[[row.weak and not row.benign for row in rows]] = 0
    spread = balanced(rows, wanted, weights)
    slopes, offsets = [], []
    for head in range(len(LABELS)):
        used = spread[:, head] > 0
        side = wanted[used, head]
        mass = np.where(side == 1, spread[used, head] * 3 * PRIOR, spread[used, head] * 1.5 * (1 - PRIOR))
        platt = LogisticRegression(C=1e6).fit(scores[used, head : head + 1], side, sample_weight=mass * used.sum())
        slopes.append(float(platt.coef_[0, 0]))
        offsets.append(float(platt.intercept_[0]))
    return np.array(slopes, dtype=np.float32), np.array(offsets, dtype=np.float32)


def main() -> None:
    """Read, embed, choose, fit, calibrate, save, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of gzip JSONL files to train on")
    parser.add_argument("--out", type=Path, required=True, help="folder for heads.safetensors and config.json")
    parser.add_argument("--cache", type=Path, help="npz file that keeps sentence vectors between runs")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[Row] = written_rows(SEED)
    for path in sorted(arguments.data.glob("*.jsonl.gz")):
        name = path.name.removesuffix(".jsonl.gz")
        rows += sample(read_rows(path), CAPS.get(name, CAP), SEED)
    rows, vectors = embed(rows, SentenceEncoder(), arguments.cache)
    print(f"{len(rows)} rows of {len({row.source for row in rows})} sources")

    tried = []
    by_source = folds_of(rows, by_source=True)
    for decay, epochs in GRID:
        figures = unseen_auroc(rows, by_source, unseen_logits(rows, vectors, by_source, decay, epochs))
        mean = float(np.nanmean(list(figures.values())))
        print(f"decay {decay} epochs {epochs}: mean AUROC on unseen sources {mean:.4f}", flush=True)
        tried.append((mean, decay, epochs, figures))
    _, decay, epochs, figures = max(tried, key=lambda one: one[0])
    for signal, figure in figures.items():
        print(f"  {signal}: {figure:.3f}")

    wanted, weights = targets(rows)
    scaled = balanced(rows, wanted, weights)
    network = merged([fit(vectors, wanted, scaled, decay, epochs, seed=SEED + member) for member in range(MEMBERS)])
    folds = folds_of(rows, by_source=False)
    slopes, offsets = calibration(rows, unseen_logits(rows, vectors, folds, decay, epochs))
    print("slopes", slopes.round(2).tolist())
    network["output.weight"] = network["output.weight"] * slopes[:, None]
    network["output.bias"] = network["output.bias"] * slopes + offsets
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: np.ascontiguousarray(value) for name, value in network.items()}, arguments.out / "heads.safetensors"
    )
    config = {
        "signals": list(SIGNALS),
        "prior": PRIOR,
        "weight_decay": decay,
        "epochs": epochs,
        "seed": SEED,
        "rows": len(rows),
        "unseen_auroc": {signal: round(figure, 4) for signal, figure in figures.items()},
    }
    (arguments.out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    for file in ("heads.safetensors", "config.json"):
        print(file, hashlib.sha256((arguments.out / file).read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
