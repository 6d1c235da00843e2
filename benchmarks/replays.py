"""How long replaying recorded decisions against the shipped policy takes.

    python -m benchmarks.replays [--entries 1000000] [--database sqlite|postgresql …] [--keep FOLDER] [--url URL …]

The decisions (`benchmarks.filled`) have 20 scores each, none of which that policy asks for: every rule is judged, and
what it asks for is unmeasured.
"""

from __future__ import annotations

import time

from benchmarks.filled import databases, parser
from safety.database import open_engine
from safety.lookup import LedgerReader
from safety.policy import load_policy
from safety.replay import replay


def main() -> None:
    for filled in databases(parser((__doc__ or "").splitlines()[0]).parse_args()):
        engine = open_engine(filled.url)
        wall, cpu = time.perf_counter(), time.process_time()
        found = replay(LedgerReader(engine), load_policy())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(
            f"{engine.dialect.name}: replayed {found.decisions} decisions in {wall:.1f} s ({cpu:.1f} s CPU), "
            f"{found.changed} would change",
            flush=True,
        )
        engine.dispose()


if __name__ == "__main__":
    main()
