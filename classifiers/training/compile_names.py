"""Compiles the name lists from gazetteers: drops what is not permissively licensed and what ordinary captions say.

    python -m classifiers.training.compile_names --gazetteers DIR --captions FILE... --out FILE

A gazetteer line is `name<TAB>source(licence)`. Captions are gzip JSONL files of everyday descriptions: a name made of
their words is kept only with capitals, one that stands in them is dropped. It adds no name of its own.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path
from typing import Final

from classifiers.phrases import PhraseIndex, fold, words_of
from classifiers.training.text_rows import read_rows
from classifiers.vocabulary import ranks

PERMITTED: Final = ("CC0", "CC-BY-4.0", "MIT", "MPL-2.0")
SIGNALS: Final = {
    "public_figures": "names.public_figure",
    "characters": "names.character",
    "brands": "names.brand",
    "artists": "names.artist_style",
    "historical_figures": "names.historical",
}
DROPPED: Final = frozenset({"Sonic Boom", "Swamp Thing", "Salvador DalÌ_"})
"""Everyday words that the captions do not hold, and a name with broken letters."""

EVERYDAY: Final = 2
"""A word in this many captions is an everyday word."""


def how_of(signal: str, words: list[str], everyday: Counter[str]) -> str | None:
    """How a name must stand in a text to count (see names_curated.toml), or None where it cannot be told from words."""
    letters = [word for word in words if word.isalpha()]
    if max((len(word) for word in letters), default=0) < 3:
        return None
    if signal == "names.brand":
        return "cue" if len("".join(words)) >= 3 and not (len(words) == 1 and words[0] in ranks()) else None
    if len(words) < 2 or sum(len(word) > 1 for word in words) < 2:
        return None
    if signal == "names.artist_style":
        return "cue"
    return "cased" if all(everyday[word] >= EVERYDAY for word in words) else "any"


def main() -> None:
    """Read the gazetteers, filter, write one sorted table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gazetteers", type=Path, required=True)
    parser.add_argument("--captions", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    captions = [row.text for path in arguments.captions for row in read_rows(path)]
    everyday = Counter(word for text in captions for word in {word.folded for word in words_of(text)})

    rows: dict[tuple[str, str], tuple[str, str, str]] = {}
    for stem, signal in SIGNALS.items():
        for line in (arguments.gazetteers / f"{stem}.tsv").read_text(encoding="utf-8").splitlines():
            name, _, source = line.partition("\t")
            name = " ".join(name.split())
            licence = re.search(r"\(([^)]*)\)", source)
            if licence is None or licence.group(1) not in PERMITTED or name in DROPPED:
                continue
            words = [word.folded for word in words_of(name)]
            how = how_of(signal, words, everyday)
            if how is not None:
                rows.setdefault((signal, fold(name)), (name, how, source))
    public = {name for signal, name in rows if signal == "names.public_figure"}
    rows = {key: row for key, row in rows.items() if not (key[0] == "names.historical" and key[1] in public)}

    keys = list(rows)
    index = PhraseIndex(rows[key][0] for key in keys)
    said = {keys[hit.pattern] for text in captions for hit in index.find(words_of(text))}
    dropped = [key for key in said if rows[key][1] == "any"]
    for key in dropped:
        del rows[key]
    lines = [f"{signal}\t{name}\t{how}\t{source}" for (signal, _), (name, how, source) in sorted(rows.items())]
    header = (
        "# Names compiled from public lists by training/compile_names.py. Columns: signal, name, how, source.\n"
        "# Sources: corpora = dariusk/corpora (CC0); congress-legislators = unitedstates/congress-legislators (CC0);\n"
        "# giphy = Giphy/celeb-detection-oss (MPL-2.0); fivethirtyeight = fivethirtyeight/data (CC-BY-4.0);\n"
        "# simple-icons = simple-icons/simple-icons (CC0); clip-interrogator: pharmapsychotic (MIT).\n"
    )
    arguments.out.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    print(Counter(signal for signal, _ in rows), f"dropped as everyday: {len(dropped)}")


if __name__ == "__main__":
    main()
