"""A release is withdrawn once, for everybody, and the record says so for good."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from media.blobs import BlobStore
from safety import audit
from safety.checkpoints import LogKey
from safety.domain import Job, Release
from safety.errors import Conflict, NotFound, Withdrawn
from safety.known import ReleaseIndex
from safety.ledger import Ledger
from safety.lookup import JobStore, LegalHolds
from safety.records import decode
from safety.withdrawals import CODES, Withdrawals, released_file
from tests.safety.making import a_release, allowed


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def marked(blobs: BlobStore) -> str:
    return blobs.put_bytes(b"the marked file")


@pytest.fixture
def withdrawals(ledger: Ledger, blobs: BlobStore, marked: str) -> Withdrawals:
    return Withdrawals(ledger, blobs, lambda job: {"job_1": (marked,)}.get(job, ()))


@pytest.fixture
def released(ledger: Ledger, blobs: BlobStore) -> Release:
    release = a_release(1, decisions=allowed(ledger, job="job_1"), job="job_1")
    return ledger.append_release(replace(release, sha256=blobs.put_bytes(b"the released file")))


def test_a_withdrawn_release_is_not_served_until_it_is_restored(
    withdrawals: Withdrawals, blobs: BlobStore, released: Release
) -> None:
    assert released_file(withdrawals, blobs, released).read_bytes() == b"the released file"

    event = withdrawals.withdraw(released.id, by="ada", reason=" a copy of somebody's film ", code="rights")
    with pytest.raises(Withdrawn, match=rf"{released.id} was withdrawn on .* \(rights\)") as refusal:
        released_file(withdrawals, blobs, released)
    withdrawals.restore(released.id, by="bob", reason="the owner agreed")

    assert "film" not in str(refusal.value)
    assert (event.state, event.by, event.reason, event.code) == (
        "withdrawn",
        "ada",
        "a copy of somebody's film",
        "rights",
    )
    assert released_file(withdrawals, blobs, released).read_bytes() == b"the released file"
    assert [each.state for each in withdrawals.events(released.id)] == ["withdrawn", "restored"]
    assert withdrawals.in_force() == []


def test_withdrawing_twice_keeps_the_first(withdrawals: Withdrawals, ledger: Ledger, released: Release) -> None:
    first = withdrawals.withdraw(released.id, by="ada", reason="first", code="legal")
    size = ledger.size()

    assert withdrawals.withdraw(released.id, by="bob", reason="second") == first
    assert ledger.size() == size
    assert withdrawals.in_force() == [first]


def test_of_many_who_withdraw_at_once_one_is_recorded(
    withdrawals: Withdrawals, ledger: Ledger, released: Release
) -> None:
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(withdrawals.withdraw, released.id, by=name, reason="now") for name in "abcd"]
        events = {call.result().id for call in calls}

    assert len(events) == len(withdrawals.events(released.id)) == 1


def test_every_step_is_a_leaf_of_its_own_kind_and_the_audit_holds(
    withdrawals: Withdrawals, ledger: Ledger, engine: Engine, log_key: LogKey, released: Release
) -> None:
    event = withdrawals.withdraw(released.id, by="ada", reason="why")
    entry = ledger.entry(event.id)
    assert entry is not None

    assert decode(entry.body)[0] == entry.kind == "withdrawal"
    assert audit.verify(engine, log_key.public).ok


def test_a_withdrawal_that_was_deleted_from_its_table_is_named_by_the_audit(
    withdrawals: Withdrawals, engine: Engine, log_key: LogKey, released: Release, without_triggers
) -> None:
    withdrawals.withdraw(released.id, by="ada", reason="why")
    with without_triggers(engine) as connection:
        connection.execute(text("DELETE FROM withdrawals"))

    problems = audit.verify(engine, log_key.public).problems
    assert [(each.kind, each.where.split()[0]) for each in problems] == [("derived", "withdrawals")]


def test_erasing_deletes_the_released_and_the_marked_file_and_cannot_be_undone(
    withdrawals: Withdrawals, blobs: BlobStore, released: Release, marked: str
) -> None:
    withdrawals.withdraw(released.id, by="ada", reason="first")
    event = withdrawals.withdraw(released.id, by="ada", reason="the court says so", code="legal", erase=True)

    assert event.erased
    assert not blobs.contains(released.sha256)
    assert not blobs.contains(marked)
    with pytest.raises(Conflict, match="erased"):
        withdrawals.restore(released.id, by="bob", reason="too late")
    assert [each.erased for each in withdrawals.events(released.id)] == [False, True]


def test_what_an_index_answers_changes_its_state(withdrawals: Withdrawals, ledger: Ledger, released: Release) -> None:
    """Cached scan reports would otherwise go on calling a withdrawn release a good one."""
    known = ReleaseIndex(ledger)
    before = known.state()
    withdrawals.withdraw(released.id, by="ada", reason="why")

    assert known.state() != before


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"reason": "  "}, Conflict, "who withdraws and why"),
        ({"by": ""}, Conflict, "who withdraws and why"),
        ({"code": "whim"}, Conflict, ", ".join(CODES)),
    ],
)
def test_a_withdrawal_without_a_name_a_reason_or_a_known_code_is_refused(
    withdrawals: Withdrawals, ledger: Ledger, released: Release, change: dict[str, str], error: type, words: str
) -> None:
    size = ledger.size()
    with pytest.raises(error, match=words):
        withdrawals.withdraw(released.id, **{"by": "ada", "reason": "why", **change})
    assert ledger.size() == size


def test_what_is_not_there_cannot_be_withdrawn_and_what_is_not_withdrawn_not_restored(
    withdrawals: Withdrawals, ledger: Ledger, released: Release
) -> None:
    for call in (withdrawals.withdraw, withdrawals.restore):
        with pytest.raises(NotFound):
            call("rel_none", by="ada", reason="why")
    with pytest.raises(Conflict, match="not withdrawn"):
        withdrawals.restore(released.id, by="ada", reason="why")
    body = {"actor": "ada", "reason": "why", "code": "other", "erased": False}
    with pytest.raises(Conflict, match="no release"):
        ledger.append_event("withdrawal", "wdr_1", {**body, "release": "rel_none", "state": "withdrawn"})
    with pytest.raises(Conflict, match="not withdrawn"):
        ledger.append_event("withdrawal", "wdr_2", {**body, "release": released.id, "state": "restored"})


def test_what_is_under_a_legal_hold_is_withdrawn_but_not_erased(
    ledger: Ledger, withdrawals: Withdrawals, blobs: BlobStore, released: Release
) -> None:
    JobStore(ledger.engine).create(Job("job_1", "a field", 1.0, 64, 64, 0, "key_1", datetime.now(UTC)))
    LegalHolds(ledger.engine, ledger.append_event).place("job_1", reason="a lawsuit", actor="ada")

    with pytest.raises(Conflict, match="legal hold"):
        withdrawals.withdraw(released.id, by="ada", reason="gone", erase=True)

    assert blobs.contains(released.sha256)
    assert withdrawals.withdraw(released.id, by="ada", reason="gone").erased is False
