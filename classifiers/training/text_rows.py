"""Turns labelled prompts into targets and weights for training the text heads. Embeds and fits nothing.

A row is one line of a gzip JSONL file: `text`, `labels`, `benign`, `source`, `lang`, `domain`, and where they apply
`scope` (the labels for which the row is a reliable negative), `weak` and `lookalike`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

LABELS: Final = {
    "sexual": "text.sexual",
    "violence": "text.violence",
    "hate": "text.hate",
    "harassment": "text.harassment",
    "self_harm": "text.self_harm",
    "illicit": "text.illicit",
    "public_figure": "text.public_figure",
    "ip": "text.ip",
    "deceptive": "text.deceptive",
    "shocking": "text.disturbing",
}
"""Label of the data -> signal of the head that learns it."""

SIGNALS: Final = tuple(LABELS.values())

DOMAIN_WEIGHTS: Final = {"social": 0.3, "llm": 0.6}
"""Comments and questions teach less about pictures than captions and picture prompts (weight 1) do."""

WEAK_WEIGHT: Final = 0.4
UNLABELLED_WEIGHT: Final = 0.15
"""An unsafe row counts this much as a negative of the heads it is not labelled with: labels are incomplete."""

LOOKALIKE_WEIGHT: Final = 3.0

FOLDS: Final = (
    {"coprov2_train"},
    {"i2p", "hatemoji_build"},
    {"overt_a", "edos"},
    {"catqa", "advbench", "paradetox"},
    {"synthetic_names", "disselect", "davidson", "written"},
)
"""Sources held out together. A fold also holds out a fifth of the sources without positives."""


@dataclass(frozen=True)
class Row:
    """One labelled prompt."""

    text: str
    labels: frozenset[str]
    benign: bool
    source: str
    domain: str
    scope: frozenset[str] | None
    weak: bool
    lookalike: bool


def read_rows(path: Path) -> list[Row]:
    """Read the English rows of one gzip JSONL file."""
    rows = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            raw = json.loads(line)
            if raw["lang"] == "en":
                rows.append(
                    Row(
                        text=raw["text"],
                        labels=frozenset(raw["labels"]),
                        benign=raw["benign"],
                        source=raw["source"],
                        domain=raw["domain"],
                        scope=frozenset(raw["scope"]) if "scope" in raw else None,
                        weak=bool(raw.get("weak")),
                        lookalike=bool(raw.get("lookalike")),
                    )
                )
    return rows


def sample(rows: list[Row], cap: int, seed: int) -> list[Row]:
    """Return at most `cap` rows, chosen by the seed alone."""
    if len(rows) <= cap:
        return rows
    return random.Random(seed).sample(rows, cap)


def targets(rows: list[Row]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return targets and weights, each `float32 (rows, heads)`; weight 0 where a row says nothing about a head."""
    wanted = np.zeros((len(rows), len(LABELS)), dtype=np.float32)
    weights = np.zeros_like(wanted)
    for number, row in enumerate(rows):
        base = DOMAIN_WEIGHTS.get(row.domain, 1.0) * (WEAK_WEIGHT if row.weak else 1.0)
        for head, label in enumerate(LABELS):
            if label in row.labels:
                wanted[number, head], weights[number, head] = 1.0, base
            elif row.benign and (row.scope is None or label in row.scope):
                weights[number, head] = base * (LOOKALIKE_WEIGHT if row.lookalike else 1.0)
            elif not row.benign:
                weights[number, head] = base * UNLABELLED_WEIGHT
    return wanted, weights


def balanced(
    rows: list[Row], wanted: npt.NDArray[np.float32], weights: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Scale the weights so that no source drowns the others and each head's positives weigh as much as a third of all.

    Within one head and one side a source's total weight is the square root of what it would be by size.
    """
    result = weights.copy()
    sources = np.array([row.source for row in rows])
    for head in range(wanted.shape[1]):
        for side, share in ((1.0, 1 / 3), (0.0, 2 / 3)):
            chosen = wanted[:, head] == side
            for source in np.unique(sources[chosen]):
                mine = chosen & (sources == source)
                total = result[mine, head].sum()
                if total > 0:
                    result[mine, head] /= np.sqrt(total)
            total = result[chosen, head].sum()
            if total > 0:
                result[chosen, head] *= share / total
    return result


def folds_of(rows: list[Row], *, by_source: bool, count: int = len(FOLDS)) -> npt.NDArray[np.int64]:
    """The fold that holds each row out: that of its source, or one of `count` drawn by its text."""
    numbers = []
    for row in rows:
        named = [number for number, sources in enumerate(FOLDS) if by_source and row.source in sources]
        numbers.append(named[0] if named else hashlib.sha256(row.text.encode()).digest()[0] % count)
    return np.array(numbers)
