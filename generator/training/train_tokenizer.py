"""Builds the caption tokenizer: a closed-form lower-case Unigram vocabulary in T5's format.

Every word of the captions is one piece scored by its frequency; letters catch all other words. Nothing is learned by
search: pruning a larger vocabulary (as SentencePiece does) splits common words on so small a language.

    python -m generator.training.train_tokenizer OUT
"""

from __future__ import annotations

import argparse
import math
import string
from collections import Counter
from pathlib import Path

from transformers import T5Tokenizer

from generator.scene import WORDS
from generator.training.render_clips import example

MAX_TOKENS = 32
"""Every caption is padded to this many tokens, in training and in sampling."""

PUNCTUATION = ",.:;!?'-"


def build_tokenizer(captions: int = 20_000) -> T5Tokenizer:
    """Count the words of `captions` rendered captions and of the synonym tables; return the tokenizer."""
    counts = Counter(word for slot in WORDS.values() for others in slot.values() for word in others)
    for index in range(captions):
        for mark in PUNCTUATION:
            counts[mark] += 1
        counts.update(example(index).caption.lower().translate(str.maketrans("", "", PUNCTUATION)).split())
    total = counts.total()
    letters = [*string.ascii_lowercase, *string.digits, "▁"]
    pieces = {"<pad>": 0.0, "</s>": 0.0, "<unk>": 0.0, **dict.fromkeys(letters, -20.0)}
    for word, count in counts.most_common():
        pieces[word if word in PUNCTUATION else f"▁{word}"] = math.log(count / total)
    return T5Tokenizer(vocab=list(pieces.items()), extra_ids=0, model_max_length=MAX_TOKENS)


def main() -> None:
    """Build and save."""
    parser = argparse.ArgumentParser(description="Build the caption tokenizer.")
    parser.add_argument("out", type=Path)
    build_tokenizer().save_pretrained(parser.parse_args().out)


if __name__ == "__main__":
    main()
