"""What it costs to sign and to verify a large file: seconds, and the most memory of a process that does only that.

    .venv/bin/python benchmarks/large_file.py [--megabytes 1024]

The file is a small mp4 whose media box is filled up with random bytes.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from media.codec import encode_mp4
from provenance.base import Claim
from provenance.certificates import create_development_pki
from provenance.signers import FileSigner

PIECE_BYTES = 1024**2


def main() -> None:
    """Make the file, then sign it in a child, so that memory is that of signing alone."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--megabytes", type=int, default=1024)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pki = create_development_pki(folder / "pki")
        signer = FileSigner(pki.chain_pem, pki.key_pem, pki.root_pem.read_text())
        signer.self_test()
        before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        child = os.fork()
        if child == 0:
            _make(folder / "large.mp4", asked.megabytes)
            os._exit(0)
        os.waitpid(child, 0)
        started = time.perf_counter()
        signer.sign(folder / "large.mp4", folder / "signed.mp4", _claim())
        took_s = time.perf_counter() - started
        most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{asked.megabytes} MB signed, read back and put in place in {took_s:.1f} s")
    print(f"memory: {before_mb:.0f} MB before, {most_mb:.0f} MB at most: {most_mb - before_mb:.0f} MB for it")


def _make(path: Path, megabytes: int) -> None:
    encode_mp4([np.full((64, 64, 3), 128, np.uint8)], path, fps=24.0)
    data = bytearray(path.read_bytes())
    media = data.rindex(b"mdat") - 4  # the index comes first, so this box is the last
    size = int.from_bytes(data[media : media + 4], "big") + megabytes * PIECE_BYTES
    data[media : media + 4] = size.to_bytes(4, "big")
    random = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(data)
        for _ in range(megabytes):
            file.write(random.bytes(PIECE_BYTES))


def _claim() -> Claim:
    return Claim(
        title="large", release="r", decision="d", policy="p", generator="g", generator_version="1",
        created_at=datetime.now(UTC), provider="benchmark", watermark_alg="", watermark="",
    )  # fmt: skip


if __name__ == "__main__":
    main()
