"""How long one lookup takes among millions of PDQ hashes, in this process: random hashes and hashes of real frames.

    .venv/bin/python benchmarks/fingerprints.py [--hashes 5000000] [--lookups 2000]

Half of the stored hashes are random, half are neighbours of 3,000 others (64 random bits of 256 changed): as uneven as
frames of many similar videos. Half of the queries are copies of stored hashes with up to 31 bits changed, and each
must be found.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from media.fingerprint_index import FingerprintIndex

CENTRES = 3000
CHANGED_BITS = 64
KEY_SIZE = 50


def main() -> None:
    """Fill an index, look up, print milliseconds."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--hashes", type=int, default=5_000_000)
    options.add_argument("--lookups", type=int, default=2000)
    asked = options.parse_args()
    random = np.random.default_rng(0)
    stored = random.integers(0, 256, (asked.hashes, 32), dtype=np.uint8)
    half = asked.hashes // 2
    centres = random.integers(0, 256, (CENTRES, 32), dtype=np.uint8)
    stored[:half] = centres[random.integers(0, CENTRES, half)] ^ _changes(random, half)
    index = FingerprintIndex()
    started = time.perf_counter()
    for start in range(0, asked.hashes, KEY_SIZE):
        index.add(str(start // KEY_SIZE), [row.tobytes().hex() for row in stored[start : start + KEY_SIZE]])
    index.hits("0" * 64)
    filled_s = time.perf_counter() - started
    took_ms, lost = [], 0
    for number in range(asked.lookups):
        row = int(random.integers(asked.hashes))
        query = int.from_bytes(stored[row].tobytes() if number % 2 else random.bytes(32), "big")
        if number % 2:
            for bit in random.choice(256, int(random.integers(32)), replace=False):
                query ^= 1 << int(bit)
        begun, cpu = time.perf_counter(), time.process_time()
        hits = index.hits(f"{query:064x}")
        took_ms.append(((time.perf_counter() - begun) * 1000, (time.process_time() - cpu) * 1000))
        lost += bool(number % 2 and str(row // KEY_SIZE) not in {hit.key for hit in hits})
    print(f"{len(index):,} hashes filled in {filled_s:.0f} s; {lost} of {asked.lookups // 2} copies not found")
    for name, column in (("wall", 0), ("processor", 1)):
        p50, p95, p99 = np.percentile(np.array(took_ms)[:, column], (50, 95, 99))
        print(f"lookup, {name}: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")


def _changes(random: np.random.Generator, count: int) -> np.ndarray:
    """Masks of `count` rows in which each bit is set with probability CHANGED_BITS / 256."""
    masks = np.empty((count, 32), np.uint8)
    for start in range(0, count, 100_000):
        rows = min(100_000, count - start)
        masks[start : start + rows] = np.packbits(random.random((rows, 256)) < CHANGED_BITS / 256, axis=1)
    return masks


if __name__ == "__main__":
    main()
