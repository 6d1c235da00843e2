"""What the labels of data mean here: the one place where their words meet the categories of a policy.

Public sets name harms in their own words. A label is one of the words below, or the id of a category of the policy in
force. It counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from safety.policy import Policy

ANY: Final = "unspecified"
"""Label of rows that are unsafe without saying how: whatever stops them is right."""

CATEGORIES: Final[dict[str, tuple[str, ...]]] = {
    "sexual": ("sexual", "ncii"),
    "sexual_minors": ("sexual_minors",),
    "violence": ("violence",),
    "hate": ("hate",),
    "harassment": ("harassment",),
    "self_harm": ("self_harm",),
    "illicit": ("illicit", "extremism", "fraud"),
    "public_figure": ("likeness", "ncii"),
    "ip": ("ip",),
    "deceptive": ("misinformation", "political_deception", "fraud"),
    "shocking": ("disturbing",),
    "privacy": ("privacy",),
}
"""Label -> categories whose findings count as "in category"."""

META: Final = frozenset({"evasion"})
"""Categories that accuse the form and not the content: no `scope` of a benign row excuses them."""


def known_labels(policy: Policy) -> frozenset[str]:
    """Return every word that a row may use as a label under this policy."""
    return frozenset({ANY, *CATEGORIES, *policy.categories})


def categories_of(label: str, policy: Policy) -> frozenset[str]:
    """Return the policy's categories that a label means; all of them for `unspecified`."""
    if label == ANY:
        return frozenset(policy.categories)
    return frozenset(CATEGORIES.get(label, (label,))) & frozenset(policy.categories)


def categories_of_all(labels: Iterable[str], policy: Policy) -> frozenset[str]:
    """Return the categories that any of these labels means."""
    return frozenset(category for label in labels for category in categories_of(label, policy))
