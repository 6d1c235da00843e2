"""Whatever is done to the record behind its back, verification finds it and says where."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, make_url, text

from safety import leaves
from safety.audit import verify
from safety.checkpoints import LogKey, sign_checkpoint
from safety.database import open_engine, writing
from safety.domain import Action, Checkpoint
from safety.errors import DatabaseError, LedgerError, NotFound
from safety.ledger import HEAD_EXTENSION, Ledger
from safety.merkle import Frontier, leaf_hash
from safety.proofs import prove_entry, prove_growth
from safety.tables import entries
from safety.verification import MAX_PROBLEMS, VerificationReport
from tests.postgres import Cluster
from tests.safety.making import a_decision, a_release

Tamper = Callable[[Engine], AbstractContextManager[Connection]]

SIZE = 26
"""Entries of the ledger below: 25 decisions (every fifth blocked) and a release; checkpoints at 10, 20 and 26."""


@pytest.fixture(scope="module")
def log_key(tmp_path_factory: pytest.TempPathFactory) -> LogKey:
    return LogKey.create(tmp_path_factory.mktemp("key") / "log.key", "framegate.test/ledger")


def fill(url: str, key: LogKey) -> None:
    engine = open_engine(url)
    with Ledger(engine, key, checkpoint_every=10) as ledger:
        for number in range(25):
            ledger.append_decision(
                a_decision(
                    number,
                    action=Action.BLOCK if number % 5 == 0 else Action.ALLOW,
                    checkpoint=Checkpoint.OUTPUT if number == 2 else Checkpoint.PROMPT,
                )
            )
        ledger.append_release(a_release(decisions=("dec_1", "dec_2")))
    engine.dispose()


@pytest.fixture(scope="module")
def filled_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, log_key: LogKey) -> Path:
    path = tmp_path_factory.mktemp("filled") / "filled.db"
    shutil.copy(migrated_sqlite, path)
    fill(f"sqlite:///{path}", log_key)
    return path


@pytest.fixture(scope="module")
def filled_postgres(postgres_cluster: Cluster, log_key: LogKey) -> Iterator[str]:
    with postgres_cluster.database("migrated") as url:
        fill(url, log_key)
        yield str(make_url(url).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path, log_key: LogKey) -> Iterator[Ledger]:
    """A copy of the filled ledger, for one test to tamper with; nothing is appended through it."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            shutil.copy(request.getfixturevalue("filled_sqlite"), tmp_path / "copy.db")
            url = f"sqlite:///{tmp_path}/copy.db"
        else:
            cluster = request.getfixturevalue("postgres_cluster")
            url = stack.enter_context(cluster.database(request.getfixturevalue("filled_postgres")))
        engine = open_engine(url)
        stack.callback(engine.dispose)
        yield Ledger(engine, log_key)


def problems(ledger: Ledger, **options: object) -> set[tuple[str, str]]:
    report = verify(ledger.engine, ledger.public_key, **options)  # type: ignore[arg-type]
    assert report.ok == (not report.problems)
    return {(problem.kind, problem.where) for problem in report.problems}


def run(connection: Connection, *statements: str, **values: object) -> None:
    for statement in statements:
        connection.execute(text(statement), values)


DERIVED = ("decisions", "findings", "releases")


def delete_entries(connection: Connection, condition: str) -> None:
    """Remove entries with everything that is derived from them."""
    for table in DERIVED:
        run(connection, f"DELETE FROM {table} WHERE entry {condition}")  # noqa: S608 - our own names
    run(connection, f"DELETE FROM entries WHERE position {condition}")  # noqa: S608 - our own names


# --- what holds


def test_an_untouched_ledger_holds(ledger: Ledger) -> None:
    report = verify(ledger.engine, ledger.public_key, notes=[ledger.checkpoint()])

    decisions, findings, releases = 25, 5, 1
    assert report == VerificationReport(
        entries=SIZE,
        rows=SIZE + decisions + findings + releases,
        checkpoints=4,
        after_checkpoint=0,
        problems=(),
        unlisted=0,
    )
    assert report.ok


def test_workers_find_what_one_process_finds(
    ledger: Ledger, without_triggers: Tamper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaves, "BATCH", 6)
    assert verify(ledger.engine, ledger.public_key, workers=2) == verify(ledger.engine, ledger.public_key)

    with without_triggers(ledger.engine) as connection:
        run(connection, "UPDATE entries SET body = :body WHERE position = 4", body=b"{}")
        delete_entries(connection, "= 15")
        run(connection, "UPDATE entries SET position = 1000000000000 WHERE position = 20")

    found = verify(ledger.engine, ledger.public_key, workers=2)
    assert found == verify(ledger.engine, ledger.public_key)
    assert {("entry", "entry 4 (dec_4)"), ("gap", "entry 16 (dec_16)")} < {(p.kind, p.where) for p in found.problems}


def test_workers_find_an_entry_before_the_first(ledger: Ledger) -> None:
    """No range that starts at 0 would hold it, and no trigger forbids to insert."""
    with ledger.engine.begin() as connection:
        columns = [column.name for column in entries.c if column.name != "position"]
        taken = ", ".join(f"'forged' AS {name}" if name == "id" else name for name in columns)
        chosen = f"SELECT -1, {taken} FROM entries WHERE position = 3"  # noqa: S608
        run(connection, f"INSERT INTO entries (position, {', '.join(columns)}) {chosen}")

    found = verify(ledger.engine, ledger.public_key, workers=2)

    assert not found.ok
    assert found == verify(ledger.engine, ledger.public_key)


def test_a_worker_that_dies_costs_time_and_not_the_verdict(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dying(ThreadPoolExecutor):
        def __init__(self, workers: int, _: object) -> None:
            super().__init__(workers)

        def submit(self, *_: object) -> Future[None]:  # type: ignore[override]
            future: Future[None] = Future()
            future.set_exception(BrokenProcessPool("killed"))
            return future

    monkeypatch.setattr(leaves, "ProcessPoolExecutor", Dying)

    assert verify(ledger.engine, ledger.public_key, workers=2) == verify(ledger.engine, ledger.public_key)


def test_an_empty_ledger_holds(engine: Engine, log_key: LogKey) -> None:
    assert verify(engine, log_key.public).ok

    with Ledger(engine, log_key) as ledger:
        ledger.checkpoint()
    assert verify(engine, log_key.public) == VerificationReport(0, 0, 1, 0, (), 0)


def test_entries_after_the_last_checkpoint_are_counted(engine: Engine, log_key: LogKey) -> None:
    with Ledger(engine, log_key, checkpoint_every=10) as ledger:
        for number in range(13):
            ledger.append_decision(a_decision(number))

    report = verify(engine, log_key.public)

    assert (report.ok, report.after_checkpoint) == (True, 3)


def test_batches_join(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (1, 7, 13, SIZE, SIZE + 1):
        monkeypatch.setattr(leaves, "BATCH", size)
        assert verify(ledger.engine, ledger.public_key).ok


# --- edits of the ledger itself


def test_an_edited_entry_is_named(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        body = connection.execute(text("SELECT body FROM entries WHERE position = 5")).scalar_one()
        run(connection, "UPDATE entries SET body = :body WHERE position = 5", body=body.replace(b"block", b"allow"))

    found = problems(ledger)

    assert ("entry", "entry 5 (dec_5)") in found
    assert ("derived", "decisions row 5") in found
    assert ("root", "entries 0 to 9") in found


def test_an_entry_edited_with_its_hash_and_derived_rows_is_found_by_the_signed_roots(
    ledger: Ledger, without_triggers: Tamper
) -> None:
    """The careful forger, who has everything but the key."""
    with without_triggers(ledger.engine) as connection:
        body = connection.execute(text("SELECT body FROM entries WHERE position = 15")).scalar_one()
        record = json.loads(body)
        record["verdict"]["action"] = "allow"
        record["verdict"]["findings"] = []
        body = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        values = {"body": body, "leaf": leaf_hash(body)}
        run(connection, "UPDATE entries SET body = :body, leaf = :leaf WHERE position = 15", **values)
        run(connection, "DELETE FROM findings WHERE entry = 15")
        run(connection, "UPDATE decisions SET action = 'allow' WHERE entry = 15")

    assert problems(ledger) == {("root", "entries 10 to 19")}


def test_an_entry_edited_after_the_last_checkpoint_is_found_by_the_signed_head(
    engine: Engine, log_key: LogKey, without_triggers: Tamper
) -> None:
    with Ledger(engine, log_key, checkpoint_every=10) as ledger:
        for number in range(13):
            ledger.append_event("note", f"note_{number}", {"text": "a"})
    with without_triggers(engine) as connection:
        body = connection.execute(text("SELECT body FROM entries WHERE position = 11")).scalar_one()
        body = body.replace(b'"text":"a"', b'"text":"b"')
        values = {"body": body, "leaf": leaf_hash(body)}
        run(connection, "UPDATE entries SET body = :body, leaf = :leaf WHERE position = 11", **values)

    assert problems(ledger) == {("root", "entries 10 to 12")}


@pytest.mark.parametrize(
    "change",
    ["kind = 'release'", "at = '1999-01-01 00:00:00.000000'", "id = 'dec_x'"],
    ids=["kind", "at", "id"],
)
def test_an_edited_column_of_an_entry_is_named(ledger: Ledger, without_triggers: Tamper, change: str) -> None:
    with without_triggers(ledger.engine) as connection:
        run(connection, f"UPDATE entries SET {change} WHERE position = 7")  # noqa: S608 - our own names

    report = verify(ledger.engine, ledger.public_key)

    assert [problem.where.startswith("entry 7 ") for problem in report.problems] == [True]
    assert change.partition(" ")[0] in report.problems[0].what


def test_an_edited_leaf_is_named(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        run(connection, "UPDATE entries SET leaf = :leaf WHERE position = 3", leaf=bytes(32))

    assert problems(ledger) == {("entry", "entry 3 (dec_3)")}


def test_bytes_that_are_no_record_are_named(ledger: Ledger, without_triggers: Tamper) -> None:
    for position, body in ((3, b"\xff\x00"), (4, b'{"kind":"decision"}'), (5, b"[]")):
        with without_triggers(ledger.engine) as connection:
            run(connection, "UPDATE entries SET body = :body WHERE position = :p", body=body, p=position)

    assert {("entry", f"entry {n} (dec_{n})") for n in (3, 4, 5)} <= problems(ledger)


def test_a_deleted_entry_leaves_a_gap(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        delete_entries(connection, "= 12")

    assert ("gap", "entry 13 (dec_13)") in problems(ledger)


def test_a_deleted_beginning_is_found(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        delete_entries(connection, "< 3")

    assert ("gap", "entry 3 (dec_3)") in problems(ledger)


def test_closing_the_gap_is_found(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        delete_entries(connection, "= 12")
        for old in range(13, SIZE):
            run(connection, "UPDATE entries SET position = :new WHERE position = :old", new=old - 1, old=old)
            for table in DERIVED:
                run(connection, f"UPDATE {table} SET entry = :new WHERE entry = :old", new=old - 1, old=old)  # noqa: S608

    found = problems(ledger)

    assert ("root", "entries 10 to 19") in found
    assert ("head", "entries 25 to 25") in found
    assert ("checkpoint", "checkpoint at size 26") in found


def test_a_deleted_tail_is_found_though_no_gap_remains(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        delete_entries(connection, ">= 22")
        run(connection, "DELETE FROM checkpoints WHERE size > 22")

    assert problems(ledger) == {("head", "entries 22 to 25")}


def test_a_deleted_tail_with_the_head_turned_back_to_a_checkpoint_is_found(
    ledger: Ledger, without_triggers: Tamper
) -> None:
    """A stored checkpoint is validly signed; it must not pass for the head of a shortened ledger."""
    with without_triggers(ledger.engine) as connection:
        rows = connection.execute(text("SELECT leaf FROM entries WHERE position < 20 ORDER BY position"))
        frontier = Frontier()
        for (leaf,) in rows:
            frontier.append(leaf)
        delete_entries(connection, ">= 20")
        run(connection, "DELETE FROM checkpoints WHERE size > 20")
        run(
            connection,
            "UPDATE ledger_head SET size = 20, frontier = :peaks, "
            "note = (SELECT note FROM checkpoints WHERE size = 20)",
            peaks=frontier.pack(),
        )

    assert problems(ledger) == {("head", "ledger_head")}


def test_everything_put_back_to_an_old_copy_is_found_by_a_note_kept_outside(
    ledger: Ledger, log_key: LogKey, without_triggers: Tamper
) -> None:
    with writing(ledger.engine) as connection:
        head = connection.execute(text("SELECT size, frontier, note FROM ledger_head")).one()
    with Ledger(ledger.engine, log_key) as newer:
        newer.append_decision(a_decision(100))
        kept = newer.checkpoint()
    with without_triggers(ledger.engine) as connection:
        delete_entries(connection, f">= {SIZE}")
        run(connection, f"DELETE FROM checkpoints WHERE size > {SIZE}")  # noqa: S608 - a number
        values = dict(zip("sfn", head, strict=True))
        run(connection, "UPDATE ledger_head SET size = :s, frontier = :f, note = :n", **values)

    assert problems(ledger) == set()
    assert problems(ledger, notes=[kept]) == {("note", f"note 1 at size {SIZE + 1}")}


def test_deleting_everything_but_a_checkpoint_is_found(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        delete_entries(connection, ">= 0")
        run(connection, "DELETE FROM ledger_head")

    assert ("checkpoint", "checkpoint at size 10") in problems(ledger)


def test_a_deleted_head_is_found(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        run(connection, "DELETE FROM ledger_head")

    assert problems(ledger) == {("head", "ledger_head")}


def test_an_inserted_entry_is_named(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        run(
            connection,
            "INSERT INTO entries (position, id, kind, at, body, leaf) VALUES (:p, 'x', 'note', :at, :body, :leaf)",
            p=SIZE,
            at="2025-03-01 12:00:00.000000",
            body=(body := b'{"at":"2025-03-01T12:00:00.000000Z","id":"x","kind":"note"}'),
            leaf=leaf_hash(body),
        )

    assert problems(ledger) == {("head", f"entries {SIZE} to {SIZE}")}


def test_an_entry_before_the_first_is_named(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        run(
            connection,
            "INSERT INTO entries SELECT -1, 'x', kind, at, body, leaf FROM entries WHERE position = 3",
        )

    assert ("gap", "entry -1 (x)") in problems(ledger)


def test_two_entries_that_changed_places_are_found(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        for old, new in ((12, 1000), (14, 12), (1000, 14)):
            run(connection, "UPDATE entries SET position = :new WHERE position = :old", new=new, old=old)

    found = problems(ledger)

    assert {("derived", "decisions row 12"), ("derived", "decisions row 14"), ("root", "entries 10 to 19")} <= found


def test_two_entries_that_changed_places_with_all_their_rows_are_found(
    ledger: Ledger, without_triggers: Tamper
) -> None:
    with without_triggers(ledger.engine) as connection:
        for old, new in ((12, 1000), (14, 12), (1000, 14)):
            run(connection, "UPDATE entries SET position = :new WHERE position = :old", new=new, old=old)
            for table in DERIVED:
                run(connection, f"UPDATE {table} SET entry = :new WHERE entry = :old", new=new, old=old)  # noqa: S608

    assert problems(ledger) == {("root", "entries 10 to 19")}


# --- edits of what is derived


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("UPDATE decisions SET action = 'allow' WHERE entry = 5", "decisions row 5"),
        ("UPDATE decisions SET subject = 'sha256:00' WHERE entry = 6", "decisions row 6"),
        ("UPDATE decisions SET at = '1999-01-01 00:00:00.000000' WHERE entry = 7", "decisions row 7"),
        ("DELETE FROM decisions WHERE entry = 9", "decisions row 9"),
        ("UPDATE findings SET category = 'ip' WHERE entry = 10", "findings row 10/0"),
        ("DELETE FROM findings WHERE entry = 10", "findings row 10/0"),
        ("INSERT INTO findings VALUES (11, 0, 'r', 'ip', 'block')", "findings row 11/0"),
        ("INSERT INTO findings VALUES (999, 0, 'r', 'ip', 'block')", "findings row 999/0"),
        ("INSERT INTO findings VALUES (-5, 0, 'r', 'ip', 'block')", "findings row -5/0"),
        ("UPDATE releases SET sha256 = 'other' WHERE entry = 25", "releases row 25"),
        ("DELETE FROM releases", "releases row 25"),
    ],
)
def test_an_edited_derived_row_is_named(ledger: Ledger, without_triggers: Tamper, change: str, where: str) -> None:
    with without_triggers(ledger.engine) as connection:
        run(connection, change)

    assert problems(ledger) == {("derived", where)}


def test_an_inserted_release_is_named(ledger: Ledger, without_triggers: Tamper) -> None:
    """The forgery that would pay most: a file that nothing allowed."""
    with without_triggers(ledger.engine) as connection:
        run(
            connection,
            "INSERT INTO releases SELECT 24, 'rel_x', at, job, sha256, size_bytes, 'fff', manifest, generator "
            "FROM releases",
        )

    assert problems(ledger) == {("derived", "releases row 24")}


# --- edits of what is signed


def test_a_checkpoint_replaced_by_one_of_another_key_is_named(
    ledger: Ledger, without_triggers: Tamper, tmp_path: Path
) -> None:
    stranger = LogKey.create(tmp_path / "other.key", ledger.public_key.name)
    with without_triggers(ledger.engine) as connection:
        note = sign_checkpoint(20, bytes(32), stranger)
        run(connection, "UPDATE checkpoints SET root = :root, note = :note WHERE size = 20", root=bytes(32), note=note)

    assert problems(ledger) == {("checkpoint", "checkpoint at size 20")}


@pytest.mark.parametrize(
    "change",
    [
        "note = replace(note, '20', '21')",
        "note = ''",
        "note = (SELECT note FROM checkpoints WHERE size = 10)",
        "note = (SELECT note FROM ledger_head)",
        "root = (SELECT root FROM checkpoints WHERE size = 10)",
        "size = 21",
    ],
)
def test_an_edited_checkpoint_is_named(ledger: Ledger, without_triggers: Tamper, change: str) -> None:
    with without_triggers(ledger.engine) as connection:
        run(connection, f"UPDATE checkpoints SET {change} WHERE size = 20")  # noqa: S608 - written above

    size = 21 if change == "size = 21" else 20
    assert problems(ledger) == {("checkpoint", f"checkpoint at size {size}")}


def test_a_forged_signature_of_the_head_is_named(ledger: Ledger, without_triggers: Tamper, tmp_path: Path) -> None:
    stranger = LogKey.create(tmp_path / "other.key", ledger.public_key.name)
    with without_triggers(ledger.engine) as connection:
        run(
            connection, "UPDATE ledger_head SET note = :n", n=sign_checkpoint(SIZE, bytes(32), stranger, HEAD_EXTENSION)
        )

    assert problems(ledger) == {("head", "ledger_head")}


@pytest.mark.parametrize("change", ["size = 100", "frontier = :none"])
def test_an_edited_head_is_named(ledger: Ledger, without_triggers: Tamper, change: str) -> None:
    with without_triggers(ledger.engine) as connection:
        run(connection, f"UPDATE ledger_head SET {change}", none=b"")  # noqa: S608 - written above

    assert problems(ledger) == {("head", "ledger_head")}


def test_the_right_signature_under_another_history_is_found(ledger: Ledger, log_key: LogKey) -> None:
    """Somebody who has the key rewrote the ledger: only notes kept outside tell."""
    foreign = sign_checkpoint(20, bytes(32), log_key)

    assert problems(ledger, notes=[foreign]) == {("note", "note 1 at size 20")}
    assert problems(ledger, notes=["no note"]) == {("note", "note 1")}


WIDE = 600
"""Entries of a ledger with two whole subtrees of 256 leaves."""


@pytest.fixture
def wide(ledger: Ledger) -> Ledger:
    """The filled ledger, grown until subtrees are kept."""
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda n: ledger.append_event("note", f"event_{n}", {"text": "x"}), range(WIDE - SIZE)))
    return ledger


def test_kept_subtrees_hold_and_serve_proofs(wide: Ledger) -> None:
    assert problems(wide) == set()
    old = wide.checkpoint()
    wide.append_event("note", "one more", {})
    wide.checkpoint()

    for entry in (*wide.entries(254, 4), *wide.entries(510, 4), *wide.entries(598, 3), *wide.entries(0, 1)):
        assert prove_entry(wide, entry.id, wide.public_key).holds(wide.public_key)
    assert prove_growth(wide, old, wide.public_key).holds(wide.public_key)


def test_a_proof_reads_all_its_hashes_at_once(wide: Ledger) -> None:
    wide.checkpoint()
    statements: list[str] = []
    event.listen(wide.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))

    for id_ in [wide.entries(position, 1)[0].id for position in (0, 255, 256, 511, 598)]:
        statements.clear()
        prove_entry(wide, id_, wide.public_key)
        assert len([each for each in statements if "subtrees" in each and "leaf" in each]) == 1, statements
        assert len(statements) <= 5, statements


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("UPDATE subtrees SET root = :none WHERE number = 1", "entries 256 to 511"),
        ("DELETE FROM subtrees WHERE number = 0", "entries 0 to 255"),
        ("INSERT INTO subtrees VALUES (8, 2, :none)", "subtrees"),
        ("INSERT INTO subtrees VALUES (16, 0, :none)", "subtrees"),
        ("INSERT INTO subtrees VALUES (7, 0, :none)", "subtrees"),
    ],
)
def test_an_edited_subtree_is_named(wide: Ledger, without_triggers: Tamper, change: str, where: str) -> None:
    with without_triggers(wide.engine) as connection:
        connection.execute(text(change), {"none": bytes(32)} if ":none" in change else {})

    assert problems(wide) == {("subtree", where)}
    assert problems(wide, derived=False) == {("subtree", where)}


def test_the_log_alone_is_verified_and_says_nothing_of_rows_beside_it(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        run(connection, "UPDATE decisions SET subject = 'y'")
    assert problems(ledger, derived=False) == set()

    with without_triggers(ledger.engine) as connection:
        run(connection, "UPDATE entries SET body = :none WHERE position = 3", none=b"{}")
    assert problems(ledger, derived=False) == {("entry", "entry 3 (dec_3)"), ("root", "entries 0 to 9")}


def test_many_problems_are_counted_and_the_first_are_listed(ledger: Ledger, without_triggers: Tamper) -> None:
    with without_triggers(ledger.engine) as connection:
        run(connection, "UPDATE decisions SET subject = 'y'", "UPDATE findings SET category = 'x'")
        run(connection, "UPDATE entries SET kind = 'x', leaf = :none", none=b"")
        run(connection, "UPDATE entries SET at = '1999-01-01 00:00:00.000000'")

    report = verify(ledger.engine, ledger.public_key)

    assert len(report.problems) == MAX_PROBLEMS
    assert report.unlisted == 3 * 26 + 25 + 5 - MAX_PROBLEMS


def test_appends_go_on_during_a_verification(ledger: Ledger, log_key: LogKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaves, "BATCH", 1)
    numbers = iter(range(1000, 2000))
    with Ledger(ledger.engine, log_key) as writer:
        original = leaves.leaf_hashes

        def leaf_hashes_while_appending(bodies: Iterable[bytes]) -> list[bytes]:
            writer.append_decision(a_decision(next(numbers)))
            return original(bodies)

        monkeypatch.setattr(leaves, "leaf_hashes", leaf_hashes_while_appending)
        report = verify(ledger.engine, log_key.public)

    assert (report.ok, report.entries) == (True, SIZE)
    assert ledger.size() == SIZE * 2


def test_a_database_that_is_gone_is_an_error_not_a_finding(tmp_path: Path, log_key: LogKey) -> None:
    with pytest.raises(DatabaseError):
        verify(open_engine(f"sqlite:///{tmp_path}/nowhere/x.db"), log_key.public)


# --- proofs for people outside


def test_every_entry_can_be_proved_to_somebody_who_has_only_the_key(ledger: Ledger) -> None:
    for entry in ledger.entries():
        proof = prove_entry(ledger, entry.id, ledger.public_key)

        assert proof.holds(ledger.public_key)
        assert not replace(proof, body=proof.body + b" ").holds(ledger.public_key)
        assert not replace(proof, position=(proof.position + 1) % SIZE).holds(ledger.public_key)


def test_an_entry_without_checkpoint_or_existence_cannot_be_proved(ledger: Ledger, log_key: LogKey) -> None:
    with Ledger(ledger.engine, log_key) as writer:
        writer.append_decision(a_decision(50))

    with pytest.raises(LedgerError, match="make one"):
        prove_entry(ledger, "dec_50", ledger.public_key)
    with pytest.raises(NotFound, match="dec_99"):
        prove_entry(ledger, "dec_99", ledger.public_key)


def test_growth_is_proved_from_any_note_that_was_kept(ledger: Ledger, log_key: LogKey) -> None:
    kept = ledger.checkpoint()
    with Ledger(ledger.engine, log_key) as writer:
        for number in range(50, 60):
            writer.append_decision(a_decision(number))
        writer.checkpoint()

    proof = prove_growth(ledger, kept, ledger.public_key)

    assert proof.holds(ledger.public_key)
    assert not replace(proof, older=sign_checkpoint(SIZE, bytes(32), log_key)).holds(ledger.public_key)


def test_growth_of_another_log_cannot_be_proved(ledger: Ledger, log_key: LogKey) -> None:
    with pytest.raises(LedgerError, match="does not begin"):
        prove_growth(ledger, sign_checkpoint(20, bytes(32), log_key), ledger.public_key)
    with pytest.raises(LedgerError, match="make a checkpoint"):
        prove_growth(ledger, sign_checkpoint(99, bytes(32), log_key), ledger.public_key)
