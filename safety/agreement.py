"""How far two reviewers agree beyond chance: Cohen's kappa for allow and block. Pure.

    kappa = (observed - expected) / (1 - expected)

expected: the agreement of two who answer independently with the shares that each of them has. Source: J. Cohen, "A
coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960). Undefined, and told
so, where both always gave the same single answer: then nothing distinguishes agreement from habit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from safety.intervals import Z_95


@dataclass(frozen=True)
class Agreement:
    """What pairs of answers say."""

    pairs: int
    observed: float | None
    """Share of pairs with the same answer; None without pairs."""

    kappa: float | None
    """In [-1, 1]; None where it is undefined."""

    interval: tuple[float, float] | None
    """95 % by Cohen's large-sample standard error, cut to [-1, 1]: rough below some thirty pairs."""


def agreement(pairs: Iterable[tuple[bool, bool]]) -> Agreement:
    """Return how far the first of each pair agrees with the second."""
    told = list(pairs)
    n = len(told)
    if not n:
        return Agreement(0, None, None, None)
    observed = sum(first == second for first, second in told) / n
    first, second = (sum(pair[which] for pair in told) / n for which in (0, 1))
    expected = first * second + (1 - first) * (1 - second)
    if expected >= 1:
        return Agreement(n, observed, None, None)
    kappa = (observed - expected) / (1 - expected)
    half = Z_95 * math.sqrt(observed * (1 - observed) / n) / (1 - expected)
    return Agreement(n, observed, kappa, (max(-1.0, kappa - half), min(1.0, kappa + half)))
