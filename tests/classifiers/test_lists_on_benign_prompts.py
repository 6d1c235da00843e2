"""No entry of a shipped list may hit harmless prompts: at most one in a thousand each, and few together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from classifiers.entities import NamesClassifier
from classifiers.lexicon import LexiconClassifier

BENIGN = Path(__file__).with_name("benign_prompts.txt").read_text(encoding="utf-8").splitlines()
ALLOWED_SHARE = 0.001
"""Of the prompts, for one entry of a list."""

ALLOWED_UNION = 0.005

WITHOUT_HARM = {"names.historical", "names.person", "names.mentioned", "terms.minor"}
"""Signals that say nothing against a prompt by themselves."""


@pytest.fixture(scope="module", params=[NamesClassifier, LexiconClassifier])
def hits(request):
    """Each hit as (number of the prompt, signal, entry)."""
    classifier = request.param()
    return [
        (number, score.signal, score.detail)
        for number, text in enumerate(BENIGN)
        for score in classifier.score(text)
        if score.value and score.signal not in WITHOUT_HARM
    ]


def test_the_prompts_are_many_and_different():
    assert len(BENIGN) == len(set(BENIGN)) >= 1400


def test_no_entry_hits_more_than_one_in_a_thousand(hits):
    by_entry = Counter((signal, detail) for _, signal, detail in set(hits))
    assert {entry: count for entry, count in by_entry.items() if count > len(BENIGN) * ALLOWED_SHARE} == {}


def test_the_lists_together_hit_few(hits):
    stopped = {number for number, _, _ in hits}
    assert len(stopped) <= len(BENIGN) * ALLOWED_UNION, [BENIGN[number] for number in sorted(stopped)]


def test_the_test_would_see_a_raw_brand_list():
    """Brand words without context hit a fifth of everyday prompts: the corpus holds the words that matter."""
    traps = {"boat", "glass", "black", "near", "orange", "apple", "amazon", "shell", "target", "dove", "jaguar"}
    traps |= {"mustang", "ford", "subway", "corona", "puma", "galaxy", "oracle", "tide"}
    words = Counter(word for text in BENIGN for word in set(text.lower().replace(",", "").split()))
    assert {trap for trap in traps if words[trap] < 2} == set()
