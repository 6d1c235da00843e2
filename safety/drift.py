"""Says whether the scores of a signal are spread today as they were before: the population stability index.

    PSI = Σ (pᵢ - qᵢ) · ln(pᵢ / qᵢ)   over bins of scores, p now and q before

Both windows are samples of what policies decided, read from the record. A shift has many causes (another public,
another classifier, an attack); it says that somebody should look, never what to decide.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from safety.lookup.record import LedgerReader
from safety.lookup.samples import sample_records

EDGES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 0.99)
"""Bounds of the bins: calibrated scores crowd near 0 and 1, so bins are narrow there."""

LEAST = 200
"""Contents of each window that a signal must have been measured on: below, chance alone moves the index by 0.1."""

SAMPLE = 2000
"""Decisions read of each window."""

NOW, BEFORE = timedelta(days=1), timedelta(days=28)
"""The window that is looked at, and the one before it that it is compared with."""


@dataclass(frozen=True)
class Drift:
    """How far one signal moved."""

    signal: str
    psi: float | None
    """0 for equal spreads; up to 0.1 is usual, from 0.25 on it is commonly called a shift. None: too few to say."""

    now: int
    before: int
    """Contents on which it was measured in each window of the sample."""


def psi(now: Sequence[int], before: Sequence[int]) -> float:
    """Return the population stability index of two histograms with equal bins; half a count is added to each bin.

    Raises:
        ValueError: the histograms have different numbers of bins, or none.
    """
    if len(now) != len(before) or not now:
        raise ValueError(f"histograms of {len(now)} and {len(before)} bins cannot be compared")
    total_now, total_before = sum(now) + len(now) / 2, sum(before) + len(before) / 2
    index = 0.0
    for here, there in zip(now, before, strict=True):
        p, q = (here + 0.5) / total_now, (there + 0.5) / total_before
        index += (p - q) * math.log(p / q)
    return index


def drifts(reader: LedgerReader, at: datetime, now: timedelta = NOW, before: timedelta = BEFORE) -> list[Drift]:
    """Return how far each signal moved: the strongest score of each content, `now` up to `at`, against `before` that.

    Raises:
        DatabaseError: the database is gone.
    """
    recent = _histograms(sample_records(reader.engine, at - now, at, SAMPLE))
    earlier = _histograms(sample_records(reader.engine, at - now - before, at - now, SAMPLE))
    found = []
    for signal in sorted(recent.keys() | earlier.keys()):
        here, there = recent.get(signal, EMPTY), earlier.get(signal, EMPTY)
        enough = min(sum(here), sum(there)) >= LEAST
        found.append(Drift(signal, psi(here, there) if enough else None, sum(here), sum(there)))
    return found


EMPTY = [0] * (len(EDGES) + 1)


def _histograms(records: Iterable[Mapping[str, Any]]) -> Mapping[str, list[int]]:
    bins: defaultdict[str, list[int]] = defaultdict(lambda: list(EMPTY))
    for record in records:
        strongest: dict[str, float] = {}
        for score in record["measurement"]["scores"]:
            strongest[score["signal"]] = max(strongest.get(score["signal"], 0.0), score["value"])
        for signal, value in strongest.items():
            bins[signal][bisect_right(EDGES, value)] += 1
    return bins
