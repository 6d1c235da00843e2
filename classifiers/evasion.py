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
    "percent": 0.3,
    "entities": 0.3,
    "escapes": 0.6,
    "base64": 0.9,
    "base32": 0.9,
    "hex": 0.9,
    "binary": 0.9,
    "decimal": 0.9,
    "reversed": 0.9,
    "rot13": 0.95,
    "caesar": 0.95,
    "atbash": 0.95,
    "leetspeak": 0.7,
    "spacing": 0.6,
    "repeats": 0.2,
}
"""Judged probability that a text with this disguise was written so on purpose: copied web text carries zero-width
characters, styled letters, percent signs and entities by accident, words break at line ends and long vowels are
ordinary; mixed scripts inside one word, codes and ciphers hardly ever come by accident."""


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
            MeasurementError: nothing that can be seen is left of the text, or it wears too many layers of disguise.
        """
        normalized = normalize(content)
        if not normalized.text:
            raise MeasurementError("the text is empty or holds only invisible characters: nothing can be measured")
        innocent = 1.0
        for transform in normalized.transforms:
            innocent *= 1 - PURPOSE[transform]
        return [Score(SIGNAL, 1 - innocent, detail="+".join(sorted(normalized.transforms)))]
