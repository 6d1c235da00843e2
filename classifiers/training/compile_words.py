"""Compiles `lists/words.txt`: the English words that the normaliser takes as evidence that a stretch is language.

    python -m classifiers.training.compile_words FOLDER --out classifiers/lists/words.txt

FOLDER holds `SOURCE.jsonl.gz` files of rows with `text` and `lang`, of permissive licences. A word is kept when it
stands in enough rows of enough sources, most frequent first; the whole words of the encoder's tokenizer follow in its
order. Counts words only: no row of any source is written.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from classifiers.vocabulary import LISTS, TOKENIZER_FILE, TOKENIZER_SHA256
from classifiers.weights import embedded

SKIPPED: Final = frozenset({"synthetic_names", "jigsaw_templates", "disselect"})
"""Templates: they would fill the list with names."""

MIN_ROWS: Final = 4
MIN_SOURCES: Final = 2
"""A word that one source alone uses is a name or a spelling mistake more often than not."""

_WORD: Final = re.compile(r"(?<![\w@#&/'’])[a-z]{3,20}(?![\w@/])")
_STRETCHED: Final = re.compile(r"(.)\1\1")


def english_texts(path: Path) -> Iterator[str]:
    """Yield the lower-case English texts of one source."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row.get("lang", "en") == "en":
                yield row["text"].lower()


def compile_words(folder: Path) -> list[str]:
    """Return the words, most frequent first; equals in the order of the alphabet."""
    rows: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    for path in sorted(folder.glob("*.jsonl.gz")):
        if path.name.split(".")[0] in SKIPPED:
            continue
        here = Counter(word for text in english_texts(path) for word in set(_WORD.findall(text)))
        rows.update(here)
        sources.update(here.keys())
    kept = [
        word
        for word, count in rows.items()
        if count >= MIN_ROWS and sources[word] >= MIN_SOURCES and not _STRETCHED.search(word)
    ]
    return sorted(kept, key=lambda word: (-rows[word], word))


def tokenizer_words() -> list[str]:
    """Return the tokenizer's whole words of four letters or more that are no function word of another language."""
    tokenizer = json.loads(embedded(TOKENIZER_FILE, TOKENIZER_SHA256).read_text(encoding="utf-8"))
    lists = tomllib.loads((LISTS / "function_words.toml").read_text(encoding="utf-8"))
    english = set(lists.pop("english").split())
    foreign = {word for words in lists.values() for word in words.split()} - english
    return [word for word in tokenizer["model"]["vocab"] if re.fullmatch("[a-z]{4,20}", word) and word not in foreign]


def main() -> None:
    """Compile and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    words = list(dict.fromkeys([*compile_words(arguments.folder), *tokenizer_words()]))
    head = (
        "# English words, most frequent first; compiled by training/compile_words.py from the permissive sources of\n"
        f"# docs/cards/text_encoder.md (in at least {MIN_ROWS} rows of at least {MIN_SOURCES} sources),\n"
        "# then the whole words of the tokenizer of all-MiniLM-L6-v2 (Apache-2.0).\n"
    )
    arguments.out.write_text(head + "\n".join(words) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
