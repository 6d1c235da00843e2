"""Trains the heads of the multilingual encoder: frozen sentence vectors in, one calibrated value a signal out.

    python -m classifiers.training.train_multilingual_heads --out DIR --cache FILE [--policy FILE]

Teaches from the sentences that the project wrote in eleven languages (written_multilingual/) and from nothing else:
English rows, tried once at one weighting, cost recall on development sets (French questions .88 to .70, toxic
comments .84 to .81) for 1.5 points less over-refusal. Every figure it prints is of a
language that the fit did not see. It sets no threshold: with `--policy` it moves each head so that the thresholds in
force are met by its share of harmless foreign text.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from classifiers.base import MeasurementError
from classifiers.multilingual_encoder import MultilingualEncoder
from classifiers.normalize import normalize
from classifiers.training.text_rows import LABELS, SIGNALS, Row, balanced, targets

Floats = npt.NDArray[np.float32]

WRITTEN: Final = Path(__file__).parent / "written_multilingual"
HELD_OUT: Final = WRITTEN / "held_out"
"""Rows that measure and never teach: comments, prompts and questions in which half of the harmless ones alarm."""

SEED: Final = 20261127
STRENGTH: Final = 0.3
"""Inverse regularisation (scikit-learn's C) on vectors scaled by 20."""

SCALE: Final = 20.0
PRIOR: Final = 0.1
"""Share of positives that calibrated values assume."""

SHARES: Final = {
    "text.harassment": 4.0,
    "text.hate": 2.0,
    "text.illicit": 1.5,
    "text.violence": 1.5,
    "text.deceptive": 1.0,
    "text.self_harm": 1.0,
    "text.public_figure": 1.0,
    "text.sexual": 0.5,
    "text.ip": 0.5,
    "text.disturbing": 0.3,
}
"""How the heads share the harmless rows that may be stopped: insults are commonest and the least clear cut, while
nakedness and gore are plain in words, and their false alarms fall on ordinary pictures of people and food."""

UNION: Final = 0.035
"""Share of harmless rows of unseen languages that some head may put above its threshold after the move."""


def written_rows(folder: Path = WRITTEN) -> list[Row]:
    """Return the project's own sentences in eleven languages; `source` is `written_` and the language."""
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            raw = json.loads(line)
            labels = frozenset(raw["labels"])
            lookalike = bool(raw.get("lookalike"))
            rows.append(
                Row(
                    raw["text"],
                    labels,
                    not labels,
                    f"written_{path.stem}",
                    "t2i",
                    scope=None,
                    weak=False,
                    lookalike=lookalike,
                )
            )
    return rows


def embed(rows: Sequence[Row], cache: Path) -> tuple[list[Row], Floats]:
    """Return the rows that can be read and the vectors of their first windows; `cache` makes a stopped run go on."""
    known: dict[str, Floats] = {}
    if cache.exists():
        with np.load(cache) as stored:
            known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
    encoder = MultilingualEncoder()
    keys = [hashlib.sha256(row.text.encode()).hexdigest() for row in rows]
    kept = []
    for number, (row, key) in enumerate(zip(rows, keys, strict=True)):
        if key not in known:
            try:
                known[key] = encoder.embed_windows(encoder.windows(normalize(row.text).text)[:1])[0]
            except MeasurementError:
                continue
            if number % 500 == 0:
                print(f"embedded {number} of {len(rows)}", flush=True)
                _keep(cache, known)
        kept.append(number)
    _keep(cache, known)
    return [rows[number] for number in kept], np.stack([known[keys[number]] for number in kept])


def _keep(cache: Path, known: dict[str, Floats]) -> None:
    np.savez(cache, keys=np.array(list(known)), vectors=np.stack(list(known.values())))


def fit(vectors: Floats, rows: list[Row]) -> tuple[Floats, Floats]:
    """Return weights `float32 (heads, 384)` and biases of one logistic regression a signal."""
    wanted, weights = targets(rows)
    scaled = balanced(rows, wanted, weights) * len(rows)
    lines, biases = [], []
    for head in range(len(LABELS)):
        used = scaled[:, head] > 0
        regression = LogisticRegression(C=STRENGTH, max_iter=2000)
        regression.fit(vectors[used] * SCALE, wanted[used, head], sample_weight=scaled[used, head])
        lines.append(regression.coef_[0] * SCALE)
        biases.append(regression.intercept_[0])
    return np.array(lines, dtype=np.float32), np.array(biases, dtype=np.float32)


def unseen_logits(vectors: Floats, rows: list[Row]) -> Floats:
    """Score each language's rows by heads that saw every other language."""
    languages = np.array([row.source for row in rows])
    result = np.zeros((len(rows), len(LABELS)), dtype=np.float32)
    for language in np.unique(languages):
        seen = languages != language
        weight, bias = fit(vectors[seen], [row for row, kept in zip(rows, seen, strict=True) if kept])
        result[~seen] = vectors[~seen] @ weight.T + bias
    return result


def calibration(rows: list[Row], logits: Floats) -> tuple[Floats, Floats]:
    """Return each head's Platt slope and offset on rows of unseen languages, positives weighing `PRIOR` together."""
    wanted, weights = targets(rows)
    slopes, offsets = [], []
    for head in range(len(LABELS)):
        side = wanted[:, head]
        mass = np.where(side == 1, PRIOR / max(side.sum(), 1), (1 - PRIOR) / (1 - side).sum()) * len(side)
        mass = np.where(weights[:, head] > 0, mass, 0)
        line = LogisticRegression(C=1e6).fit(logits[:, head : head + 1], side, sample_weight=mass)
        slopes.append(line.coef_[0, 0])
        offsets.append(line.intercept_[0])
    return np.array(slopes, dtype=np.float32), np.array(offsets, dtype=np.float32)


def moves(rows: list[Row], logits: Floats, thresholds: dict[str, float]) -> Floats:
    """Return what to add to each head's calibrated logit so that its threshold is met by its share of harmless rows.

    The shares stand to each other as `SHARES` and are the largest at which at most `UNION` of them meet any threshold.
    """
    harmless = logits[[row.benign for row in rows]]
    marks = np.array([np.log(thresholds[signal] / (1 - thresholds[signal])) for signal in SIGNALS], dtype=np.float32)
    parts = np.array([SHARES[signal] for signal in SIGNALS])
    best = np.zeros(len(SIGNALS), dtype=np.float32)
    for share in np.arange(0.0005, 0.1, 0.0005):
        ceiling = np.array(
            [np.quantile(harmless[:, head], 1 - share * part) for head, part in enumerate(parts)], dtype=np.float32
        )
        if (harmless > ceiling).any(axis=1).mean() > UNION:
            break
        best = marks - ceiling
    return best


def review_thresholds(policy: Path) -> dict[str, float]:
    """Return the lowest threshold of each `text.*` signal among the rules for prompts with one signal."""
    lowest: dict[str, float] = {}
    for rule in tomllib.loads(policy.read_text(encoding="utf-8"))["rules"]:
        signal = rule.get("signal", "")
        if rule["checkpoint"] == "prompt" and signal in SIGNALS:
            lowest[signal] = min(rule["threshold"], lowest.get(signal, 1.0))
    return lowest


def stopped(vectors: Floats, weight: Floats, bias: Floats, thresholds: dict[str, float]) -> npt.NDArray[np.bool_]:
    """Say for each vector whether any head puts it at or above its threshold."""
    marks = np.array([np.log(thresholds[signal] / (1 - thresholds[signal])) for signal in SIGNALS])
    return np.asarray((vectors @ weight.T + bias >= marks).any(axis=1))


def main() -> None:
    """Read, embed, fit, calibrate, move, save, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for heads.safetensors and config.json")
    parser.add_argument("--cache", type=Path, required=True, help="npz file that keeps vectors between runs")
    parser.add_argument("--policy", type=Path, help="policy whose thresholds for prompts the heads are to meet")
    arguments = parser.parse_args()
    rows, vectors = embed(written_rows(), arguments.cache)
    unseen = unseen_logits(vectors, rows)
    slopes, offsets = calibration(rows, unseen)
    calibrated = unseen * slopes + offsets
    if arguments.policy is not None:
        offsets = offsets + moves(rows, calibrated, review_thresholds(arguments.policy))
    wanted, weights = targets(rows)
    figures = {}
    for head, signal in enumerate(SIGNALS):
        used = weights[:, head] > 0
        figures[signal] = round(float(roc_auc_score(wanted[used, head], unseen[used, head])), 4)
        print(f"  {signal}: AUROC on unseen languages {figures[signal]}")
    weight, bias = fit(vectors, rows)
    arguments.out.mkdir(parents=True, exist_ok=True)
    heads = {"weight": weight * slopes[:, None], "bias": bias * slopes + offsets}
    save_file({name: np.ascontiguousarray(value) for name, value in heads.items()}, arguments.out / "heads.safetensors")
    config = {"signals": list(SIGNALS), "prior": PRIOR, "seed": SEED, "rows": len(rows), "unseen_auroc": figures}
    (arguments.out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    if arguments.policy is not None:
        unseen_rows, unseen_vectors = embed(written_rows(HELD_OUT), arguments.cache)
        met = stopped(unseen_vectors, heads["weight"], heads["bias"], review_thresholds(arguments.policy))
        for side, name in ((False, "harmful"), (True, "harmless")):
            mine = np.array([row.benign == side for row in unseen_rows])
            print(f"  held out, {name}: {int(met[mine].sum())} of {int(mine.sum())} stopped")
    for file in ("heads.safetensors", "config.json"):
        print(file, hashlib.sha256((arguments.out / file).read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
