"""What the labels of pictures and clips mean: the one place where words of data sets meet signals of frames.

A label is one of the words below, the name of a signal, or the id of a category of the policy in force. Which
categories a label belongs to follows from the policy: those whose rules ask for its signals. It counts nothing.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from safety.domain import Checkpoint
from safety.policy import Policy

SIGNALS: Final[dict[str, tuple[str, ...]]] = {
    "nudity": ("frame.nudity",),
    "weapon": ("frame.weapon",),
    "fight": ("video.violence",),
    "gore": ("frame.gore",),
    "hate_symbol": ("frame.hate_symbol",),
    "known_person": ("frame.known_person",),
    "known_content": ("video.known_content",),
    "minor": ("frame.minor",),
    "strobing": ("video.temporal",),
    "synthetic": ("video.synthetic",),
}
"""Label -> signals that are to find it."""

WORDS: Final[dict[str, tuple[str, ...]]] = {
    "weapon": (
        *("weapons", "firearm", "gun", "guns", "handgun", "pistol", "revolver", "rifle", "automatic_rifle"),
        *("assault_rifle", "shotgun", "smg", "sniper", "bazooka", "grenade_launcher", "knife", "sword"),
    ),
    "fight": ("fights", "fighting", "violent"),
    "nudity": ("nude", "nsfw"),
    "hate_symbol": ("hate_symbols", "swastika"),
}
"""Label -> words that data sets have for it; the word itself is kept as the row's kind."""

PREFIXES: Final[dict[str, str]] = {"hate_": "hate_symbol", "weapon_": "weapon", "fight_": "fight"}
"""Beginning of a word -> label: `hate_bolts` is a hate_symbol of the kind `hate_bolts`."""

BENIGN: Final = ("benign", "nofight", "lookalike", "safe", "calm", "negative")
"""Words, alone or before `_`, that say that nobody should stop it."""

LEFT_OUT: Final = "review_"
"""Rows whose word begins so were never verified: they are counted as left out and measured by nobody."""


def is_benign(word: str) -> bool:
    """Say whether a word means that nobody should stop the row."""
    return word in BENIGN or word.startswith(tuple(f"{each}_" for each in BENIGN))


def label_of(word: str, policy: Policy, known: frozenset[str] = frozenset()) -> str | None:
    """Return the label that a word means under this policy; None when it means nothing.

    `known`: signals that can be labels beside those of the policy.
    """
    for label, words in WORDS.items():
        if word in words:
            return label
    if word in SIGNALS or word in policy.categories or word in known | policy.signals_at(Checkpoint.OUTPUT):
        return word
    return next((label for prefix, label in PREFIXES.items() if word.startswith(prefix)), None)


def near(word: str, policy: Policy) -> str:
    """Return a hint for a word that means nothing: the nearest label, or all of them."""
    words = [*SIGNALS, *policy.categories, *(each for group in WORDS.values() for each in group), *BENIGN]
    close = get_close_matches(word, words, n=1)
    return f"do you mean {close[0]!r}?" if close else f"known: {', '.join(dict.fromkeys((*SIGNALS, *BENIGN)))}"


def signals_of_label(label: str, policy: Policy) -> frozenset[str]:
    """Return the signals that are to find what a label means: for a category, those that its rules ask for."""
    if label in SIGNALS:
        return frozenset(SIGNALS[label])
    if label in policy.categories:
        rules = (rule for rule in policy.rules_at(Checkpoint.OUTPUT) if rule.category == label)
        return frozenset(condition.signal for rule in rules for condition in rule.conditions)
    return frozenset({label})
