"""Says how likely a text was disguised on purpose. It does not say whether the text under the disguise is harmful."""

from __future__ import annotations

from typing import Final

from classifiers.base import MeasurementError, Score
from classifiers.normalize import normalize
from classifiers.weights import version_of

SIGNAL: Final = "text.evasion"

PURPOSE: Final = {
    "zero_width": 0.6,
    "fullwidth": 0.4,
    "combining": 0.7,
    "confusables": 0.9,
    "leetspeak": 0.7,
    "spacing": 0.7,
    "repeats": 0.2,
}
"""Judged probability that a text with this disguise was written so on purpose: copied web text carries zero-width
characters and styled letters by accident, mixed scripts inside one word hardly ever happen so."""


class EvasionClassifier:
    """Text in, one `text.evasion` Score out. Reads any script."""

    name = "evasion"
    accepts = str
    signals = frozenset({SIGNAL})

    def __init__(self) -> None:
        self.version = version_of(*(f"{name}={value}" for name, value in sorted(PURPOSE.items())))

    def score(self, content: str) -> list[Score]:
        """Return the probability that at least one disguise was meant, each taken as independent evidence.

        Raises:
            MeasurementError: nothing that can be seen is left of the text.
        """
        normalized = normalize(content)
        if not normalized.text:
            raise MeasurementError("the text is empty or holds only invisible characters: nothing can be measured")
        innocent = 1.0
        for transform in normalized.transforms:
            innocent *= 1 - PURPOSE[transform]
        return [Score(SIGNAL, 1 - innocent, detail="+".join(sorted(normalized.transforms)))]
