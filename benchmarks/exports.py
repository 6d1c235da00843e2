"""How fast and in how much memory decisions are exported.

    python -m benchmarks.exports [--entries 1000000] [--database sqlite|postgresql …] [--keep FOLDER]

Fills a database with decisions of 20 scores and one finding (rows are loaded, not appended: what is measured is reading
them), then exports each format in a process of its own, whose peak memory is the figure. With `--keep` a filled SQLite
file is made once and used again. What Python and its packages take before the first row is told beside it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, insert

from benchmarks.filled import databases, parser
from benchmarks.ledger import TEMPLATE
from safety.database import migrate, open_engine, writing
from safety.domain import Decision
from safety.exports.decision_files import Format
from safety.merkle import leaf_hash
from safety.projections import COLUMNS, DECISION, project
from safety.records import decision_to_record, encode
from safety.tables import entries, ledger_head, metadata

CHILD = """
import json, resource, sys, time
from pathlib import Path
from safety.database import open_engine
from safety.exports.decision_files import Format, export_decisions
from safety.lookup.record import LedgerReader
from safety.lookup.selection import Selection
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
wall, cpu = time.perf_counter(), time.process_time()
done = export_decisions(LedgerReader(open_engine(sys.argv[1])), Path(sys.argv[3]), Format(sys.argv[2]), Selection())
print(json.dumps({"rows": done.rows, "wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu,
                  "before_mb": before, "peak_mb": peak()}))
"""


def main() -> None:
    chosen = parser(__doc__.splitlines()[0]).parse_args()
    for url, folder in databases(chosen, "exports"):
        measure(url, chosen.entries, folder)


def measure(url: str, count: int, folder: Path) -> None:
    """Fill a database where it is empty, and export every format."""
    engine = open_engine(url)
    migrate(engine)
    begun = time.perf_counter()
    if fill(engine, count):
        print(f"{engine.dialect.name}: filled in {time.perf_counter() - begun:.0f} s")
    name = engine.dialect.name
    engine.dispose()
    for format_ in Format:
        out = folder / f"{name}.{format_}"
        command = [sys.executable, "-c", CHILD, url, format_, str(out)]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        files = [out] if out.is_file() else list(out.iterdir())
        size_mb = sum(path.stat().st_size for path in files) / 1e6
        print(
            f"{name} {format_}: {told['rows']} rows in {told['wall_s']:.1f} s, {told['rows'] / told['wall_s']:.0f} "
            f"rows/s ({told['rows'] / told['cpu_s']:.0f} per CPU-second), peak {told['peak_mb']:.0f} MB "
            f"({told['before_mb']:.0f} MB before), {size_mb:.0f} MB written"
        )


def numbered(position: int) -> Decision:
    """One of many decisions that are alike."""
    subject = f"sha256:{position:064x}"
    return replace(TEMPLATE, id=f"dec_{position:032x}", at=TEMPLATE.at + timedelta(seconds=position), subject=subject)


def fill(engine: Engine, count: int, batch: int = 5000, decision_of: Callable[[int], Decision] = numbered) -> bool:
    """Load entries and their derived rows; False where they are there already."""
    with engine.connect() as connection:
        if connection.execute(ledger_head.select()).first() is not None:
            return False
    for start in range(0, count, batch):
        rows: dict[str, list[dict[str, object]]] = {"entries": [], **{name: [] for name in COLUMNS}}
        for position in range(start, min(start + batch, count)):
            decision = decision_of(position)
            record = decision_to_record(decision)
            body = encode(DECISION, record)
            values = (position, record["id"], DECISION, decision.at, body, leaf_hash(body))
            rows["entries"].append(dict(zip(entries.columns.keys(), values, strict=True)))
            for name, more in project(position, DECISION, record).items():
                rows[name] += [dict(zip(COLUMNS[name], row, strict=True)) for row in more]
        with writing(engine) as connection:
            for name, values in rows.items():
                if values:
                    connection.execute(insert(metadata.tables[name]), values)
    with writing(engine) as connection:  # what is exported ends here; nothing appends to this ledger
        connection.execute(insert(ledger_head), {"id": 1, "size": count, "frontier": b"", "note": ""})
    return True


if __name__ == "__main__":
    main()
