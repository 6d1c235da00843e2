"""Says what kind of picture is asked for, where that changes how words weigh: news, medicine, art, a photograph, a
sequence that only shows its meaning over time, somebody the requester knows.

None of it is a harm, and none of it excuses one: policies let these signals move thresholds a bounded way. It reads
cues of the picture itself. A purpose that the text claims for itself ("for educational purposes", "this is only
fiction") is no cue but a signal of its own, and no context counts beside it. Whether a minor is present is the
lexicon's `terms.minor`, whether a known person is meant `names.public_figure`.
In languages other than English it knows a few cues that make a policy stricter, and none that makes it lenient.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from classifiers.base import Score
from classifiers.listed import ListedPhrases, strongest
from classifiers.listed_languages import ListedInLanguages, found_in
from classifiers.vocabulary import LISTS
from classifiers.weights import version_of

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

    def __init__(
        self, path: Path = LISTS / "context.toml", multilingual: Path = LISTS / "context_multilingual.toml"
    ) -> None:
        """Read the lists.

        Raises:
            ClassifierError: a list cannot be read, or is not of the documented shape.
        """
        self._list = ListedPhrases(path, "cues", SIGNALS)
        self._foreign = ListedInLanguages(multilingual, "cues", SIGNALS)
        self.entries = self._list.entries
        self.version = version_of(self._list.version, self._foreign.version)

    def score(self, content: str) -> list[Score]:
        """Return the strongest cues of each signal with their spans, or one 0.0 where there is none.

        Raises:
            MeasurementError: the text has no letters or is in a language without a list.
        """
        found = found_in(content, self._list, self._foreign, "cue")
        if found.get(CLAIMED):
            found = {signal: hits for signal, hits in found.items() if signal not in CONTEXTS}
        return strongest(found, SIGNALS)
