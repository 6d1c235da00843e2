"""Things that happen to a service: the database goes away, the disk fills, a certificate runs out."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from api.settings import Settings
from api.wiring import House, prepare
from api.worker import run_job
from generator.base import GenerationCancelled
from media.errors import StorageError
from provenance.base import SignerUnusable
from provenance.certificates import DevelopmentPki, issue, private_key_pem
from safety import audit
from safety.database import migrate, utc_now
from safety.domain import JobStatus
from safety.errors import StepFailed
from safety.jobs import QUEUE, WORKFLOW, Heartbeats, Queue, Worker, prepare_queue
from safety.lookup import JobStore
from safety.work import JobRunner
from tests.flows.test_kill import no_worker_is_left_behind, start_worker, stop, wait_for_status
from tests.postgres import running_cluster
from tests.world import World

ROOT = Path(__file__).parents[2]

__all__ = ["no_worker_is_left_behind"]  # a fixture that holds here too


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


@pytest.mark.slow
def test_a_job_survives_that_the_database_goes_away_and_comes_back(tmp_path):
    """The server is stopped without a word while jobs run, and started again: nothing is lost, nothing is doubled."""
    with running_cluster(durable=True) as cluster, cluster.database("template0") as url:
        world = World(tmp_path, url)
        migrate(world.engine)
        prepare_queue(world.engine)
        jobs, queue = JobStore(world.engine), Queue(world.engine)
        ids = [f"video_{number}" for number in range(4)]
        for id_ in ids:
            jobs.create(world.job("a green field", id_))
            queue.submit(id_)
        worker = start_worker(url, tmp_path, "never")
        try:
            wait_for_status(jobs, ids[:1], JobStatus.RELEASED)
            world.engine.dispose()
            cluster.stop(at_once=True)
            time.sleep(2)
            cluster.start()
            wait_for_status(jobs, ids, JobStatus.RELEASED, seconds=120)
            assert sorted(release.job for release in world.ledger.releases()) == ids
            assert audit.verify(world.engine, world.log_key.public).ok
        finally:
            stop(worker)
            queue.close()
            world.close()


def test_a_job_that_was_claimed_when_the_database_went_away_is_run_after_all(world):
    """Claimed by a worker that lives, and run by none of its threads: what an outage between the two leaves behind."""
    prepare_queue(world.engine)
    queue, runs = Queue(world.engine), []
    heartbeats = Heartbeats(world.engine, "living", utc_now)
    worker = Worker(world.engine, heartbeats, lambda job, _step: str(runs.append(job)), concurrency=1, lease_s=0.5)
    claim = "UPDATE workflow_status SET status = 'PENDING', executor_id = 'living', queue_name = :queue"
    worker.start()
    try:
        queue._enqueue("nobody-listens", WORKFLOW, "video_1.1", "video_1")
        with world.engine.begin() as connection:
            assert connection.execute(text(claim), {"queue": QUEUE}).rowcount == 1
        deadline = time.monotonic() + 30
        while not runs and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        worker.stop(grace_s=5)
        queue.close()

    assert runs == ["video_1"]


def test_a_full_disk_fails_the_job_and_releases_nothing(world, tmp_path):
    class FullDisk:
        """Takes the marked clip, and has no room left for the signed one."""

        def __init__(self, blobs):
            self._blobs, self._room = blobs, 1

        def put(self, path):
            if self._room == 0:
                raise StorageError(f"{path.name} cannot be stored: no space left on device")
            self._room -= 1
            return self._blobs.put(path)

        def __getattr__(self, name):
            return getattr(self._blobs, name)

    object.__setattr__(world.desk, "blobs", FullDisk(world.blobs))
    jobs = JobStore(world.engine)
    jobs.create(world.job("a green field"))

    with pytest.raises(StorageError, match="no space left"):
        JobRunner(jobs, world.pipeline).run("video_1")

    assert jobs.get("video_1").status is JobStatus.FAILED
    assert "no space left" in jobs.get("video_1").error
    assert world.ledger.release_of_job("video_1") is None


def test_a_failed_job_says_why_and_can_be_asked_for_again(world):
    jobs = JobStore(world.engine)
    jobs.create(world.job("a green field"))
    world.signer.broken = True
    with pytest.raises(Exception, match="pen is dry"):
        JobRunner(jobs, world.pipeline).run("video_1")
    world.signer.broken = False
    jobs.create(world.job("a green field", "video_2"))

    outcome = JobRunner(jobs, world.pipeline).run("video_2")

    assert jobs.get("video_1").error == "SigningError: the pen is dry"
    assert world.blobs.contains(jobs.get("video_1").outputs["mark"]["sha256"]), "what nobody names is never discarded"
    assert outcome.status is JobStatus.RELEASED


def test_a_job_that_ended_is_not_run_again(world):
    """A worker died between the last line of the job and its own memory of it; its heir finds the job ended."""
    jobs = JobStore(world.engine)
    jobs.create(world.job("a green field"))
    first = JobRunner(jobs, world.pipeline).run("video_1")

    again = JobRunner(jobs, world.pipeline).run("video_1")

    assert again.release == first.release
    assert len(world.generator.calls) == 1


def test_what_was_cancelled_while_it_was_made_is_not_released(world):
    jobs = JobStore(world.engine)
    jobs.create(world.job("a green field"))

    def cancel_after_signing(name, work):
        output = work()
        if name == "sign":
            jobs.set_status("video_1", JobStatus.CANCELLED)
        return output

    with pytest.raises(GenerationCancelled, match="nothing is released"):
        JobRunner(jobs, world.pipeline).run("video_1", cancel_after_signing)

    assert jobs.get("video_1").status is JobStatus.CANCELLED
    assert world.ledger.releases() == []
    assert [path for path in world.blobs._root.rglob("*") if path.is_file()] == []


def test_a_fault_that_nobody_foresaw_fails_the_job_and_keeps_its_words_to_the_log(world, caplog):
    class Rogue:
        name = version = "rogue"
        accepts = str
        signals = frozenset({"text.rogue"})

        def score(self, content):
            raise RuntimeError(f"cannot bear {content}")

    world.gate.instruments.text.append(Rogue())
    jobs = JobStore(world.engine)
    jobs.create(world.job("a green field"))
    house = SimpleNamespace(jobs=jobs, runner=JobRunner(jobs, world.pipeline))

    word = run_job(house, "video_1", lambda _name, work: work())

    assert word == "failed"
    assert jobs.get("video_1").error == "unforeseen RuntimeError"
    assert world.ledger.releases() == []


def test_a_watchdog_outlives_a_database_error(world):
    class Flaky(Heartbeats):
        beats = 0

        def beat(self):
            self.beats += 1
            if self.beats == 2:
                raise OperationalError("beat", {}, Exception("gone"))
            super().beat()

    prepare_queue(world.engine)
    heartbeats = Flaky(world.engine, "flaky", lambda: dt.datetime.now(dt.UTC))
    worker = Worker(world.engine, heartbeats, lambda _job, _step: "done", concurrency=1, lease_s=0.5)
    worker.start()
    try:
        deadline = time.monotonic() + 20
        while heartbeats.beats < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        worker.stop(grace_s=0)

    assert heartbeats.beats >= 5


class TestASignerThatCannotSign:
    @pytest.fixture
    def settings(self, tmp_path):
        def build(**changes) -> Settings:
            settings = Settings(home=tmp_path / "home", **changes)
            prepare(settings, queue=False)
            return settings

        return build

    def _files(self, settings: Settings, folder: Path, certificate, key) -> dict[str, Path]:
        anchors = DevelopmentPki.at(settings.keys_folder / "pki").root_pem
        chain, key_file = folder / "chain.pem", folder / "key.pem"
        chain.write_bytes(certificate.public_bytes(Encoding.PEM))
        key_file.write_text(private_key_pem(key))
        return {"signer_chain": chain, "signer_key": key_file, "trust_anchors": anchors}

    def _self_test(self, settings: Settings) -> None:
        house = House(settings)
        try:
            house.signer.self_test()
        finally:
            house.close()

    def test_an_expired_certificate_is_refused_before_any_work(self, settings, tmp_path):
        past = dt.datetime.now(dt.UTC) - dt.timedelta(days=400)
        certificate, key = issue("expired", "test", days=30, not_before=past)

        with pytest.raises(SignerUnusable, match="expired"):
            self._self_test(settings(**self._files(settings(), tmp_path, certificate, key)))

    def test_a_key_of_another_certificate_is_refused_before_any_work(self, settings, tmp_path):
        certificate, _ = issue("one", "test", days=30)
        _, other = issue("two", "test", days=30)

        with pytest.raises(SignerUnusable, match="key"):
            self._self_test(settings(**self._files(settings(), tmp_path, certificate, other)))

    @pytest.mark.slow
    def test_a_worker_refuses_to_start_and_says_why(self, settings, tmp_path):
        certificate, _ = issue("one", "test", days=30)
        _, other = issue("two", "test", days=30)
        files = self._files(settings(), tmp_path, certificate, other)
        environment = {
            **os.environ,
            "FRAMEGATE_HOME": str(tmp_path / "home"),
            **{f"FRAMEGATE_{name.upper()}": str(path) for name, path in files.items()},
        }

        command = [sys.executable, "-m", "api", "worker"]
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )

        assert done.returncode == 1
        assert "key" in done.stderr


def test_a_failure_is_remembered_as_an_answer_so_that_a_replay_fails_the_job_in_the_same_words(world):
    """The worker died after a step failed and before it wrote FAILED down; its heir gets the step's answer replayed."""
    jobs = JobStore(world.engine)
    jobs.create(world.job("a green field"))
    world.signer.broken = True
    answers = {}

    def first_life(name, work):
        answers[name] = work()
        if "failure" in answers[name]:
            raise KeyboardInterrupt
        return answers[name]

    with pytest.raises(KeyboardInterrupt):
        JobRunner(jobs, world.pipeline).run("video_1", first_life)
    with pytest.raises(StepFailed, match="pen is dry"):
        JobRunner(jobs, world.pipeline).run("video_1", lambda name, work: answers[name] if name in answers else work())

    assert jobs.get("video_1").status is JobStatus.FAILED
    assert jobs.get("video_1").error == "SigningError: the pen is dry"
