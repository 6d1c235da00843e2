"""How fast the ledger appends and verifies, with every commit on disk.

    python -m benchmarks.ledger [--entries 20000] [--threads 64] [--processes 1] [--workers 2] [--database URL …]
    python -m benchmarks.ledger --filled URL --key FILE     only verifies and proves what `benchmarks.filled` made

Without `--database` it makes a SQLite file and a throw-away PostgreSQL cluster (fsync on) in the folder for temporary
files, which should be a real disk. One decision has 20 scores and one finding, as a prompt's has.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import Engine

from classifiers.base import Score, TextSpan
from safety.audit import verify
from safety.checkpoints import LogKey
from safety.database import migrate, open_engine
from safety.domain import Action, Actor, Checkpoint, Decision, Evidence, Finding, Measurement, Verdict
from safety.ledger import Ledger
from safety.proofs import prove_entry
from tests.postgres import running_cluster

POLICY = "sha256:" + "ab" * 32
FINDING = Finding("prompt.violence", "violence", Action.REVIEW, "No violence.", (Evidence("text.violence", 0.5, 0.7),))
TEMPLATE = Decision(
    id="",
    at=datetime(2025, 3, 1, tzinfo=UTC),
    checkpoint=Checkpoint.PROMPT,
    subject="sha256:" + "cd" * 32,
    verdict=Verdict(Action.REVIEW, (FINDING,), (), POLICY),
    measurement=Measurement(
        scores=tuple(Score(f"text.category_{number}", number / 40, TextSpan(0, 40)) for number in range(20)),
        classifiers=(("text_encoder", POLICY), ("lexicon", POLICY)),
        took_ms=(("text_encoder", 12.5), ("lexicon", 0.25)),
    ),
    actor=Actor("policy", POLICY),
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--entries", type=int, default=20_000)
    arguments.add_argument("--threads", type=int, default=64)
    arguments.add_argument(
        "--processes", type=int, default=1, help="appending at the same time; they share the threads"
    )
    arguments.add_argument("--database", action="append", help="an empty database to fill")
    arguments.add_argument("--workers", type=int, default=2, help="processes of the second verification of the log")
    arguments.add_argument("--filled", action="append", help="a database that is full already")
    arguments.add_argument("--key", type=Path, help="its log key")
    chosen = arguments.parse_args()
    if chosen.filled:
        for url in chosen.filled:
            engine = open_engine(url)
            measure_verifying(engine, LogKey.load(chosen.key), chosen.workers)
            engine.dispose()
        return
    print(
        f"{chosen.entries} decisions of 20 scores, {chosen.threads} threads, {chosen.processes} processes, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory(prefix="framegate-bench-") as folder:
        key = LogKey.create(Path(folder) / "log.key", "benchmark")
        if chosen.database:
            for url in chosen.database:
                measure(url, key, chosen)
            return
        measure(f"sqlite:///{folder}/ledger.db", key, chosen)
        with running_cluster(durable=True) as cluster:
            measure(cluster.url("postgres"), key, chosen)


def measure(url: str, key: LogKey, chosen: argparse.Namespace) -> None:
    """Fill one database and verify it."""
    count, threads = chosen.entries, chosen.threads
    engine = open_engine(url)
    migrate(engine)
    name = engine.dialect.name
    with Ledger(engine, key) as ledger:
        with clock() as single:
            for number in range(100):
                ledger.append_decision(replace(TEMPLATE, id=f"single_{number}"))
        with clock() as filling:
            if chosen.processes == 1:
                latencies = fill(ledger, count, threads)
            else:
                latencies = fill_from_processes(url, key, count, threads, chosen.processes)
    print(
        f"{name}: 1 thread {100 / single.wall_s:.0f} appends/s; "
        f"{threads} threads {count / filling.wall_s:.0f} appends/s "
        f"({count / filling.cpu_s:.0f} per CPU-second of this process), "
        f"p50 {latencies[len(latencies) // 2] * 1e3:.0f} ms, p99 {latencies[len(latencies) * 99 // 100] * 1e3:.0f} ms"
    )
    measure_verifying(engine, key, chosen.workers)
    engine.dispose()


def measure_verifying(engine: Engine, key: LogKey, workers: int) -> None:
    """Verify a ledger in each way, and prove entries of it."""
    name = engine.dialect.name
    for what, derived, processes in (
        ("log alone", False, 1),
        (f"log alone, {workers} workers", False, workers),
        ("log and derived rows", True, 1),
    ):
        with clock() as verifying:
            report = verify(engine, key.public, derived=derived, workers=processes)
        if not report.ok:
            raise SystemExit(f"the ledger does not verify: {report.problems}")
        print(
            f"{name}: {what}: verified {report.entries} entries in {verifying.wall_s:.1f} s: "
            f"{report.entries / verifying.wall_s:.0f} entries/s "
            f"({report.entries / verifying.cpu_s:.0f} per CPU-second of this process)"
        )
    measure_proofs(engine, key, report.entries)


def measure_proofs(engine: Engine, key: LogKey, size: int) -> None:
    """Prove entries all over the log."""
    with Ledger(engine, key) as ledger:
        ledger.checkpoint()
        took = []
        for position in range(0, size, max(1, size // 200)):
            id_ = ledger.entries(position, 1)[0].id
            begun = time.perf_counter()
            prove_entry(ledger, id_, key.public)
            took.append((time.perf_counter() - begun) * 1e3)
    took.sort()
    print(
        f"{engine.dialect.name}: inclusion proof among {size}: p50 {took[len(took) // 2]:.1f} ms, "
        f"p95 {took[len(took) * 95 // 100]:.1f} ms (N {len(took)})"
    )


def fill_from_processes(url: str, key: LogKey, count: int, threads: int, processes: int) -> list[float]:
    """Append from several processes, each with its share of the threads; return sorted latencies in seconds."""
    share = [(url, key, count // processes, max(1, threads // processes), number) for number in range(processes)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return sorted(latency for each in pool.map(_fill_one, *zip(*share, strict=True)) for latency in each)


def _fill_one(url: str, key: LogKey, count: int, threads: int, number: int) -> list[float]:
    engine = open_engine(url)
    with Ledger(engine, key) as ledger:
        latencies = fill(ledger, count, threads, f"p{number}_")
    engine.dispose()
    return latencies


def fill(ledger: Ledger, count: int, threads: int, prefix: str = "") -> list[float]:
    """Append from many threads; return the sorted seconds that each append took."""
    latencies: list[float] = []

    def work(thread: int) -> None:
        mine = []
        for number in range(thread, count, threads):
            begun = time.perf_counter()
            ledger.append_decision(replace(TEMPLATE, id=f"dec_{prefix}{number}", job=f"job_{prefix}{number}"))
            mine.append(time.perf_counter() - begun)
        latencies.extend(mine)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sorted(latencies)


class Clock:
    """Wall and CPU seconds of a block."""

    wall_s = 0.0
    cpu_s = 0.0


@contextmanager
def clock() -> Iterator[Clock]:
    measured = Clock()
    wall, cpu = time.perf_counter(), time.process_time()
    yield measured
    measured.wall_s, measured.cpu_s = time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
