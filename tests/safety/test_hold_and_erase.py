"""A legal hold and an erasure of the same instant see each other: two real connections, on both databases.

One side is stopped at its commit, when all of its statements were made; the other then begins.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event, text

from safety.checkpoints import LogKey
from safety.database import open_engine
from safety.domain import Job, JobStatus
from safety.errors import Conflict, SafetyError
from safety.ledger import Ledger
from tests.erasing import WORDS, Desk

PATIENCE_S = 60.0
"""A busy machine is slow; nothing here waits for so long unless it fails."""


@contextmanager
def stopped_at_commit(engine: Engine) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The first commit on this engine says that it has come and waits until it may go on."""
    there, go = threading.Event(), threading.Event()
    first = threading.Lock()

    @event.listens_for(engine, "commit")
    def stop(_connection: object) -> None:
        if first.acquire(blocking=False):
            there.set()
            go.wait(PATIENCE_S)

    try:
        yield there, go
    finally:
        go.set()
        event.remove(engine, "commit", stop)


class Running:
    """Something that runs in a thread, and how it ended."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.error: SafetyError | None = None
        self._work = work
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except SafetyError as error:
            self.error = error

    def ended(self) -> SafetyError | None:
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        return self.error


@pytest.fixture
def desks(database_url: str, ledger: Ledger, log_key: LogKey) -> Iterator[tuple[Desk, Desk]]:
    """Two processes' worth of rooms on one database; the first one is stopped, the second one comes second."""
    other = open_engine(database_url)
    with Ledger(other, log_key) as another:
        yield Desk(ledger.engine, ledger), Desk(other, another)
    other.dispose()


def until_it_waits_or_has_ended(engine: Engine, running: Running) -> None:
    """Let the second side come as far as it can. On SQLite it waits for the file, which nothing shows."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    deadline = time.monotonic() + (PATIENCE_S if engine.dialect.name == "postgresql" else 0.2)
    while running.thread.is_alive() and time.monotonic() < deadline:
        if engine.dialect.name == "postgresql":
            with engine.connect() as connection:
                if connection.execute(waiting).scalar():
                    return
        time.sleep(0.01)


def test_a_key_is_not_destroyed_while_its_subject_is_being_put_under_a_legal_hold(desks: tuple[Desk, Desk]) -> None:
    holding, erasing = desks
    holding.ask()
    subject = holding.subjects.of("key_1/ada")
    with stopped_at_commit(holding.engine) as (there, go):
        hold = Running(lambda: holding.holds.place(subject.id, reason="a court asks", actor="ops"))
        assert there.wait(PATIENCE_S)
        erasure = Running(lambda: erasing.erasure.erase(subject, actor="ops", reason="asked for it"))
        until_it_waits_or_has_ended(erasing.engine, erasure)
        go.set()
        assert hold.ended() is None
        assert isinstance(erasure.ended(), Conflict)

    assert holding.jobs.get("video_1").prompt == WORDS
    assert [each.target for each in holding.holds.list()] == [subject.id]


def test_a_legal_hold_that_comes_too_late_is_refused_and_not_promised(desks: tuple[Desk, Desk]) -> None:
    erasing, holding = desks
    subject = erasing.subjects.of("key_1/ada")
    with stopped_at_commit(erasing.engine) as (there, go):
        erasure = Running(lambda: erasing.erasure.erase(subject, actor="ops", reason="asked for it"))
        assert there.wait(PATIENCE_S)
        hold = Running(lambda: holding.holds.place(subject.id, reason="a court asks", actor="ops"))
        until_it_waits_or_has_ended(holding.engine, hold)
        go.set()
        assert erasure.ended() is None
        refused = hold.ended()

    assert isinstance(refused, Conflict)
    assert "erased" in str(refused)
    assert holding.holds.list() == []


def test_a_prompt_is_not_erased_while_its_job_is_being_put_under_a_legal_hold(desks: tuple[Desk, Desk]) -> None:
    holding, erasing = desks
    job: Job = holding.ask()
    holding.jobs.set_status(job.id, JobStatus.REFUSED)
    with stopped_at_commit(holding.engine) as (there, go):
        hold = Running(lambda: holding.holds.place(job.id, reason="a court asks", actor="ops"))
        assert there.wait(PATIENCE_S)
        erasure = Running(lambda: erasing.jobs.erase_prompt(job.id))
        until_it_waits_or_has_ended(erasing.engine, erasure)
        go.set()
        assert hold.ended() is None
        assert isinstance(erasure.ended(), Conflict)

    assert holding.jobs.get(job.id).prompt == WORDS
