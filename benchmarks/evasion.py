"""How often disguises are noticed, and plain prompts taken for disguised: the figures of docs/cards/evasion.md.

    .venv/bin/python benchmarks/evasion.py PROMPTS.jsonl.gz … [--threshold 0.7] [--sample 500]

Takes JSON Lines with `text`, `benign` and `lang`; only benign rows count. Each disguise is put on the same sample of
English prompts (seed 0). It measures whether a disguise is noticed, not whether the text below it is harmful.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

DISGUISES: dict[str, Callable[[str], str]] = {
    "letters of another script": lambda text: text.translate(str.maketrans("aeopcx", "аеорсх")),
    "leetspeak in every word": lambda text: text.translate(str.maketrans("aeiost", "431057")),
    "spaced letters": " ".join,
    "combining marks on letters": lambda text: "".join(c + "\u0336" if c.isalpha() else c for c in text),
    "zero-width characters": lambda text: "".join(c + "\u200b" if c.isalpha() else c for c in text),
    "full-width letters": lambda text: text.translate({code: code + 0xFEE0 for code in range(33, 127)}),
    "vowels three times": lambda text: "".join(c * 3 if c in "aeiou" else c for c in text),
}


def wilson(count: int, total: int, z: float = 1.96) -> str:
    """A share with its 95 % Wilson interval."""
    share, shrink = count / total, 1 + z * z / total
    middle = (share + z * z / (2 * total)) / shrink
    half = z * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2) / shrink
    return f"{count}/{total} = {share:.1%} [{max(0.0, middle - half):.1%}, {min(1.0, middle + half):.1%}]"


def benign(path: Path) -> list[dict[str, str]]:
    """The benign rows of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [row for row in map(json.loads, lines) if row["benign"]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--threshold", type=float, default=0.7)
    parser.add_argument("--sample", type=int, default=500)
    arguments = parser.parse_args()

    from classifiers.evasion import EvasionClassifier

    classifier = EvasionClassifier()

    def noticed(texts: Iterable[str]) -> str:
        scores = [classifier.score(text)[0].value for text in texts]
        return f"{wilson(sum(s >= arguments.threshold for s in scores), len(scores))}; any {sum(s > 0 for s in scores)}"

    english: list[str] = []
    for path in arguments.files:
        rows = benign(path)
        for language in sorted({row.get("lang", "en") for row in rows}):
            texts = [row["text"] for row in rows if row.get("lang", "en") == language]
            print(f"plain, {path.name.split('.')[0]} ({language}): {noticed(texts)}")
            english += texts if language == "en" else []
    sample = random.Random(0).sample([t for t in english if len(t) > 20 and t.isascii()], arguments.sample)
    for name, disguise in DISGUISES.items():
        print(f"{name}: {noticed(map(disguise, sample))}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
