"""Says what kind of picture is asked for, where that changes how words weigh: news, medicine, art, a photograph, a
sequence that only shows its meaning over time, somebody the requester knows.

None of it is a harm, and none of it excuses one: policies let these signals move thresholds a bounded way. It reads
cues of the picture itself. A purpose that the text claims for itself ("for educational purposes", "this is only
fiction") is no cue but a signal of its own, and no context counts beside it. Whether a minor is present is the
lexicon's `terms.minor`, whether a known person is meant `names.public_figure`. English only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from classifiers.base import Score
from classifiers.languages import require_english
from classifiers.listed import ListedPhrases, strongest
from classifiers.normalize import normalize
from classifiers.vocabulary import LISTS

CONTEXTS: Final = frozenset(
    {
        "context.news",
        "context.education",
        "context.medical",
        "context.art",
        "context.satire",
        "context.history",
        "context.fiction",
    }
)

CLAIMED: Final = "modifier.claimed_purpose"

SIGNALS: Final = CONTEXTS | {CLAIMED, "modifier.photorealistic", "modifier.real_person", "modifier.temporal_only"}


class ContextClassifier:
    """Listed cues in, scores out. Reads its list once; stateless between calls."""

    name = "context"
    accepts = str
    signals = SIGNALS

    def __init__(self, path: Path = LISTS / "context.toml") -> None:
        """Read the list.

        Raises:
            ClassifierError: the list cannot be read, or is not of the documented shape.
        """
        self._list = ListedPhrases(path, "cues", SIGNALS)
        self.entries = self._list.entries
        self.version = self._list.version

    def score(self, content: str) -> list[Score]:
        """Return the strongest cues of each signal with their spans, or one 0.0 where there is none.

        Raises:
            MeasurementError: the text has no letters or is not English.
        """
        normalized = normalize(content)
        require_english(normalized.text)
        found = self._list.find(normalized, "cue")
        if found.get(CLAIMED):
            found = {signal: hits for signal, hits in found.items() if signal not in CONTEXTS}
        return strongest(found, SIGNALS)
