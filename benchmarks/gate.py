"""Speed of the prompt gate and of the main path: cold start, one core's p50 and p95, and prompt to Release.

    .venv/bin/python benchmarks/gate.py [--prompts PROMPTS.jsonl] [--json]

Everything runs in a fresh, temporary FRAMEGATE_HOME through the public doors (command line and library). It measures
time only; what the gate stops is `framegate evaluate prompts`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

SUBJECTS = (
    "a paper boat",
    "two dogs",
    "an old tram",
    "a red kite",
    "a potter's hands",
    "a lighthouse",
    "three dancers",
)
DOINGS = ("drifting slowly", "running in circles", "seen from above", "in a storm", "turning towards us", "at rest")
PLACES = (
    "on a quiet lake at dawn",
    "in a busy market",
    "under neon lights",
    "in deep snow",
    "beside a canal",
    "at sea",
)
STYLES = ("35 mm film, soft grain", "claymation", "hand-held camera, documentary", "slow dolly shot, golden hour")

FRAMEGATE = (sys.executable, "-c", "import sys; from api.cli import main; sys.exit(main())")


def sentences() -> list[str]:
    """1,008 harmless prompts of the length people write; no two equal, so that no cache helps."""
    parts = itertools.product(SUBJECTS, DOINGS, PLACES, STYLES)
    return [f"{subject} {doing} {place}, {style}" for subject, doing, place, style in parts]


def read_prompts(path: Path) -> list[str]:
    """Texts of a JSON Lines file with a `text` in each line."""
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def quantile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]


def cold_start(home: Path, repeats: int) -> dict[str, Any]:
    """Seconds from starting the process to a recorded verdict."""
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        run(home, "check", "a paper boat drifting on a quiet lake", "--json")
        seconds.append(time.perf_counter() - started)
    first, *later = seconds
    return {
        "first_start_s": round(first, 2),
        "cold_start_s": round(statistics.median(later), 2),
        "cold_starts": repeats,
    }


def prompt_gate(home: Path, prompts: list[str], limit: int) -> dict[str, Any]:
    """Milliseconds a prompt takes in a warm process on one core, with and without recording it."""
    from api import open_framegate
    from api.settings import Settings

    whole, judging = [], []
    with open_framegate(Settings(home=home)) as framegate:
        framegate.check_prompt("the first prompt loads the weights")
        for text in prompts[:limit]:
            started = time.perf_counter()
            decision = framegate.check_prompt(text)
            whole.append((time.perf_counter() - started) * 1000)
            judging.append(sum(ms for _, ms in decision.measurement.took_ms))
    return {
        "prompts": len(whole),
        "median_characters": round(statistics.median(map(len, prompts[:limit]))),
        "p50_ms": round(quantile(whole, 0.5), 1),
        "p95_ms": round(quantile(whole, 0.95), 1),
        "classifiers_p50_ms": round(quantile(judging, 0.5), 1),
        "classifiers_p95_ms": round(quantile(judging, 0.95), 1),
    }


def prompt_to_release(home: Path, repeats: int) -> dict[str, Any]:
    """Seconds from starting `framegate generate` to a signed, recorded file."""
    seconds = []
    for seed in range(repeats):
        started = time.perf_counter()
        answer = run(
            home, "generate", "a red circle moving right", "--seed", str(seed), "--out", str(home / "out.mp4"), "--json"
        )
        seconds.append(time.perf_counter() - started)
    return {
        "clip": f"{answer['seconds']:g} s {answer['size']}",
        "release_s": round(statistics.median(seconds), 1),
        "release_slowest_s": round(max(seconds), 1),
        "releases": repeats,
    }


def run(home: Path, *arguments: str) -> dict[str, Any]:
    """Run the command line on one core and return its JSON answer."""
    environment = {**os.environ, **ONE_CORE, "FRAMEGATE_HOME": str(home)}
    result = subprocess.run([*FRAMEGATE, *arguments], env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"framegate {arguments[0]} left with {result.returncode}:\n{result.stderr}{result.stdout}")
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=Path, help="JSON Lines with a text in each line; default: built-in sentences")
    parser.add_argument("--limit", type=int, default=500, help="prompts that are timed")
    parser.add_argument("--repeats", type=int, default=5, help="processes that are started for each figure")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    arguments = parser.parse_args()

    prompts = read_prompts(arguments.prompts) if arguments.prompts else sentences()
    with tempfile.TemporaryDirectory(prefix="framegate-benchmark-") as folder:
        home = Path(folder)
        figures = cold_start(home, arguments.repeats)
        figures |= prompt_gate(home, prompts, arguments.limit)
        figures |= prompt_to_release(home, arguments.repeats)
    if arguments.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:20} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    root = str(Path(__file__).resolve().parent.parent)
    os.environ.update(ONE_CORE)  # before any native pool starts
    os.environ["PYTHONPATH"] = root
    sys.path.insert(0, root)
    main()
