"""How often disguises are noticed, and plain prompts taken for disguised: the figures of docs/cards/evasion.md.

    .venv/bin/python benchmarks/evasion.py PROMPTS.jsonl.gz … [--threshold 0.5] [--sample 500]

Takes JSON Lines with `text`, `benign` and `lang`; only benign rows count. Each disguise of
`safety/redteam/transforms.py` is put on the same sample of English prompts (seed 0), and it is counted which share of
the words the normaliser gives back. `framegate redteam run` measures whether harmful text below a disguise is stopped.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
from collections import Counter
from pathlib import Path


def benign(path: Path) -> list[dict[str, str]]:
    """The benign rows of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [row for row in map(json.loads, lines) if row["benign"]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--sample", type=int, default=500)
    arguments = parser.parse_args()

    from classifiers.evasion import EvasionClassifier
    from classifiers.normalize import normalize
    from safety.figures import Share
    from safety.redteam.transforms import TRANSFORMS, disguise

    classifier = EvasionClassifier()

    def noticed(texts: list[str]) -> str:
        scores = [classifier.score(text)[0].value for text in texts]
        share = Share(sum(score >= arguments.threshold for score in scores), len(scores))
        low, high = share.interval
        return f"{share.k}/{share.n} = {share.value:.1%} [{low:.1%}, {high:.1%}]; any {sum(s > 0 for s in scores)}"

    def words(text: str) -> Counter[str]:
        return Counter(re.findall("[a-z]+", text.lower()))

    english: list[str] = []
    for path in arguments.files:
        rows = benign(path)
        for language in sorted({row.get("lang", "en") for row in rows}):
            texts = [row["text"] for row in rows if row.get("lang", "en") == language]
            print(f"plain, {path.name.split('.')[0]} ({language}): {noticed(texts)}")
            english += texts if language == "en" else []
    sample = random.Random(0).sample([t for t in english if len(t) > 20 and t.isascii()], arguments.sample)
    for name in TRANSFORMS:
        disguised = [disguise(name, text) for text in sample]
        pairs = [(words(text), words(normalize(other).text)) for text, other in zip(sample, disguised, strict=True)]
        given_back = sum((old & new).total() for old, new in pairs) / sum(old.total() for old, _ in pairs)
        print(f"{name}: {noticed(disguised)}; words given back {given_back:.1%}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
