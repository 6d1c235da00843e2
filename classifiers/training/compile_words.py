"""Compiles the lists of English words that the normaliser takes as evidence that a stretch is language.

    python -m classifiers.training.compile_words FOLDER --out classifiers/lists/words.txt
    python -m classifiers.training.compile_words --dictionary FILE --out classifiers/lists/rare_words.txt

FOLDER holds `SOURCE.jsonl.gz` files of rows with `text` and `lang`, of permissive licences. A word is kept when it
stands in enough rows of enough sources, most frequent first; the whole words of the encoder's tokenizer follow in its
order. FILE is the frequency dictionary of the package symspellpy: its longer words that `words.txt` lacks become the
rare words. Counts words only: no row of any source is written.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from classifiers.vocabulary import LISTS, TOKENIZER_FILE, TOKENIZER_SHA256, ranks
from classifiers.weights import embedded

SKIPPED: Final = frozenset({"synthetic_names", "jigsaw_templates", "disselect"})
"""Templates: they would fill the list with names."""

MIN_ROWS: Final = 4
MIN_SOURCES: Final = 2
"""A word that one source alone uses is a name or a spelling mistake more often than not."""

DICTIONARY_SHA256: Final = "68e9dc81c7e73bd7310b57e516ecaea0d8b6387ff71344a57c04174650a407a7"
"""frequency_dictionary_en_82_765.txt of symspellpy 6.10.1 (MIT): words of SCOWL, counts of Google Books Ngram."""

MIN_COUNT: Final = 50_000
MIN_LETTERS: Final = 5
"""Shorter rare words are other languages' words, abbreviations and crumbs of ciphers too often."""

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
    foreign = _foreign()
    return [word for word in tokenizer["model"]["vocab"] if re.fullmatch("[a-z]{4,20}", word) and word not in foreign]


def rare_words(dictionary: Path) -> list[str]:
    """Return the dictionary's words that `words.txt` lacks, in the order of the alphabet.

    Raises:
        ValueError: not the pinned dictionary.
    """
    raw = dictionary.read_bytes()
    if hashlib.sha256(raw).hexdigest() != DICTIONARY_SHA256:
        raise ValueError(f"{dictionary} is not the dictionary that rare words are taken from: see DICTIONARY_SHA256")
    known, foreign = ranks(), _foreign()
    counted = (line.split() for line in raw.decode("utf-8-sig").splitlines())
    return sorted(
        word
        for word, count in counted
        if re.fullmatch(f"[a-z]{{{MIN_LETTERS},20}}", word)
        and int(count) >= MIN_COUNT
        and word not in known
        and word not in foreign
    )


def _foreign() -> set[str]:
    lists = tomllib.loads((LISTS / "function_words.toml").read_text(encoding="utf-8"))
    english = set(lists.pop("english").split())
    return {word for words in lists.values() for word in words.split()} - english


def main() -> None:
    """Compile and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--dictionary", type=Path, help="frequency dictionary that rare words are taken from")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if (arguments.folder is None) == (arguments.dictionary is None):
        parser.error("give a folder of texts or --dictionary")
    if arguments.dictionary is not None:
        words = rare_words(arguments.dictionary)
        head = (
            "# Rarer English words, by the alphabet; compiled by training/compile_words.py from the frequency\n"
            "# dictionary of symspellpy 6.10.1 (MIT; words of SCOWL, counts of Google Books Ngram, CC BY 3.0).\n"
        )
    else:
        words = list(dict.fromkeys([*compile_words(arguments.folder), *tokenizer_words()]))
        head = (
            "# English words, most frequent first; compiled by training/compile_words.py from the permissive sources\n"
            f"# of docs/cards/text_encoder.md (in at least {MIN_ROWS} rows of at least {MIN_SOURCES} sources),\n"
            "# then the whole words of the tokenizer of all-MiniLM-L6-v2 (Apache-2.0).\n"
        )
    arguments.out.write_text(head + "\n".join(words) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
