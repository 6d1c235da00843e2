"""Does the text encoder gain from batches? Processor time of a text alone and in batches, and what a batch changes.

    .venv/bin/python benchmarks/batching.py [--texts 64] [--json]

Processor time, not elapsed time: a busy machine disturbs it little. The answer decides whether requests that arrive
together should wait for each other (docs/adr/0014-no-batches-across-requests.md).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from pathlib import Path

from gate import ONE_CORE
from throughput import prompts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=64, help="400-character texts that are encoded each way")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    arguments = parser.parse_args()

    import numpy as np

    from classifiers.sentence_encoder import SentenceEncoder

    encoder = SentenceEncoder()
    texts = [json.loads(body)["input"] for body in itertools.islice(prompts(), arguments.texts)]
    short = "a red ball on a meadow"
    windows = [encoder.windows(text)[0] for text in texts]
    (small,) = encoder.windows(short)
    encoder.embed_windows(windows[:4])  # what is allocated on first use
    figures: dict[str, float | int] = {
        "texts": len(texts),
        "tokens": round(np.mean([len(w.token_ids) for w in windows])),
    }
    for size in (1, 2, 4, 8):
        started = time.process_time()
        for at in range(0, len(windows), size):
            encoder.embed_windows(windows[at : at + size])
        figures[f"cpu_ms_a_text_in_batches_of_{size}"] = round((time.process_time() - started) / len(windows) * 1000, 2)
    started = time.process_time()
    for window in windows:
        encoder.embed_windows([window, small])
    figures["cpu_ms_a_pair_of_long_and_short"] = round((time.process_time() - started) / len(windows) * 1000, 2)
    alone = np.concatenate([encoder.embed_windows([window]) for window in windows])
    together = np.concatenate([encoder.embed_windows(windows[at : at + 8]) for at in range(0, len(windows), 8)])
    figures["largest_change_of_a_vector_by_its_batch"] = float(np.abs(alone - together).max())
    print(json.dumps(figures) if arguments.json else "\n".join(f"{name:42} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    root = str(Path(__file__).resolve().parent.parent)
    os.environ.update(ONE_CORE)  # before any native pool starts
    sys.path.insert(0, root)
    main()
