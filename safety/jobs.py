"""Durable work: a job is queued in the database, run by any worker, and adopted when its worker dies.

    Queue.submit ─▶ DBOS queue (same database) ─▶ Worker ─▶ run(job, step)
                                                    └─ heartbeat; a silent worker's jobs are adopted

DBOS remembers every finished step of a workflow, so a job continues behind its last step. It recovers only its own
executor's work, and only when it starts; the watchdog here adopts that of executors whose heartbeat stopped
(docs/adr/0003), and takes up what this worker claimed but, because the database went away in between, never began or
never ended. Steps may run twice and are idempotent: see `safety.pipeline`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, StepOptions
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from safety.errors import DatabaseError
from safety.gate import Clock
from safety.pipeline import Step
from safety.tables import workers

log = logging.getLogger(__name__)

QUEUE = "jobs"
WORKFLOW = "run_job"

SCANS = "scans"
SCAN_WORKFLOW = "run_scan"
"""Scans have a queue of their own: a long upload does not delay a job, nor the other way round."""

PROTOCOL = "framegate-jobs-2"
"""Workers adopt each other's jobs while this is equal; change it when the steps of a job change."""

RETRIES = StepOptions(
    retries_allowed=True,
    max_attempts=12,
    interval_seconds=0.5,
    backoff_rate=2.0,
    should_retry=lambda error: isinstance(error, DatabaseError),
)
"""A step that fails because the database is away is tried again for about a quarter of an hour: 0.5 + 1 + 2 + … + 512
seconds of waiting, plus the database driver's own time-outs."""

RunJob = Callable[[str, Step], str]
"""Runs the job, or the scan, with this id, wrapping each step; returns the word of its final status."""


def prepare_queue(engine: Engine) -> None:
    """Create or upgrade the tables of the durable queue in this database."""
    DBOS.migrate(engine.url.render_as_string(hide_password=False))


class Queue:
    """Hands jobs to workers. Cheap to keep; used by the API and the command line."""

    def __init__(self, engine: Engine) -> None:
        self._client = DBOSClient(system_database_engine=engine, serializer=DBOSPortableJSONSerializer())

    def submit(self, job: str, attempt: int = 1) -> None:
        """Queue one attempt of a job; the same attempt twice is one."""
        self._enqueue(QUEUE, WORKFLOW, f"{job}.{attempt}", job)

    def submit_scan(self, scan: str) -> None:
        """Queue a scan; the same scan twice is one."""
        self._enqueue(SCANS, SCAN_WORKFLOW, scan, scan)

    def _enqueue(self, queue: str, workflow: str, id_: str, subject: str) -> None:
        self._client.enqueue(
            {"queue_name": queue, "workflow_name": workflow, "workflow_id": id_, "app_version": PROTOCOL}, subject
        )

    def cancel(self, job: str, attempt: int = 1) -> None:
        """Stop a job before its next step."""
        self._client.cancel_workflow(f"{job}.{attempt}")

    def close(self) -> None:
        """Close the connection."""
        self._client.destroy()


class Heartbeats:
    """Who works: each worker signs in with a time; one that stays silent is taken for dead."""

    def __init__(self, engine: Engine, executor: str, clock: Clock) -> None:
        self.executor = executor
        self._engine = engine
        self._clock = clock

    def beat(self) -> None:
        """Say that this worker lives."""
        now = self._clock()
        with self._engine.begin() as connection:
            mine = workers.c.executor_id == self.executor
            if connection.execute(update(workers).where(mine).values(seen_at=now)).rowcount == 0:
                connection.execute(insert(workers).values(executor_id=self.executor, seen_at=now))

    def silent(self, lease_s: float) -> list[str]:
        """Return the other workers that have not been heard of for this many seconds."""
        limit = self._clock() - timedelta(seconds=lease_s)
        query = select(workers.c.executor_id).where(workers.c.seen_at < limit, workers.c.executor_id != self.executor)
        with self._engine.connect() as connection:
            return list(connection.scalars(query))

    def forget(self, executor: str) -> None:
        """Strike a worker off, when it left or all its jobs were adopted."""
        with self._engine.begin() as connection:
            connection.execute(delete(workers).where(workers.c.executor_id == executor))


class Worker:
    """Runs queued jobs in this process until stopped. One a process: DBOS is process-wide."""

    def __init__(
        self,
        engine: Engine,
        heartbeats: Heartbeats,
        run: RunJob,
        *,
        scan: RunJob | None = None,
        concurrency: int,
        lease_s: float,
    ) -> None:
        """Take what runs a job; `scan` runs a scan, and without it this worker leaves scans to others."""
        self._engine = engine
        self._heartbeats = heartbeats
        self._run = run
        self._scan = scan
        self._concurrency = concurrency
        self._lease_s = lease_s
        self._stopping = threading.Event()
        self._running: set[str] = set()
        self._unattended: dict[str, float] = {}

    def start(self) -> None:
        """Begin to take jobs."""
        DBOS(
            config={
                "name": "framegate",
                "system_database_engine": self._engine,
                "application_version": PROTOCOL,
                "executor_id": self._heartbeats.executor,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "WARNING",
                "enable_otlp": False,
            }
        )
        queues = {QUEUE: (WORKFLOW, self._run)} | ({SCANS: (SCAN_WORKFLOW, self._scan)} if self._scan else {})
        for workflow, run in queues.values():
            self._register(workflow, run)
        self._heartbeats.beat()
        DBOS.launch()
        for queue in queues:
            DBOS.register_queue(queue, worker_concurrency=self._concurrency, polling_interval_sec=0.25)
        self._watchdog = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._watchdog.start()

    def request_stop(self) -> None:
        """Make `wait` return; safe in a signal handler."""
        self._stopping.set()

    def wait(self) -> None:
        """Block until somebody asks to stop."""
        self._stopping.wait()

    def stop(self, grace_s: int = 30) -> None:
        """Take no more jobs; give running ones this many seconds. What is unfinished then, another worker adopts."""
        self._stopping.set()
        self._watchdog.join()
        DBOS.destroy(workflow_completion_timeout_sec=grace_s)

    def _watch(self) -> None:
        while not self._stopping.wait(self._lease_s / 5):
            try:
                self._adopt_the_silent()
                self._take_up_the_dropped()
            except SQLAlchemyError as error:
                # The database is away: it is asked again at the next beat, for as long as this worker lives.
                log.warning("no heartbeat could be written (%s); trying again", type(error).__name__)

    def _adopt_the_silent(self) -> None:
        self._heartbeats.beat()
        for dead in self._heartbeats.silent(self._lease_s):
            adopted = DBOS._recover_pending_workflows([dead])
            log.warning("worker %s is silent; adopted %d of its jobs", dead, len(adopted))
            if not adopted:
                self._heartbeats.forget(dead)

    def _take_up_the_dropped(self) -> None:
        """Queue again what has been this worker's for a whole lease while none of its threads runs it."""
        mine = DBOS.list_workflows(
            status="PENDING",
            executor_id=self._heartbeats.executor,
            app_version=PROTOCOL,
            load_input=False,
            load_output=False,
        )
        now = time.monotonic()
        names = {each.workflow_id: each.name for each in mine if each.workflow_id not in self._running}
        self._unattended = {id_: self._unattended.get(id_, now) for id_ in names}
        for id_, since in self._unattended.items():
            if now - since >= self._lease_s:
                DBOS.resume_workflow(id_, queue_name=QUEUE if names[id_] == WORKFLOW else SCANS)
                log.warning("%s was claimed and not run for %g s; it is queued again", id_, now - since)

    def _register(self, workflow: str, run: RunJob) -> None:
        @DBOS.workflow(name=workflow)
        def run_durably(subject: str) -> str:
            id_ = str(DBOS.workflow_id)
            self._running.add(id_)
            try:
                return run(subject, lambda name, work: DBOS.run_step({**RETRIES, "name": name}, work))
            finally:
                self._running.discard(id_)
