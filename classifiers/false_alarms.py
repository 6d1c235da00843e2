"""How often a detector of origin calls a real video generated: what it said of real videos whose sources it never saw.

Detectors have scales of their own: 0.8 of one is as rare on real videos as 0.99 of another. A policy therefore names a
share of false alarms, and this says which probability of this detector it is. Counts only: it fits no curve through the
few highest real videos, so a share that they are too few to tell is refused and never guessed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.base import ConfigurationError

KIND = "origin.false_alarms"
SCHEMA = 1

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FalseAlarms:
    """What a detector said of real videos, by source.

    A source counts as much as the root of its number of videos: videos of one camera or page are alike, and a large
    source shall not rule. The next real video counts as one more that lies above everything (Vovk's conformal
    prediction), so a share holds for it, and not only for those that were counted, as far as it resembles them.
    """

    of_source: Mapping[str, Sequence[float]]
    """Source to the log-odds of its videos."""

    detector: str = ""
    """Version of the detector; empty: files that are pinned together with it."""

    def __post_init__(self) -> None:
        values = [value for each in self.of_source.values() for value in each]
        if not values or not all(map(math.isfinite, values)):
            raise ConfigurationError("false alarms: log-odds of at least one real video are needed, all of them finite")

    @cached_property
    def _ordered(self) -> tuple[Floats, Floats]:
        """Probabilities from low to high, and the weight at or above each."""
        rows = sorted((value, len(each) ** -0.5) for each in self.of_source.values() for value in each)
        weight = np.array([weight for _, weight in rows])
        above = np.cumsum(weight[::-1])[::-1]
        return probability(np.array([value for value, _ in rows])), above

    @property
    def videos(self) -> int:
        """Real videos that were counted."""
        return sum(map(len, self.of_source.values()))

    @property
    def sources(self) -> int:
        """Sources that they come from."""
        return len(self.of_source)

    @property
    def least(self) -> float:
        """The smallest share in (0, 1) that so many videos can tell."""
        return 1.0 / (self.videos + 1)

    def share(self, value: float) -> float:
        """Return the share of real videos, in (0, 1], that reach this probability."""
        values, above = self._ordered
        at = int(np.searchsorted(values, value, side="left"))
        reached = float(above[at]) if at < len(values) else 0.0
        one = float(above[0]) / len(values)
        return (reached + one) / (float(above[0]) + one)

    def threshold(self, share: float) -> float:
        """Return the lowest probability that at most this share of real videos reach.

        Raises:
            ConfigurationError: so few real videos cannot tell so small a share, or they reach 1 themselves.
        """
        values, _ = self._ordered
        if share < self.least:
            raise ConfigurationError(
                f"{share:.2%} of false alarms cannot be told from {self.videos} real videos: ask for "
                f"{math.ceil(self.least * 1000) / 1000:.1%} or more, or measure more of them"
            )
        candidates = [0.0, *(float(np.nextafter(value, 2.0)) for value in np.unique(values))]
        found = next(value for value in candidates if self.share(value) <= share)
        if found > 1.0:
            raise ConfigurationError(
                f"{share:.2%} of false alarms cannot be told: more real videos than that have probability 1"
            )
        return found


def probability(log_odds: Sequence[float] | Floats) -> Floats:
    """Return the probability of each log-odds."""
    return np.asarray(
        1.0 / (1.0 + np.exp(-np.clip(np.asarray(log_odds, dtype=np.float64), -60.0, 60.0))), dtype=np.float64
    )


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability, at most 13.8 either way."""
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))


def read_false_alarms(path: Path) -> FalseAlarms:
    """Read what `write_false_alarms` wrote.

    Raises:
        ConfigurationError: no such file, or not of that shape.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if (document["kind"], document["schema"]) != (KIND, SCHEMA):
            raise ValueError("another kind or schema")
        of_source = {str(name): [float(value) for value in each] for name, each in document["real"].items()}
        return FalseAlarms(of_source, str(document["detector"]))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path.name} does not hold false alarms of a detector ({type(error).__name__}): "
            "`framegate evaluate origin --false-alarms` writes such a file"
        ) from error


def write_false_alarms(path: Path, found: FalseAlarms) -> None:
    """Write a file of JSON with the log-odds by source."""
    real = {name: sorted((round(value, 4) for value in each), reverse=True) for name, each in found.of_source.items()}
    document = {
        "kind": KIND,
        "schema": SCHEMA,
        "detector": found.detector,
        "real": {name: real[name] for name in sorted(real)},
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
