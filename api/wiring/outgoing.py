"""What looks for personal data in texts that leave the house: forms (numbers, addresses) and known names of people."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from classifiers.entities import NamesClassifier
from classifiers.personal_data import PersonalDataClassifier

NAMES = frozenset({"names.public_figure", "names.person", "names.mentioned"})
"""Signals that say that a text names somebody, whoever it is: a statement of reasons names nobody."""


def personal_data_scan() -> Callable[[str], Sequence[str]]:
    """Return a function from a text to the kinds of personal data in it. Loads no network.

    Anything that is found counts: here a false alarm costs a look, a miss somebody's privacy.
    """
    forms, names = PersonalDataClassifier(), NamesClassifier()

    def scan(text: str) -> list[str]:
        found = [score.detail.removeprefix("personal_data:") for score in forms.score(text) if score.value > 0]
        found += ["name" for score in names.score(text) if score.signal in NAMES and score.value > 0]
        return list(dict.fromkeys(found))

    return scan
