"""Finds the names that somebody registered: people who gave consent, and people who opted out.

The names come from a directory that is asked for every text, so a registration counts from the moment it is made. The
classifier measures that a registered name stands there; what follows from it is decided in `safety.consent`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from classifiers.base import MeasurementError, Score
from classifiers.normalize import normalize
from classifiers.phrases import PhraseIndex, words_of
from classifiers.weights import version_of

REGISTERED: Final = "names.registered"
SIGNALS: Final = frozenset({REGISTERED})

MAX_PLACES: Final = 16
"""A prompt's record keeps so many scores of one signal."""

Directory = Callable[[frozenset[str]], Iterable[tuple[str, str]]]
"""Given first words, folded: (id of the registration, name) of every name that begins with one of them."""


def first_word(name: str) -> str:
    """Return the folded word by which a directory files a name; empty where the name has no letter or digit."""
    words = words_of(name)
    return words[0].folded if words else ""


class RegisteredNames:
    """Names of a directory in, scores with the registration's id out; every place where one stands."""

    name = "registered_names"
    accepts = str
    signals = SIGNALS

    def __init__(self, directory: Directory) -> None:
        """Ask this directory. Nothing is kept between texts."""
        self._directory = directory
        self.version = version_of("registered names 1")

    def score(self, content: str) -> list[Score]:
        """Return one Score of 1.0 for each place of a registered name, or one 0.0.

        Raises:
            MeasurementError: more than 16 places; no name may hide behind many others.
            Exception: whatever the directory raises; a text is never clean because nobody could be asked.
        """
        normalized = normalize(content)
        words = words_of(normalized.text)
        listed = sorted(set(self._directory(frozenset(word.folded for word in words)))) if words else []
        index = PhraseIndex(name for _, name in listed)
        scores = [
            Score(REGISTERED, 1.0, normalized.to_original(hit.start, hit.end), f"registered:{listed[hit.pattern][0]}")
            for hit in index.find(words)
        ]
        if len(scores) > MAX_PLACES:
            raise MeasurementError(f"registered names stand in more than {MAX_PLACES} places: too many to judge each")
        return scores or [Score(REGISTERED, 0.0)]
