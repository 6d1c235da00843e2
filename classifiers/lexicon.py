"""Looks for phrases that show a harm by themselves: slurs, gore, drugs, forgeries, an age below eighteen.

It knows listed phrases only (many in English, the plainest ones in the other supported languages) and no tone: a hit
says that the phrase stands there and how likely such a phrase means what it says. `terms.minor` is no harm: it says
that a minor is present, and policies use it beside others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from classifiers.base import Score
from classifiers.listed import ListedPhrases, strongest
from classifiers.listed_languages import ListedInLanguages, found_in
from classifiers.vocabulary import LISTS
from classifiers.weights import version_of

SIGNALS: Final = frozenset(
    {
        "terms.sexual",
        "terms.violence",
        "terms.self_harm",
        "terms.hate",
        "terms.extremism",
        "terms.illicit",
        "terms.fraud",
        "terms.privacy",
        "terms.ncii",
        "terms.misinformation",
        "terms.political_deception",
        "terms.minor",
    }
)


class LexiconClassifier:
    """Listed phrases in, scores out. Reads its list once; stateless between calls."""

    name = "lexicon"
    accepts = str
    signals = SIGNALS

    def __init__(
        self, path: Path = LISTS / "terms.toml", multilingual: Path = LISTS / "terms_multilingual.toml"
    ) -> None:
        """Read the lists.

        Raises:
            ClassifierError: a list cannot be read, or an entry is not of the documented shape.
        """
        self._list = ListedPhrases(path, "terms", SIGNALS)
        self._foreign = ListedInLanguages(multilingual, "terms", SIGNALS)
        self.entries = self._list.entries
        self.version = version_of(self._list.version, self._foreign.version)

    def score(self, content: str) -> list[Score]:
        """Return the strongest hits of each signal with their spans in `content`, or one 0.0 where there is none.

        Raises:
            MeasurementError: the text has no letters or is in a language without a list.
        """
        return strongest(found_in(content, self._list, self._foreign, "term"), SIGNALS)
