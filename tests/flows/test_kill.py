"""kill -9 anywhere loses nothing and releases nothing unscreened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from safety import audit
from safety.domain import Checkpoint, JobStatus
from safety.jobs import Queue, prepare_queue
from safety.lookup import JobStore
from tests.world import World

ROOT = Path(__file__).parents[2]
PLACES = [f"{step}:{when}" for step in ("prompt", "mark", "screen", "sign") for when in ("before", "after")]

pytestmark = pytest.mark.slow


started: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def no_worker_is_left_behind():
    yield
    while started:
        worker = started.pop()
        worker.kill()
        worker.wait()


def start_worker(url: str, folder: Path, kill_at: str) -> subprocess.Popen[bytes]:
    script = ROOT / "tests" / "flows" / "crashing_worker.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    worker = subprocess.Popen([sys.executable, str(script), url, str(folder), kill_at], env=environment)
    started.append(worker)
    return worker


def wait_for_status(jobs: JobStore, ids: list[str], status: JobStatus, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while any(jobs.get(id_).status is not status for id_ in ids):
        if time.monotonic() > deadline:
            pytest.fail(f"after {seconds:g} s: {[(id_, jobs.get(id_).status, jobs.get(id_).error) for id_ in ids]}")
        time.sleep(0.1)


def stop(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(timeout=30)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


@pytest.fixture
def world(tmp_path, database_url):
    world = World(tmp_path, database_url)
    prepare_queue(world.engine)
    yield world
    world.close()


@pytest.mark.parametrize("kill_at", [*PLACES, "status"])
def test_a_job_whose_worker_was_killed_is_released_once_by_another(world, tmp_path, database_url, kill_at):
    jobs, queue = JobStore(world.engine), Queue(world.engine)
    jobs.create(world.job("a green field"))
    queue.submit("video_1")
    victim = start_worker(database_url, tmp_path, kill_at)
    assert victim.wait(timeout=60) == -signal.SIGKILL

    heir = start_worker(database_url, tmp_path, "never")
    try:
        wait_for_status(jobs, ["video_1"], JobStatus.RELEASED)
    finally:
        stop(heir)
        queue.close()

    release = world.ledger.release_of_job("video_1")
    screened = world.ledger.effective("video_1", Checkpoint.OUTPUT)
    assert len(world.ledger.releases()) == 1
    assert screened.id in release.decisions
    marked = jobs.get("video_1").outputs["mark"]["sha256"]
    assert screened.subject == f"sha256:{marked}"
    assert world.blobs.path(release.sha256).read_bytes().startswith(world.blobs.path(marked).read_bytes())
    world.blobs.verify(release.sha256)
    assert audit.verify(world.engine, world.log_key.public).ok


def test_two_workers_on_one_queue_give_each_job_one_release(world, tmp_path, database_url):
    jobs, queue = JobStore(world.engine), Queue(world.engine)
    ids = [f"video_{number}" for number in range(6)]
    for id_ in ids:
        jobs.create(world.job("a green field", id_))
        queue.submit(id_)
        queue.submit(id_)
    workers = [start_worker(database_url, tmp_path, "never") for _ in range(2)]
    try:
        wait_for_status(jobs, ids, JobStatus.RELEASED, seconds=120)
    finally:
        for worker in workers:
            stop(worker)
        queue.close()

    assert sorted(release.job for release in world.ledger.releases()) == ids
