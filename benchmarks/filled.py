"""Databases filled with many decisions, for the benchmarks of the record; and what their command lines share.

    python -m benchmarks.filled --keep FOLDER [--url URL …] [--entries 1000000] [--minutes 8]

fills a SQLite file in FOLDER, or the databases at the URLs, through the ledger's own writer in large groups, signed
with FOLDER/log.key, and may be stopped and run again. The other benchmarks take the same --keep and --url and fill what
is missing first. Without --keep everything is made in a temporary folder and is gone afterwards.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from benchmarks.ledger import FINDING, POLICY, TEMPLATE
from safety.checkpoints import LogKey
from safety.database import migrate, open_engine
from safety.domain import Action, Actor, Checkpoint, Decision, Verdict
from safety.ledger import Ledger, _Append
from safety.projections import DECISION
from safety.records import decision_to_record, encode
from tests.postgres import running_cluster

GROUP = 1000
"""Decisions written in one transaction."""

YEAR = timedelta(days=365)
NOUNS = ("toy", "weapon", "poster", "film", "statue", "painting", "costume", "screen", "puppet", "cake")


@dataclass(frozen=True)
class Filled:
    """A filled database."""

    url: str
    key: LogKey
    folder: Path
    """For what a benchmark writes; gone afterwards."""


def parser(description: str) -> argparse.ArgumentParser:
    """Return a command line that asks how many decisions to fill which databases with."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--entries", type=int, default=1_000_000)
    arguments.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    arguments.add_argument("--keep", type=Path, help="folder for the key and a SQLite file that are used again")
    arguments.add_argument("--url", action="append", help="a database that is there, with the key in --keep")
    return arguments


def databases(chosen: argparse.Namespace, minutes: float = float("inf")) -> Iterator[Filled]:
    """Yield each database that was chosen, filled."""
    print(f"{chosen.entries} decisions of 20 scores, load {os.getloadavg()[0]:.1f}", flush=True)
    if chosen.keep:
        chosen.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="framegate-bench-", dir=chosen.keep) as folder:
        place = chosen.keep or Path(folder)
        file = place / "log.key"
        key = LogKey.load(file) if file.exists() else LogKey.create(file, "benchmark")
        if chosen.url:
            urls = iter(chosen.url)
        else:
            urls = _urls(chosen.database or ("sqlite", "postgresql"), place / f"filled-{chosen.entries}.db")
        for url in urls:
            fill(url, key, chosen.entries, minutes)
            yield Filled(url, key, Path(folder))


def _urls(kinds: Iterator[str], file: Path) -> Iterator[str]:
    for kind in kinds:
        if kind == "sqlite":
            yield f"sqlite:///{file}"
        else:
            with running_cluster(durable=True) as cluster:
                yield cluster.url("postgres")


def various(position: int, entries: int) -> Decision:
    """One of a year's decisions: half are allowed, a fifth blocked, the rest held; a person makes one in 500."""
    action = (Action.ALLOW, Action.ALLOW, Action.REVIEW, Action.REVIEW, Action.BLOCK)[position % 5]
    category = "self_harm" if position % 1000 == 4 else "violence"
    findings = () if action is Action.ALLOW else (replace(FINDING, category=category, action=action),)
    by_person = position % 500 == 0
    return replace(
        TEMPLATE,
        id=id_at(position),
        at=TEMPLATE.at + YEAR * position / entries,
        subject=f"sha256:{position:064x}",
        job=f"video_{position // 2}",
        checkpoint=Checkpoint.OUTPUT if position % 2 else Checkpoint.PROMPT,
        verdict=Verdict(action, findings, (), POLICY),
        actor=Actor("reviewer", f"key_{position // 500 % 7}") if by_person else TEMPLATE.actor,
        reason=f"It is only a {NOUNS[position // 500 % len(NOUNS)]}, seen by person {position}." if by_person else "",
    )


def id_at(position: int) -> str:
    """Id of the decision at a position: as the real ones, in no order."""
    return f"dec_{random.Random(position).getrandbits(128):032x}"


def fill(url: str, key: LogKey, entries: int, minutes: float = float("inf")) -> int:
    """Append what is missing, for so many minutes; return how many decisions there are."""
    engine = open_engine(url)
    migrate(engine)
    gc.disable()  # nothing here is a cycle, and looking for some takes as long as the rest
    with Ledger(engine, key) as ledger:
        begun, cpu, first = time.perf_counter(), time.process_time(), ledger.size()
        size = first
        while size < entries and time.perf_counter() - begun < minutes * 60:
            group = [_append(various(place, entries)) for place in range(size, min(size + GROUP, entries))]
            ledger._commit(group)  # as the writer's thread does
            size += len(group)
        if size > first:
            ledger.checkpoint()
            _tidy(engine)
            print(
                f"{engine.dialect.name}: {size} decisions, {size - first} of them loaded in "
                f"{time.perf_counter() - begun:.0f} s ({time.process_time() - cpu:.0f} s CPU)",
                flush=True,
            )
    engine.dispose()
    gc.enable()
    return size


def _append(decision: Decision) -> _Append:
    record = decision_to_record(decision)
    return _Append(decision.id, DECISION, decision.at, record, encode(DECISION, record, numbers_checked=True))


def _tidy(engine: Engine) -> None:
    """What a database does by itself in time: statistics, and the log moved into the file."""
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE" if engine.dialect.name == "postgresql" else "PRAGMA optimize")
        connection.commit()


def main() -> None:
    arguments = parser((__doc__ or "").splitlines()[0])
    arguments.add_argument("--minutes", type=float, default=float("inf"))
    chosen = arguments.parse_args()
    for _ in databases(chosen, chosen.minutes):
        pass


if __name__ == "__main__":
    main()
