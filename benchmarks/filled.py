"""Where benchmarks of the record are filled: what their command lines share."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.postgres import running_cluster


def parser(description: str) -> argparse.ArgumentParser:
    """Return a command line that asks how many decisions to fill which databases with."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--entries", type=int, default=1_000_000)
    arguments.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    arguments.add_argument("--keep", type=Path, help="folder for a filled SQLite file that is used again")
    return arguments


def databases(chosen: argparse.Namespace, name: str) -> Iterator[tuple[str, Path]]:
    """Yield the URL of each database that was chosen, and a folder that is gone afterwards."""
    print(f"{chosen.entries} decisions of 20 scores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="framegate-bench-") as folder:
        for kind in chosen.database or ("sqlite", "postgresql"):
            if kind == "sqlite":
                place = chosen.keep or Path(folder)
                place.mkdir(parents=True, exist_ok=True)
                yield f"sqlite:///{place}/{name}-{chosen.entries}.db", Path(folder)
            else:
                with running_cluster(durable=True) as cluster:
                    yield cluster.url("postgres"), Path(folder)
