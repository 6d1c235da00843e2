"""An append is recorded once, in order, for good, or its caller is told."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from safety import audit, ledger_rows
from safety.checkpoints import LogKey, verify_checkpoint
from safety.database import open_engine, writing
from safety.domain import Action, Checkpoint, Decision
from safety.errors import Conflict, DatabaseError, LedgerError, NotFound
from safety.ledger import Ledger, _Append
from safety.records import decision_to_record, encode
from tests.postgres import running_cluster
from tests.safety.making import NOON, a_decision, a_release, allowed

ROOT = Path(__file__).resolve().parents[2]


def positions(ledger: Ledger) -> list[int]:
    return [entry.position for entry in ledger.entries()]


def start_appending(url: str, key: Path, prefix: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "tests/safety/appending.py"), url, str(key), prefix, str(count)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# --- what an append is


def test_an_appended_decision_can_be_read_back(ledger: Ledger) -> None:
    decision = a_decision(action=Action.REVIEW)

    assert ledger.append_decision(decision) == decision
    assert ledger.decision(decision.id) == decision
    assert ledger.size() == 1


def test_an_appended_release_can_be_found_by_everything_it_carries(ledger: Ledger) -> None:
    release = a_release(decisions=allowed(ledger, job="job_1"), job="job_1")

    assert ledger.append_release(release) == release
    assert ledger.release(release.id) == release
    assert ledger.release_of_job("job_1") == release
    assert ledger.release_by_watermark(release.watermark) == release
    assert ledger.release_by_sha256(release.sha256) == release
    assert ledger.release_by_manifest(release.manifest) == release


def test_what_is_not_there_is_none(ledger: Ledger) -> None:
    ledger.append_decision(a_decision())

    assert ledger.decision("dec_9") is None
    assert ledger.release("dec_0") is None
    assert ledger.release_by_watermark("00") is None
    assert ledger.effective("job", Checkpoint.PROMPT) is None


def test_an_event_is_kept_with_its_time(engine: Engine, log_key: LogKey) -> None:
    with Ledger(engine, log_key, clock=lambda: NOON) as ledger:
        stored = ledger.append_event("remark", "app_1", {"decision": "dec_1", "words": "please look again"})
        again = ledger.append_event("remark", "app_1", {"decision": "dec_2"})

    assert stored["at"] == "2025-03-01T12:00:00.000000Z"
    assert stored["words"] == "please look again"
    assert again == stored


def test_a_decision_cannot_come_in_as_an_event(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="method of its own"):
        ledger.append_event("decision", "dec_1", {})
    assert ledger.size() == 0


# --- once


def test_the_first_of_two_equal_ids_wins_and_both_callers_get_it(ledger: Ledger) -> None:
    first = ledger.append_decision(a_decision(1, id="same"))

    assert ledger.append_decision(a_decision(2, id="same", action=Action.BLOCK)) == first
    assert ledger.size() == 1


def test_equal_ids_in_one_group_are_one_entry(ledger: Ledger) -> None:
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda number: ledger.append_decision(a_decision(number, id="same")), range(64)))

    assert set(results) == {ledger.decision("same")}
    assert ledger.size() == 1


def test_an_id_of_another_kind_is_not_returned_as_this_one(ledger: Ledger) -> None:
    ledger.append_event("remark", "dec_0", {})

    with pytest.raises(LedgerError, match="recorded as a remark, not as a decision"):
        ledger.append_decision(a_decision(0))


def test_a_release_is_registered_once_however_often_its_step_runs(ledger: Ledger) -> None:
    release = a_release(decisions=allowed(ledger))

    for again in range(3):
        assert ledger.append_release(replace(release, at=NOON + timedelta(days=again))) == replace(release, at=NOON)
    assert len(ledger.releases()) == 1


# --- what is refused


@pytest.mark.parametrize("action", [Action.REVIEW, Action.BLOCK])
def test_no_release_rests_on_a_decision_that_does_not_allow(ledger: Ledger, action: Action) -> None:
    ledger.append_decision(a_decision(2, action=action))

    with pytest.raises(Conflict, match=r"dec_2 .*nothing is released"):
        ledger.append_release(a_release(decisions=(*allowed(ledger), "dec_2")))
    assert ledger.releases() == []


@pytest.mark.parametrize("decisions", [(), ("dec_7",)])
def test_no_release_without_recorded_decisions(ledger: Ledger, decisions: tuple[str, ...]) -> None:
    with pytest.raises(Conflict, match="nothing is released"):
        ledger.append_release(a_release(decisions=decisions))
    assert ledger.size() == 0


def test_no_release_rests_on_a_decision_that_was_superseded(ledger: Ledger) -> None:
    ledger.append_decision(a_decision(1))
    ledger.append_decision(a_decision(2, action=Action.BLOCK, supersedes="dec_1"))

    with pytest.raises(Conflict, match="not an effective ALLOW"):
        ledger.append_release(a_release(decisions=("dec_1",)))


@pytest.mark.parametrize("missing", list(Checkpoint)[:3:2])
def test_no_release_without_both_its_prompt_and_its_output_allowed(ledger: Ledger, missing: Checkpoint) -> None:
    prompt, output = allowed(ledger)
    kept = output if missing is Checkpoint.PROMPT else prompt

    with pytest.raises(Conflict, match=f"no decision of its own job allowed it at {missing}"):
        ledger.append_release(a_release(decisions=(kept,)))


def test_no_release_rests_on_the_decisions_of_another_job(ledger: Ledger) -> None:
    with pytest.raises(Conflict, match="no decision of its own job"):
        ledger.append_release(a_release(decisions=allowed(ledger, job="job_1"), job="job_2"))


def test_a_watermark_belongs_to_one_release(ledger: Ledger) -> None:
    decisions = allowed(ledger)
    ledger.append_release(a_release(1, decisions=decisions, watermark="abc"))

    with pytest.raises(Conflict, match="belongs to another release"):
        ledger.append_release(a_release(2, decisions=decisions, watermark="abc"))


def test_a_decision_is_superseded_once(ledger: Ledger) -> None:
    ledger.append_decision(a_decision(1, action=Action.REVIEW))
    ledger.append_decision(a_decision(2, supersedes="dec_1"))

    with pytest.raises(Conflict, match="superseded already"):
        ledger.append_decision(a_decision(3, supersedes="dec_1"))
    with pytest.raises(Conflict, match="no decision dec_9"):
        ledger.append_decision(a_decision(3, supersedes="dec_9"))


def test_of_racing_reviewers_one_wins(ledger: Ledger) -> None:
    ledger.append_decision(a_decision(0, action=Action.REVIEW))
    barrier = threading.Barrier(8)

    def supersede(number: int) -> Decision | Conflict:
        barrier.wait()
        try:
            return ledger.append_decision(a_decision(number, supersedes="dec_0"))
        except Conflict as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(supersede, range(1, 9)))

    assert sum(isinstance(each, Decision) for each in results) == 1
    assert ledger.size() == 2


def test_a_refusal_does_not_touch_the_others_of_its_group(ledger: Ledger) -> None:
    def append(number: int) -> bool:
        try:
            ledger.append_decision(a_decision(number, supersedes="dec_none" if number % 2 else None))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(append, range(40)))

    assert results == [number % 2 == 0 for number in range(40)]
    assert positions(ledger) == list(range(20))


# --- many writers


def test_a_group_takes_as_many_statements_as_one_append(ledger: Ledger) -> None:
    """Every call of a driver lets go of the interpreter, and the writer would wait for it among all its callers."""
    ledger.append_decision(a_decision(0, action=Action.BLOCK))
    statements: list[str] = []
    event.listen(ledger.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))

    taken = []
    for numbers in (range(1, 2), range(2, 50)):
        statements.clear()
        group = [_append_of(a_decision(number, action=Action.BLOCK)) for number in numbers]
        assert ledger._commit(group) == [each.body for each in group]
        taken.append(len(statements))

    assert taken[0] == taken[1] <= 10
    assert audit.verify(ledger.engine, ledger.public_key).ok


def _append_of(decision: Decision) -> _Append:
    record = decision_to_record(decision)
    return _Append(decision.id, "decision", decision.at, record, encode("decision", record))


def test_a_group_larger_than_a_statement_is_whole(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_rows, "PARAMETERS", 40)

    group = [_append_of(a_decision(number, action=Action.BLOCK)) for number in range(30)]
    ledger._commit(group)

    assert positions(ledger) == list(range(30))
    assert audit.verify(ledger.engine, ledger.public_key).ok


def test_what_a_statement_of_a_group_is_refused_for_is_told(ledger: Ledger) -> None:
    """On PostgreSQL all statements of a group go out at once: the refusal comes behind them, and rolls all back."""
    ledger.append_decision(a_decision(0))
    with writing(ledger.engine) as connection:
        connection.execute(text("INSERT INTO subtrees (height, number, root) VALUES (8, 0, :root)"), {"root": b"x"})

    with pytest.raises(LedgerError, match="refused a change"):
        ledger._commit([_append_of(a_decision(number)) for number in range(1, 300)])

    assert positions(ledger) == [0]
    assert ledger.append_decision(a_decision(1)).id == "dec_1"


def test_many_threads_leave_no_gap(ledger: Ledger) -> None:
    with ThreadPoolExecutor(24) as pool:
        list(pool.map(lambda number: ledger.append_decision(a_decision(number)), range(240)))

    assert positions(ledger) == list(range(240))
    assert audit.verify(ledger.engine, ledger.public_key).ok


def test_two_processes_take_turns(database_url: str, log_key: LogKey, tmp_path: Path, ledger: Ledger) -> None:
    processes = [start_appending(database_url, tmp_path / "log.key", name, 60) for name in ("a", "b")]
    for number in range(60):
        ledger.append_decision(a_decision(number, id=f"c-{number}"))
    errors = [process.communicate(timeout=120)[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], errors
    assert positions(ledger) == list(range(180))
    assert {entry.id for entry in ledger.entries()} == {f"{name}-{n}" for name in "abc" for n in range(60)}
    assert audit.verify(ledger.engine, log_key.public).ok


@pytest.mark.parametrize("after", [3, 40])
def test_kill_9_loses_nothing_that_was_acknowledged(
    database_url: str, log_key: LogKey, tmp_path: Path, ledger: Ledger, after: int
) -> None:
    process = start_appending(database_url, tmp_path / "log.key", "k", 100_000)
    if process.stdout is None or process.stderr is None:
        pytest.fail("no pipe")
    acknowledged = [process.stdout.readline().strip() for _ in range(after)]
    process.kill()
    acknowledged += process.stdout.read().split("\n")[:-1]  # whole lines only
    process.stderr.close()
    process.stdout.close()
    assert process.wait() == -9

    stored = ledger.append_decision(a_decision(id="heir"))

    assert len(acknowledged) >= after
    assert set(acknowledged) <= {entry.id for entry in ledger.entries(limit=100_000)}
    report = audit.verify(ledger.engine, log_key.public)
    assert (report.ok, report.entries) == (True, ledger.size())
    assert ledger.decision("heir") == stored


# --- when things break


def test_a_failed_group_fails_all_its_callers_and_the_next_one_works(ledger: Ledger) -> None:
    ledger.append_decision(a_decision(0))
    with writing(ledger.engine) as connection:
        refuse = {
            "sqlite": "CREATE TRIGGER broken BEFORE INSERT ON decisions BEGIN SELECT RAISE(ABORT, 'disk full'); END",
            "postgresql": "ALTER TABLE decisions ADD CONSTRAINT broken CHECK (entry < 1)",
        }[ledger.engine.dialect.name]
        connection.execute(text(refuse))

    def append(number: int) -> str:
        try:
            return ledger.append_decision(a_decision(number)).id
        except LedgerError as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(append, range(1, 20))) == {"LedgerError"}

    with writing(ledger.engine) as connection:
        connection.execute(
            text({"sqlite": "DROP TRIGGER broken", "postgresql": "ALTER TABLE decisions DROP CONSTRAINT broken"}[
                ledger.engine.dialect.name
            ])
        )  # fmt: skip
    assert ledger.append_decision(a_decision(1)) == a_decision(1)
    assert positions(ledger) == [0, 1]
    assert audit.verify(ledger.engine, ledger.public_key).ok


@pytest.mark.slow
def test_a_database_that_dies_mid_append_is_an_error_and_its_return_a_recovery(tmp_path: Path, log_key: LogKey) -> None:
    from safety.database import migrate

    with running_cluster(durable=True) as cluster:
        engine = open_engine(cluster.url("postgres"))
        migrate(engine)
        acknowledged: list[str] = []
        failures: list[LedgerError] = []
        dead = threading.Event()
        with Ledger(engine, log_key) as ledger:

            def append_until_it_fails(thread: int) -> None:
                for number in range(100_000):
                    try:
                        acknowledged.append(ledger.append_decision(a_decision(number, id=f"{thread}-{number}")).id)
                    except LedgerError as error:
                        failures.append(error)
                        dead.set()
                        return

            threads = [threading.Thread(target=append_until_it_fails, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 60
            while len(acknowledged) < 50 and time.monotonic() < deadline:
                time.sleep(0.01)
            cluster.stop(at_once=True)
            for thread in threads:
                thread.join(timeout=60)

            assert len(failures) == 8
            assert any(isinstance(failure, DatabaseError) for failure in failures)
            with pytest.raises(DatabaseError):
                ledger.append_decision(a_decision(id="while away"))

            cluster.start()
            assert ledger.append_decision(a_decision(id="back again")).id == "back again"
            assert set(acknowledged) <= {entry.id for entry in ledger.entries(limit=1_000_000)}
            assert audit.verify(engine, log_key.public).ok
        engine.dispose()


def test_a_database_without_tables_is_an_error(tmp_path: Path, log_key: LogKey) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/bare.db")
    with Ledger(engine, log_key) as ledger, pytest.raises(DatabaseError, match="no such table"):
        ledger.append_decision(a_decision())
    engine.dispose()


def test_a_closed_ledger_refuses_and_finishes_what_waited(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        pending = [pool.submit(ledger.append_decision, a_decision(number)) for number in range(8)]
        deadline = time.monotonic() + 30
        while ledger.size() == 0 and time.monotonic() < deadline:
            time.sleep(0.005)
        ledger.close()
        done = [future.result() for future in pending if future.exception() is None]

    with pytest.raises(LedgerError, match="closed"):
        ledger.append_decision(a_decision(99))
    assert done
    assert {decision.id for decision in done} == {entry.id for entry in ledger.entries()}
    ledger.close()


# --- the head is trusted only as far as its signature


def test_nothing_is_appended_behind_a_head_that_somebody_edited(ledger: Ledger, log_key: LogKey) -> None:
    ledger.append_decision(a_decision(0))
    ledger.append_decision(a_decision(1))
    with writing(ledger.engine) as connection:
        connection.execute(text("UPDATE ledger_head SET frontier = :peaks"), {"peaks": bytes(32)})

    with Ledger(ledger.engine, log_key) as other, pytest.raises(LedgerError, match="does not fit"):
        other.append_decision(a_decision(2))


def test_nothing_is_appended_behind_a_head_of_another_key(ledger: Ledger, log_key: LogKey, tmp_path: Path) -> None:
    ledger.append_decision(a_decision(0))
    stranger = LogKey.create(tmp_path / "other.key", log_key.name)

    with Ledger(ledger.engine, stranger) as other, pytest.raises(LedgerError, match="none of the log's keys"):
        other.append_decision(a_decision(1))


def test_a_new_key_goes_on_where_the_former_is_trusted(ledger: Ledger, log_key: LogKey, tmp_path: Path) -> None:
    ledger.append_decision(a_decision(0))
    ledger.checkpoint()
    newer = LogKey.create(tmp_path / "newer.key", log_key.name)

    with Ledger(ledger.engine, newer, former_keys=[log_key.public]) as other:
        other.append_decision(a_decision(1))

    assert audit.verify(ledger.engine, newer.public, log_key.public).ok
    assert not audit.verify(ledger.engine, newer.public).ok


def test_a_process_that_saw_more_than_there_is_refuses_to_go_on(ledger: Ledger, without_triggers: Callable) -> None:
    ledger.append_decision(a_decision(0))
    with writing(ledger.engine) as connection:
        head = connection.execute(text("SELECT size, frontier, note FROM ledger_head")).one()
    ledger.append_decision(a_decision(1))
    with without_triggers(ledger.engine) as connection:
        for table in ("decisions", "findings"):
            connection.execute(text(f"DELETE FROM {table} WHERE entry = 1"))  # noqa: S608 - our own names
        connection.execute(text("DELETE FROM entries WHERE position = 1"))
        connection.execute(
            text("UPDATE ledger_head SET size = :s, frontier = :f, note = :n"), dict(zip("sfn", head, strict=True))
        )

    with pytest.raises(LedgerError, match="shrank from 2 to 1"):
        ledger.append_decision(a_decision(2))


# --- checkpoints


def test_checkpoints_are_stored_as_the_ledger_grows(engine: Engine, log_key: LogKey) -> None:
    with Ledger(engine, log_key, checkpoint_every=10) as ledger:
        decisions = allowed(ledger)
        for number in range(23):
            ledger.append_decision(a_decision(number))
        assert verify_checkpoint(ledger.latest_checkpoint() or "", log_key.public).size == 20

        ledger.append_release(a_release(decisions=decisions))

        assert verify_checkpoint(ledger.latest_checkpoint() or "", log_key.public).size == 26


def test_a_checkpoint_can_be_asked_for_and_is_the_same_until_the_ledger_grows(ledger: Ledger) -> None:
    empty = ledger.checkpoint()
    ledger.append_decision(a_decision())
    note = ledger.checkpoint()

    assert verify_checkpoint(empty, ledger.public_key).size == 0
    assert note == ledger.checkpoint() == ledger.latest_checkpoint()
    assert verify_checkpoint(note, ledger.public_key).size == 1


# --- questions


@pytest.fixture
def history(ledger: Ledger) -> Ledger:
    """Twelve decisions of three jobs; every third is held, and one hold was decided."""
    for number in range(12):
        action = Action.REVIEW if number % 3 == 0 else Action.ALLOW
        checkpoint = Checkpoint.PROMPT if number % 2 else Checkpoint.OUTPUT
        category = "sexual" if number == 3 else "violence"
        decision = a_decision(number, action=action, job=f"job_{number % 3}", checkpoint=checkpoint, category=category)
        ledger.append_decision(decision)
    ledger.append_decision(a_decision(12, job="job_0", checkpoint=Checkpoint.PROMPT, supersedes="dec_9"))
    return ledger


def numbers(decisions: list[Decision]) -> list[int]:
    return [int(decision.id.removeprefix("dec_")) for decision in decisions]


def test_decisions_are_found_by_every_condition(history: Ledger) -> None:
    questions: list[tuple[dict[str, Any], list[int]]] = [
        ({}, list(range(12, -1, -1))),
        ({"job": "job_1"}, [10, 7, 4, 1]),
        ({"checkpoint": Checkpoint.OUTPUT}, [10, 8, 6, 4, 2, 0]),
        ({"action": Action.REVIEW}, [9, 6, 3, 0]),
        ({"action": Action.BLOCK}, []),
        ({"category": "sexual"}, [3]),
        ({"category": "violence", "checkpoint": Checkpoint.PROMPT}, [9]),
        ({"subject": f"sha256:{5:064x}"}, [5]),
        ({"policy": "sha256:none"}, []),
        ({"since": NOON + timedelta(seconds=3), "until": NOON + timedelta(seconds=6)}, [5, 4, 3]),
        ({"after": "dec_3"}, [2, 1, 0]),
        ({"after": "dec_8", "limit": 2, "action": Action.ALLOW}, [7, 5]),
    ]
    for question, answer in questions:
        assert numbers(history.decisions(**question)) == answer, question


def test_pages_join_without_gap_or_overlap(history: Ledger) -> None:
    seen: list[int] = []
    page = history.decisions(limit=5)
    while page:
        seen += numbers(page)
        page = history.decisions(limit=5, after=page[-1].id)

    assert seen == list(range(12, -1, -1))


def test_an_unknown_cursor_or_size_is_an_error(history: Ledger) -> None:
    with pytest.raises(NotFound, match="dec_99"):
        history.decisions(after="dec_99")
    for limit in (0, 1001):
        with pytest.raises(LedgerError, match="1 to 1000"):
            history.decisions(limit=limit)


def test_the_effective_decision_is_the_newest_that_was_not_superseded(history: Ledger) -> None:
    assert history.effective("job_0", Checkpoint.PROMPT) == history.decision("dec_12")
    assert history.effective("job_0", Checkpoint.OUTPUT) == history.decision("dec_6")
    assert history.superseding("dec_9") == history.decision("dec_12")
    assert history.superseding("dec_6") is None


def test_fingerprints_come_oldest_first_and_go_on_after_a_known_release(ledger: Ledger) -> None:
    decisions = allowed(ledger)
    made = [a_release(number, decisions=decisions) for number in range(5)]
    releases = [ledger.append_release(replace(each, features=("AQ==",) * int(each.id == "rel_3"))) for each in made]

    assert list(ledger.fingerprints()) == [(each.id, each.fingerprint, each.features) for each in releases]
    assert [(each.release, each.features) for each in ledger.fingerprints(after="rel_2")] == [
        ("rel_3", ("AQ==",)),
        ("rel_4", ()),
    ]
    assert ledger.releases(limit=2, after="rel_3") == [releases[2], releases[1]]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_question_uses_an_index(history: Ledger) -> None:
    """A full scan is fine with twelve rows and an outage with ten million. PostgreSQL rightly scans small tables."""
    plans: list[str] = []

    def explain(connection, cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            plans.extend(row[3] for row in cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(history.engine, "before_cursor_execute", explain)
    history.decisions(job="job_1")
    history.decisions(checkpoint=Checkpoint.PROMPT)
    history.decisions(action=Action.BLOCK)
    history.decisions(subject="s")
    history.decisions(policy="p", category="violence")
    history.effective("job_0", Checkpoint.PROMPT)
    history.release_by_watermark("abc")
    history.release_by_sha256("abc")
    history.release_of_job("job_1")
    history.release_by_manifest("urn")
    event.remove(history.engine, "before_cursor_execute", explain)

    assert plans
    assert [plan for plan in plans if plan.startswith("SCAN") or "TEMP B-TREE" in plan] == []


# --- days that go wrong


def test_a_clock_that_jumps_back_changes_no_order(engine: Engine, log_key: LogKey) -> None:
    times = iter([NOON, NOON - timedelta(days=400), NOON - timedelta(days=400), NOON, NOON, NOON])
    with Ledger(engine, log_key, clock=lambda: next(times)) as ledger:
        ledger.append_event("reveal", "look_1", {"decision": "d", "job": None, "reviewer": "ada", "what": "prompt"})
        ledger.append_event("reveal", "look_2", {"decision": "d", "job": None, "reviewer": "ada", "what": "prompt"})
        ledger.checkpoint()
        ledger.append_decision(replace(a_decision(1), at=NOON - timedelta(days=300)))
        ledger.append_decision(replace(a_decision(2), at=NOON - timedelta(days=301)))

        assert [entry.id for entry in ledger.entries()] == ["look_1", "look_2", "dec_1", "dec_2"]
        assert [decision.id for decision in ledger.decisions()] == ["dec_2", "dec_1"]
        assert [decision.id for decision in ledger.decisions(after="dec_2")] == ["dec_1"]
        assert audit.verify(engine, log_key.public).ok


def test_a_full_disk_refuses_a_group_whole_and_it_is_appended_when_there_is_room(
    tmp_path: Path, migrated_sqlite: Path, log_key: LogKey
) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "full.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'full.db'}")
    most_pages = [1 << 30]

    @event.listens_for(engine, "checkout")
    def bound(connection: sqlite3.Connection, _record: object, _proxy: object) -> None:
        connection.execute(f"PRAGMA max_page_count={most_pages[0]}").fetchall()

    with Ledger(engine, log_key) as ledger:
        ledger.append_decision(a_decision(0))
        most_pages[0] = 1  # as many as the file has, and no more
        refused = 0
        with ThreadPoolExecutor(8) as pool:
            for answer in [pool.submit(ledger.append_decision, a_decision(number)) for number in range(1, 200)]:
                refused += isinstance(answer.exception(), LedgerError)
        there = ledger.size()
        assert refused == 200 - there
        assert refused > 100

        most_pages[0] = 1 << 30
        for number in range(1, 200):
            ledger.append_decision(a_decision(number))
        assert ledger.size() == 200
    assert audit.verify(engine, log_key.public).ok
    engine.dispose()
