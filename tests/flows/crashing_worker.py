"""A worker that kills itself, by its pid and without a word, at one chosen place. Run by test_kill.py.

    python crashing_worker.py DATABASE_URL FOLDER KILL_AT

KILL_AT is `STEP:before` or `STEP:after` (the step's work is done, nobody remembers it yet), `status`, or `never`.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from safety.domain import JobStatus
from safety.jobs import Heartbeats, Worker
from safety.lookup import JobStore
from safety.work import JobRunner
from tests.world import World

LEASE_S = 1.0


def main(url: str, folder: Path, kill_at: str) -> None:
    world = World(folder, url)
    jobs = JobStore(world.engine)

    def die_at(place: str) -> None:
        if place == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    class DyingRecords:
        """The real job store, with one place to die."""

        def get(self, id_):
            return jobs.get(id_)

        def set_status(self, id_, status, **fields):
            if status is JobStatus.RELEASED:
                die_at("status")
            return jobs.set_status(id_, status, **fields)

    runner = JobRunner(DyingRecords(), world.pipeline)

    def run(job, step):
        def dying_step(name, work):
            def dying_work():
                die_at(f"{name}:before")
                output = work()
                die_at(f"{name}:after")
                return output

            return step(name, dying_work)

        return runner.run(job, dying_step).status.value

    executor = f"test-{os.getpid()}"
    heartbeats = Heartbeats(world.engine, executor, lambda: datetime.now(UTC))
    worker = Worker(world.engine, heartbeats, run, concurrency=1, lease_s=LEASE_S)
    worker.start()
    signal.signal(signal.SIGTERM, lambda *_: worker.request_stop())
    worker.wait()
    worker.stop()
    world.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
