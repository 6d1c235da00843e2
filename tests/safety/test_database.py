"""The schema comes from the migrations, equals the tables, and refuses to rewrite history."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, Engine, insert, inspect, text
from sqlalchemy.exc import DBAPIError

from media.blobs import BlobStore
from safety.appeals import Appeals
from safety.audit import verify
from safety.checkpoints import LogKey, sign_checkpoint
from safety.database import LOG_PAGES, in_binary, migrate, open_engine, reading, schema_is_current, writing
from safety.domain import Action, Trial
from safety.errors import DatabaseError, LedgerError
from safety.ledger import HEAD_EXTENSION, Ledger
from safety.merkle import Frontier, leaf_hash
from safety.projections import COLUMNS, project
from safety.proofs import prove_entry
from safety.records import LATER_FIELDS, decision_to_record, encode, time_to_text
from safety.tables import APPEND_ONLY, entries, ledger_head, metadata, subtrees
from safety.withdrawals import Withdrawals
from tests.safety.making import NOON, POLICY, a_book, a_decision, a_release, allowed
from tests.world import POLICY_FILE


def test_migrating_an_empty_database_gives_exactly_the_tables(empty_database_url: str) -> None:
    engine = open_engine(empty_database_url)
    assert not schema_is_current(engine)

    migrate(engine)

    assert schema_is_current(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    for name, table in metadata.tables.items():
        # Alembic does not compare these.
        ours = {str(each.name) for each in table.constraints if isinstance(each, CheckConstraint)}
        assert {each["name"] for each in inspect(engine).get_check_constraints(name)} == ours
    engine.dispose()


def test_migrating_again_changes_nothing(engine: Engine, ledger: Ledger) -> None:
    ledger.append_decision(a_decision())

    migrate(engine)

    assert ledger.decision("dec_0") == a_decision()


def test_two_processes_may_migrate_at_once(empty_database_url: str) -> None:
    script = "import sys; from safety.database import *; migrate(open_engine(sys.argv[1]))"
    command = [sys.executable, "-c", script, empty_database_url]
    root = Path(__file__).resolve().parents[2]

    processes = [subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], errors


def test_derived_columns_are_those_of_the_tables() -> None:
    assert {name: tuple(metadata.tables[name].columns.keys()) for name in COLUMNS} == COLUMNS


def test_a_ledger_from_before_a_step_of_the_schema_still_holds(empty_database_url: str, log_key: LogKey) -> None:
    """An entry that the first release wrote, migrated: same bytes, same derived rows, readable, verifiable."""
    engine = open_engine(empty_database_url)
    migrate(engine, "0001")
    old = a_decision(0, action=Action.BLOCK)
    record = decision_to_record(old)
    body = encode("decision", record)
    frontier = Frontier()
    frontier.append(leaf_hash(body))
    note = sign_checkpoint(1, frontier.root(), log_key, HEAD_EXTENSION)
    with writing(engine) as connection:
        entry = {"at": old.at, "body": body, "leaf": leaf_hash(body)}
        connection.execute(insert(entries), {"position": 0, "id": old.id, "kind": "decision", **entry})
        for name, rows in project(0, "decision", record).items():
            columns = [each for each in COLUMNS[name] if each not in LATER_FIELDS]
            for row in rows:
                connection.execute(insert(metadata.tables[name]), dict(zip(columns, row, strict=False)))
        connection.execute(insert(ledger_head), {"id": 1, "size": 1, "frontier": frontier.pack(), "note": note})

    migrate(engine)

    with Ledger(engine, log_key) as ledger:
        assert ledger.decision(old.id) == old
        new = ledger.append_decision(replace(a_decision(1), requester="key_ada", parent=old.id))
        assert ledger.decision(new.id) == new
    assert verify(engine, log_key.public).problems == ()
    engine.dispose()


def test_a_ledger_from_before_subtrees_were_kept_gets_them(empty_database_url: str, log_key: LogKey) -> None:
    engine = open_engine(empty_database_url)
    migrate(engine, "0004")
    frontier, rows = Frontier(), []
    for number in range(600):
        body = encode("note", {"id": f"n{number}", "at": time_to_text(NOON)})
        values = (number, f"n{number}", "note", NOON, body, leaf_hash(body))
        rows.append(dict(zip(entries.columns.keys(), values, strict=True)))
        frontier.append(leaf_hash(body))
    note = sign_checkpoint(600, frontier.root(), log_key, HEAD_EXTENSION)
    with writing(engine) as connection:
        connection.execute(insert(entries), rows)
        connection.execute(insert(ledger_head), {"id": 1, "size": 600, "frontier": frontier.pack(), "note": note})

    migrate(engine)

    assert verify(engine, log_key.public).problems == ()
    with Ledger(engine, log_key) as ledger:
        ledger.checkpoint()
        assert prove_entry(ledger, "n300", log_key.public).holds(log_key.public)
        assert len(prove_entry(ledger, "n300", log_key.public).path) == 10
    engine.dispose()


@pytest.fixture
def filled(ledger: Ledger, tmp_path: Path) -> Ledger:
    """A ledger with a row in every append-only table."""
    ledger.append_decision(a_decision(0))
    tried = Trial(POLICY, "watched", Action.BLOCK, ("a",), POLICY, Action.BLOCK)
    ledger.append_decision(replace(a_decision(1, action=Action.BLOCK), trials=(tried,)))
    a_book(ledger).register(POLICY_FILE, by="ada", reason="to be tried")
    release = ledger.append_release(a_release(decisions=allowed(ledger)))
    Withdrawals(ledger, BlobStore(tmp_path), lambda _: None).withdraw(release.id, by="ada", reason="a mistake")
    Appeals(ledger).file("dec_1", by="ada", reason="a toy")
    ledger.append_event("reveal", "look_1", {"decision": "dec_1", "job": None, "reviewer": "ada", "what": "file"})
    ledger.checkpoint()
    with writing(ledger.engine) as connection:  # kept for 256 entries at a time: too many to append here
        connection.execute(insert(subtrees), {"height": 8, "number": 0, "root": bytes(32)})
    return ledger


CHANGES = {
    "sqlite": ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "INSERT OR REPLACE INTO {0} SELECT * FROM {0}"],
    "postgresql": ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"],
}


def test_rows_of_the_record_cannot_be_changed(filled: Ledger) -> None:
    for table in APPEND_ONLY:
        for change in CHANGES[filled.engine.dialect.name]:
            statement = text(change.format(table, next(iter(table.columns)).name))
            with pytest.raises(LedgerError, match="append-only"), writing(filled.engine) as connection:
                connection.execute(statement)


def test_the_head_only_grows(filled: Ledger) -> None:
    for change in ("UPDATE ledger_head SET size = size - 1", "DELETE FROM ledger_head"):
        with pytest.raises(LedgerError, match=r"only grows|append-only"), writing(filled.engine) as connection:
            connection.execute(text(change))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_triggers_also_stop_whoever_plays_a_replica(filled: Ledger) -> None:
    """`session_replication_role` switches ordinary triggers off."""
    with pytest.raises(LedgerError, match="append-only"), writing(filled.engine) as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE findings SET ordinal = 0"))


def test_a_failed_transaction_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        connection.execute(text("INSERT INTO workers VALUES ('w', '2025-01-01 00:00:00')"))
        _ = 1 / 0

    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM workers")).scalar() == 0


def test_a_reading_is_one_snapshot(engine: Engine) -> None:
    count = text("SELECT count(*) FROM workers")
    with reading(engine) as connection:
        before = connection.execute(count).scalar()
        with writing(engine) as other:
            other.execute(text("INSERT INTO workers VALUES ('w', '2025-01-01 00:00:00')"))
        assert connection.execute(count).scalar() == before

    with reading(engine) as connection:
        assert connection.execute(count).scalar() == 1


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "malformed"),
        ("mysql://root@localhost/x", "mysql"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
def test_a_database_we_do_not_know_is_refused(url: str, says: str) -> None:
    with pytest.raises(DatabaseError, match=says):
        open_engine(url)


def test_a_database_that_is_not_there_is_a_database_error(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/missing/x.db", f"postgresql://u@/x?host={tmp_path}"):
        with pytest.raises(DatabaseError, match="cannot be used"):
            migrate(open_engine(url))


def test_a_server_that_is_not_there_counts_as_a_lost_connection(tmp_path: Path) -> None:
    engine = open_engine(f"postgresql://u@/x?host={tmp_path}")

    with pytest.raises(DBAPIError) as raised:
        engine.connect()

    assert raised.value.connection_invalidated, "the durable queue tries again"


def _formats(connection: Connection) -> list[int]:
    """Wire format of a column that the driver got, 0 text and 1 binary; nothing where there is no wire."""
    cursor = connection.exec_driver_sql("SELECT position FROM entries").cursor
    result = getattr(cursor, "pgresult", None)
    return [result.fformat(0)] if result else []


def test_bytes_come_as_they_are_for_a_while(engine: Engine) -> None:
    with reading(engine) as connection:
        postgresql = connection.dialect.name == "postgresql"
        with in_binary(connection):
            inside = _formats(connection)
        outside = _formats(connection)

    assert inside == ([1] if postgresql else [])
    assert outside == ([0] if postgresql else [])


def test_sqlite_is_opened_to_last(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/x.db")
    with reading(engine) as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "wal_autocheckpoint")
        }
    engine.dispose()

    assert values == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "wal_autocheckpoint": LOG_PAGES,
    }
