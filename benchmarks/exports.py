"""How fast and in how much memory decisions are exported.

    python -m benchmarks.exports [--entries 1000000] [--database sqlite|postgresql …] [--keep FOLDER] [--url URL …]

Exports each format of a filled database (`benchmarks.filled`) in a process of its own, whose peak memory is the figure.
What Python and its packages take before the first row is told beside it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.filled import databases, parser
from safety.exports.decision_files import Format

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
    for filled in databases(chosen):
        measure(filled.url, filled.folder)


def measure(url: str, folder: Path) -> None:
    """Export every format."""
    name = url.partition(":")[0]
    for format_ in Format:
        out = folder / f"{name}.{format_}"
        command = [sys.executable, "-c", CHILD, url, format_, str(out)]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        files = [out] if out.is_file() else list(out.iterdir())
        size_mb = sum(path.stat().st_size for path in files) / 1e6
        print(
            f"{name} {format_}: {told['rows']} rows in {told['wall_s']:.1f} s, {told['rows'] / told['wall_s']:.0f} "
            f"rows/s ({told['rows'] / told['cpu_s']:.0f} per CPU-second), peak {told['peak_mb']:.0f} MB "
            f"({told['before_mb']:.0f} MB before), {size_mb:.0f} MB written",
            flush=True,
        )
        for path in files:
            path.unlink()


if __name__ == "__main__":
    main()
