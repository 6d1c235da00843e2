"""A copy that is taken while writes go on verifies, and goes on; one that was restored in part is named."""

from __future__ import annotations

import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url

from safety.audit import verify
from safety.checkpoints import LogKey
from safety.database import open_engine
from safety.ledger import Ledger
from safety.lookup import Search
from safety.lookup.wholeness import faults
from tests.postgres import Cluster, find_programs
from tests.safety.making import a_decision, a_release, allowed


@contextmanager
def appending(ledger: Ledger) -> Iterator[threading.Event]:
    """Appends from two threads until the block ends; the event is set once some are there."""
    stop, begun = threading.Event(), threading.Event()

    def work(thread: int) -> None:
        for number in range(10_000):
            if stop.is_set():
                return
            ledger.append_decision(a_decision(number, id=f"dec_{thread}_{number}"))
            if number == 5:
                begun.set()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield begun
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def back_up(engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """As docs/operations.md says, into another place; returns the URL of the copy, restored."""
    if engine.dialect.name == "sqlite":

        def copy_sqlite() -> str:
            target = tmp_path / "copy.db"
            with closing(sqlite3.connect(str(engine.url.database))) as source, closing(sqlite3.connect(target)) as sink:
                source.backup(sink, pages=16)
            return f"sqlite:///{target}"

        yield copy_sqlite
        return
    cluster: Cluster = request.getfixturevalue("postgres_cluster")
    name = str(engine.url.database)
    with cluster.database("template0") as url:

        def copy_postgresql() -> str:
            where = ["-h", str(cluster.folder), "-U", "postgres"]
            dump = tmp_path / "copy.dump"
            _run("pg_dump", *where, "-Fc", "-f", str(dump), name)
            _run("pg_restore", *where, "--exit-on-error", "-d", str(make_url(url).database), str(dump))
            return url

        yield copy_postgresql


def _run(program: str, *arguments: str) -> None:
    subprocess.run([find_programs() / program, *arguments], check=True, capture_output=True)


def test_a_copy_taken_while_writes_go_on_verifies_and_goes_on(
    ledger: Ledger, log_key: LogKey, back_up: Callable[[], str]
) -> None:
    ledger.append_release(a_release(decisions=allowed(ledger)))
    note = ledger.checkpoint()
    with appending(ledger) as begun:
        assert begun.wait(120)
        url = back_up()
    after = ledger.checkpoint()

    copy = open_engine(url)
    assert faults(copy) == []
    report = verify(copy, log_key.public, notes=[note])
    assert report.ok
    assert 3 <= report.entries <= ledger.size()
    with Ledger(copy, log_key) as restored:
        restored.append_decision(a_decision(1, id="dec_after"))
        assert Search(copy).catch_up() == report.entries + 1
    assert verify(copy, log_key.public, notes=[note]).ok
    kept = verify(copy, log_key.public, notes=[after])
    assert kept.ok or {problem.kind for problem in kept.problems} == {"note"}  # what was lost shows by a kept note
    copy.dispose()


def test_a_whole_record_has_no_fault(ledger: Ledger) -> None:
    assert faults(ledger.engine) == []
    for number in range(258):
        ledger.append_decision(a_decision(number))
    ledger.append_release(a_release(decisions=allowed(ledger)))
    ledger.append_event("reveal", "look_1", {"decision": "d", "job": None, "reviewer": "ada", "what": "prompt"})

    assert faults(ledger.engine) == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("DELETE FROM ledger_head", "the head says 0 entries and the newest is number 260"),
        (
            "DELETE FROM findings; DELETE FROM decisions WHERE entry > 100",
            "the newest row of decisions is of entry 100",
        ),
        ("DELETE FROM releases", "the newest row of releases is of entry None"),
        ("DELETE FROM subtrees", "1 subtrees of height 8 are whole, and the newest that is kept is number None"),
        (
            "DELETE FROM findings; DELETE FROM decisions WHERE entry = 0; DELETE FROM entries WHERE position = 0",
            "begins with entry 1",
        ),
    ],
)
def test_what_was_restored_in_part_is_named(
    ledger: Ledger,
    without_triggers: Callable[[Engine], AbstractContextManager[Connection]],
    statement: str,
    fault: str,
) -> None:
    for number in range(257):
        ledger.append_decision(a_decision(number))
    ledger.append_release(a_release(decisions=allowed(ledger)))
    with without_triggers(ledger.engine) as connection:
        for each in statement.split(";"):
            connection.execute(text(each))

    found = faults(ledger.engine)

    assert any(fault in each for each in found), found
    assert any("triggers are missing" in each for each in found)
