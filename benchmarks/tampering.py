"""Whether the auditor's verifier finds and names every falsification of an export, and raises no false alarm.

    python -m benchmarks.tampering [--trials 1000] [--entries 120]

Each kind of change in `tests/tampering.py` is tried at that many random places of one export; as many untouched
exports, each with a random older checkpoint as the kept note, have to hold. Exit code 0 only if all did.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.ledger import TEMPLATE, replace
from safety.checkpoints import LogKey
from safety.database import migrate, open_engine
from safety.ledger import Ledger
from safety.ledger_export import export_ledger
from safety.verify_export import Export, Key
from tests.tampering import KINDS, Copy, attempt


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--trials", type=int, default=1000)
    arguments.add_argument("--entries", type=int, default=47)
    chosen = arguments.parse_args()
    chance = random.Random(8)
    with tempfile.TemporaryDirectory(prefix="framegate-bench-") as name:
        folder = Path(name)
        source = make(folder, chosen.entries)
        failed = 0
        for kind in KINDS:
            named = sum(attempt(kind, source, folder / "copy", chance)[0] for _ in range(chosen.trials))
            failed += chosen.trials - named
            print(f"{kind.__name__}: {named} of {chosen.trials} found and named")
        notes = Copy(source, folder / "copy", chance).notes
        keys = [Key.parse((source / "key.txt").read_text())]
        quiet = sum(Export(source, keys, {"kept": chance.choice(notes)}, []).verify() for _ in range(chosen.trials))
        print(f"untouched: {chosen.trials - quiet} false alarms in {chosen.trials}")
    sys.exit(1 if failed or quiet != chosen.trials else 0)


def make(folder: Path, entries: int) -> Path:
    """Export a ledger of that many decisions, with a checkpoint every ten."""
    engine = open_engine(f"sqlite:///{folder}/ledger.db")
    migrate(engine)
    with Ledger(engine, LogKey.create(folder / "log.key", "benchmark"), checkpoint_every=10) as ledger:
        for number in range(entries):
            ledger.append_decision(replace(TEMPLATE, id=f"dec_{number}"))
        export_ledger(ledger, folder / "export")
    engine.dispose()
    return folder / "export"


if __name__ == "__main__":
    main()
