"""Requests a second and latency of `POST /v1/moderations` through a real server process on loopback.

    .venv/bin/python benchmarks/throughput.py [--clients 1 8] [--cores 2] [--requests 500] [--seconds 30] [--json]

Prompts are distinct and have 400 characters, so no memory of earlier answers helps; every answer is a recorded
Decision. The load is made by another process with its own connections, on a core of its own where there is one left.
It measures time only, of this machine as it is: run it with nothing else running.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gate import FRAMEGATE, ONE_CORE, quantile, sentences

CHARACTERS = 400
MOST_REQUESTS = 20_000
MOST_SECONDS = 120.0
"""A load that somebody forgot ends by itself."""


def prompts() -> Iterator[bytes]:
    """Bodies of 400-character prompts, all different."""
    parts = sentences()
    for number in itertools.count():
        text = f"{number}: " + ". ".join(parts[(number * 7 + step * 131) % len(parts)] for step in range(12))
        yield json.dumps({"input": text[:CHARACTERS]}).encode()


@contextlib.contextmanager
def server(home: Path, cores: int) -> Iterator[tuple[int, str]]:
    """A server process without a worker, held to the first `cores` cores; yields its port and an API key."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, **ONE_CORE, "FRAMEGATE_HOME": str(home), "FRAMEGATE_PORT": str(port)}
    environment["FRAMEGATE_LOG_LEVEL"] = "WARNING"
    made = subprocess.run(
        [*FRAMEGATE, "keys", "create", "benchmark", "--scope", "requester", "--json"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    ours = sorted(os.sched_getaffinity(0))[:cores]
    process = subprocess.Popen(
        [*FRAMEGATE, "serve", "--no-worker"],
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, ours),  # noqa: PLW1509 - no threads yet
    )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None:
                sys.exit("the server did not start")
            time.sleep(0.2)
        yield port, json.loads(made.stdout)["secret"]
    finally:
        process.terminate()
        process.wait(60)


async def load(port: int, secret: str, clients: int, requests: int, seconds: float) -> dict[str, Any]:
    """Ask from `clients` connections, each its next question after its last answer, bounded in count and time."""
    bodies = itertools.islice(prompts(), requests)
    took: list[float] = []
    statuses: dict[int, int] = {}
    ends = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in bodies:
            if time.perf_counter() > ends:
                break
            started = time.perf_counter()
            writer.write(
                b"POST /v1/moderations HTTP/1.1\r\nhost: benchmark\r\ncontent-type: application/json\r\n"
                b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b" % (secret.encode(), len(body), body)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode().lower().split("\r\n")
            length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
            await reader.readexactly(length)
            status = int(lines[0].split()[1])
            statuses[status] = statuses.get(status, 0) + 1
            if status == 200:
                took.append((time.perf_counter() - started) * 1000)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    elapsed = time.perf_counter() - started
    if len(took) < 2:
        sys.exit(f"too few answers: {statuses}")
    return {
        "clients": clients,
        "answered": len(took),
        "other": sum(count for status, count in statuses.items() if status != 200),
        "requests_per_s": round(len(took) / elapsed, 1),
        "p50_ms": round(quantile(took, 0.5), 1),
        "p95_ms": round(quantile(took, 0.95), 1),
        "mean_ms": round(statistics.mean(took), 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8], help="connections at the same time")
    parser.add_argument("--cores", type=int, default=2, help="cores that the server may use")
    parser.add_argument("--requests", type=int, default=500, help="requests for each figure")
    parser.add_argument("--seconds", type=float, default=30.0, help="longest time for each figure")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    arguments = parser.parse_args()
    requests, seconds = min(arguments.requests, MOST_REQUESTS), min(arguments.seconds, MOST_SECONDS)

    figures = []
    with (
        tempfile.TemporaryDirectory(prefix="framegate-benchmark-") as folder,
        server(Path(folder), arguments.cores) as (port, secret),
    ):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[arguments.cores :] or cores)
        asyncio.run(load(port, secret, 1, 10, seconds))  # what is loaded on first use
        for clients in arguments.clients:
            figures.append({"cores": arguments.cores, **asyncio.run(load(port, secret, clients, requests, seconds))})
    for figure in figures:
        print(json.dumps(figure) if arguments.json else "  ".join(f"{name} {value}" for name, value in figure.items()))


if __name__ == "__main__":
    root = str(Path(__file__).resolve().parent.parent)
    os.environ["PYTHONPATH"] = root
    sys.path.insert(0, root)
    main()
