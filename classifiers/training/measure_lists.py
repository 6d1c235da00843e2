"""Prints how often the entries of the shipped lists hit harmless prompts of others, and fails when they hit too many.

    python -m classifiers.training.measure_lists DATA [--entry 0.001] [--signals terms.fraud ...]

DATA holds gzip JSONL files as `text_rows` describes them; rows that are benign only for some labels are left out, since
nobody vouches for the rest. What a classifier cannot read is counted as such, not as clean. It says nothing of recall.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from classifiers.base import Classifier, MeasurementError
from classifiers.entities import NamesClassifier
from classifiers.lexicon import LexiconClassifier
from classifiers.training.head_fitting import wilson
from classifiers.training.text_rows import read_rows

MODIFIERS: Final = frozenset({"terms.minor"})
"""Signals that say nothing against a prompt by themselves."""

ENTRY_SHARE: Final = 0.001
"""Largest share of harmless prompts that one entry may hit: at three in a hundred for the whole gate, thirty such
entries would use it up."""


@dataclass
class Hits:
    """What the lists hit among `prompts` harmless prompts."""

    prompts: int = 0
    unmeasured: int = 0
    stopped: int = 0
    entries: Counter[str] = field(default_factory=Counter)

    def above(self, share: float) -> dict[str, int]:
        """The entries that hit more than this share of the prompts, with their number of prompts."""
        return {entry: count for entry, count in self.entries.items() if count > share * self.prompts}


def hits_of(classifiers: Collection[Classifier[str]], texts: Iterable[str], signals: Collection[str]) -> Hits:
    """Score every text by every classifier and count prompts, by entry and together."""
    hits = Hits()
    for text in texts:
        hits.prompts += 1
        found: set[str] = set()
        for classifier in classifiers:
            try:
                scores = classifier.score(text)
            except MeasurementError:
                hits.unmeasured += 1
                continue
            found |= {f"{score.signal} {score.detail}" for score in scores if score.value and score.signal in signals}
        hits.stopped += bool(found)
        hits.entries.update(found)
    return hits


def main() -> int:
    """Measure, print, and return 1 when an entry hits more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--entry", type=float, default=ENTRY_SHARE, help="largest share that one entry may hit")
    parser.add_argument("--signals", nargs="*", help="only these; all but modifiers by default")
    arguments = parser.parse_args()
    classifiers: tuple[Classifier[str], ...] = (LexiconClassifier(), NamesClassifier())
    signals = arguments.signals or frozenset().union(*(one.signals for one in classifiers)) - MODIFIERS
    total = Hits()
    for path in sorted(arguments.data.glob("*.jsonl.gz")):
        hits = hits_of(classifiers, [row.text for row in read_rows(path) if row.benign and row.scope is None], signals)
        if hits.prompts:
            print(f"{path.name}: any hit {wilson(hits.stopped, hits.prompts)}, unmeasured {hits.unmeasured}")
        total = Hits(
            total.prompts + hits.prompts,
            total.unmeasured + hits.unmeasured,
            total.stopped + hits.stopped,
            total.entries + hits.entries,
        )
    if not total.prompts:
        parser.error(f"no harmless English prompt in {arguments.data}")
    print(f"together: any hit {wilson(total.stopped, total.prompts)}, unmeasured {total.unmeasured}")
    for entry, count in total.entries.most_common(20):
        print(f"  {count} {entry}")
    too_many = total.above(arguments.entry)
    for entry, count in too_many.items():
        print(f"more than {arguments.entry:.2%}: {count} {entry}; narrow it or drop it", file=sys.stderr)
    return 1 if too_many else 0


if __name__ == "__main__":
    sys.exit(main())
