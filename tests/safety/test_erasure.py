"""Erasing a person: the key goes, the words go, the record stays whole and says so. On both databases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

import safety.verify_export
from generator.base import Revision
from safety import audit
from safety.domain import Job, JobStatus
from safety.erasure import ERASED
from safety.errors import Conflict, NotFound, SealBroken
from safety.ledger import Ledger
from safety.lookup import JobStore, Scan, ScanStore, SubjectKeys
from safety.lookup.batches import ScanBatches
from safety.records import decode
from tests.erasing import NOON, WORDS, Desk


@pytest.fixture
def desk(engine: Engine, ledger: Ledger) -> Iterator[Desk]:
    return Desk(engine, ledger)


# --- sealing


def test_a_prompt_is_sealed_in_the_database_and_reads_back(desk: Desk) -> None:
    job = desk.ask()

    assert job.prompt == desk.jobs.get("video_1").prompt == desk.jobs.list()[0].prompt == WORDS
    assert "lighthouse" not in desk.stored()


def test_what_was_made_of_a_prompt_is_sealed_and_goes_with_its_subject(desk: Desk) -> None:
    job = desk.ask()
    revision = Revision(f"a wide shot of {WORDS}", "writer", ("lighthouse",), ("grumpy",))

    assert desk.jobs.keep_revision(job.id, revision) == desk.jobs.get(job.id).revision == revision
    assert "lighthouse" not in desk.stored("SELECT revision FROM jobs")

    desk.erasure.erase(desk.subjects.find("key_1/ada"), actor="ops", reason="asked for it")
    assert desk.jobs.get(job.id).revision is None


def test_what_somebody_handed_in_together_goes_with_them(desk: Desk, engine: Engine) -> None:
    batches = ScanBatches(engine)
    for number, requester in enumerate(("key_1/ada", "key_2/bob")):
        scan = Scan(f"scan_{number}", "key_1", NOON, "0" * 64, "a.mp4", owner=desk.subjects.of(requester).id)
        desk.scans.create(replace(scan, id=batches.join("key_1", requester[-3:], scan.sha256, scan.name, scan.id)))

    desk.erasure.erase(desk.subjects.find("key_1/ada"), actor="ops", reason="asked for it")

    with pytest.raises(NotFound, match="no batch is called ada"):
        batches.counts("key_1", "ada")
    assert sum(batches.counts("key_1", "bob").values()) == 1


def test_uploads_that_nobody_else_handed_in_go_with_their_subject(desk: Desk) -> None:
    mine, shared = "1" * 64, "2" * 64
    owner = desk.subjects.of("key_1/ada")
    for number, (digest, requester, id_) in enumerate(
        [(mine, "key_1", owner.id), (shared, "key_1", owner.id), (shared, "key_2", "")]
    ):
        desk.scans.create(Scan(f"scan_{number}", requester, NOON, digest, "mine.mp4", owner=id_))
    desk.uploads = {mine: 1, shared: 1}

    receipt = desk.erasure.erase(owner, actor="ops", reason="asked for it")

    assert desk.uploads == {shared: 1}
    assert receipt.subject == owner.id


def test_the_name_of_an_upload_is_sealed_and_reads_back(desk: Desk) -> None:
    scan = desk.scans.create(Scan("scan_1", "key_1", NOON, "0" * 64, "ada-lovelace.mp4"))

    assert scan.name == desk.scans.get("scan_1").name == desk.scans.list()[0].name == "ada-lovelace.mp4"
    assert "lovelace" not in desk.stored("SELECT name FROM scans")


def test_a_job_without_an_owner_belongs_to_its_requester(desk: Desk) -> None:
    job = desk.jobs.create(Job("video_1", WORDS, 1.0, 64, 64, 0, "local", NOON))

    assert job.owner == desk.subjects.find("local").id
    assert "lighthouse" not in desk.stored()


def test_who_a_subject_is_stands_nowhere(desk: Desk) -> None:
    desk.ask()

    assert "ada" not in desk.stored("SELECT * FROM subjects")


def test_a_sealed_prompt_moved_to_another_job_does_not_open(desk: Desk) -> None:
    desk.ask()
    desk.ask("video_2", prompt="something else")
    with desk.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET prompt = (SELECT prompt FROM jobs WHERE id = 'video_1')"))

    with pytest.raises(SealBroken, match="prompt of job video_2"):
        desk.jobs.get("video_2")


def test_another_house_key_opens_nothing_and_says_what_to_restore(desk: Desk) -> None:
    desk.ask()
    other = JobStore(desk.engine, subjects=SubjectKeys(desk.engine, b"x" * 32))

    with pytest.raises(SealBroken, match="restore that key file"):
        other.get("video_1")
    with pytest.raises(SealBroken, match="without the keys"):
        JobStore(desk.engine).get("video_1")


def test_prompts_from_before_are_sealed_later(desk: Desk) -> None:
    plain = JobStore(desk.engine)
    for number in range(3):
        plain.create(Job(f"video_{number}", f"{WORDS} {number}", 1.0, 64, 64, 0, "key_1", NOON))
    plain.create(Job("video_3", "", 1.0, 64, 64, 0, "key_1", NOON))
    plain.keep_revision("video_2", Revision(WORDS, "writer"))
    assert "lighthouse" in desk.stored()

    assert (desk.jobs.seal_plain(limit=2), desk.jobs.seal_plain(), desk.jobs.seal_plain()) == (2, 1, 0)
    assert "lighthouse" not in desk.stored() + desk.stored("SELECT revision FROM jobs")
    assert desk.jobs.get("video_2").prompt == f"{WORDS} 2"
    assert desk.jobs.get("video_2").revision == Revision(WORDS, "writer")


def test_names_from_before_names_were_sealed_are_sealed_later_and_go_with_their_subject(desk: Desk) -> None:
    old = ScanStore(desk.engine, lambda: desk.now)
    for number in range(3):
        old.create(Scan(f"scan_{number}", "key_1", NOON, "0" * 64, f"ada-lovelace-{number}.mp4"))
    old.create(Scan("scan_9", "key_1", NOON, "0" * 64, ""))
    assert "lovelace" in desk.stored("SELECT name FROM scans")

    assert (desk.scans.seal_plain(limit=2), desk.scans.seal_plain(), desk.scans.seal_plain()) == (2, 1, 0)

    assert "lovelace" not in desk.stored("SELECT name FROM scans")
    assert desk.scans.get("scan_2").name == "ada-lovelace-2.mp4"
    desk.erasure.erase(desk.subjects.find("key_1"), actor="ops", reason="asked for it")
    assert desk.scans.get("scan_2").name == ""


def test_text_that_looks_sealed_is_text(desk: Desk) -> None:
    odd = "sealed:1:AAAA"
    JobStore(desk.engine).create(Job("video_1", odd, 1.0, 64, 64, 0, "key_1", NOON))
    desk.ask("video_2", prompt=odd)

    assert [job.prompt for job in desk.jobs.list()] == [odd, odd]


# --- subjects


def test_a_subject_is_the_same_until_erased_and_another_afterwards(desk: Desk) -> None:
    first = desk.subjects.of("key_1/ada")
    secret = desk.subjects.secret_of("key_1/ada")
    assert desk.subjects.of("key_1/ada").id == first.id != desk.subjects.of("key_1/bob").id
    assert desk.subjects.secret_of("key_1/ada") == secret

    desk.erasure.erase(first, actor="ops", reason="asked for it")

    assert desk.subjects.of("key_1/ada").id != first.id
    assert desk.subjects.secret_of("key_1/ada") != secret


def test_it_is_known_to_the_day_when_a_subject_last_asked(desk: Desk) -> None:
    desk.subjects.of("key_1/ada")
    desk.now = NOON + timedelta(hours=3)
    assert desk.subjects.of("key_1/ada").used_at == NOON

    desk.now = NOON + timedelta(days=2)

    assert desk.subjects.of("key_1/ada").used_at == desk.now
    assert [each.used_at for each in desk.subjects.unused_since(desk.now + timedelta(days=1))] == [desk.now]


# --- erasing


def test_erasing_takes_the_words_and_files_and_leaves_the_record_whole(desk: Desk) -> None:
    desk.ask()
    desk.ask("video_2", "key_1/bob", "a ball")
    desk.scans.create(Scan("scan_1", "key_1", NOON, "0" * 64, "mine.mp4", owner=desk.subjects.of("key_1/ada").id))
    subject = desk.subjects.find("key_1/ada")

    receipt = desk.erasure.erase(subject, actor="ops", reason="asked for it")

    assert desk.jobs.get("video_1").prompt == ""
    assert desk.scans.get("scan_1").name == ""
    assert desk.jobs.get("video_2").prompt == "a ball"
    assert desk.files == {}
    assert desk.stopped == ["video_1"]
    kind, record = decode(receipt.proof.body)
    assert (kind, record["subject"], record["jobs"], record["files"]) == (ERASED, subject.id, 1, 2)
    assert receipt.proof.holds(desk.ledger.public_key)
    assert audit.verify(desk.engine, desk.ledger.public_key).ok


def test_a_copy_of_the_rows_from_before_does_not_open_after_the_erasure(desk: Desk) -> None:
    desk.ask()
    with desk.engine.connect() as connection:
        sealed = connection.execute(text("SELECT prompt FROM jobs")).scalar_one()
    desk.erasure.erase(desk.subjects.find("key_1/ada"), actor="ops", reason="asked for it")
    with desk.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET prompt = :sealed"), {"sealed": sealed})

    assert desk.jobs.get("video_1").prompt == ""


def test_the_receipt_verifies_outside_with_the_key_alone(desk: Desk, tmp_path: Path) -> None:
    desk.ask()
    receipt = desk.erasure.erase(desk.subjects.find("key_1/ada"), actor="ops", reason="asked for it")
    file = tmp_path / "receipt.json"
    verify = [sys.executable, safety.verify_export.__file__, str(file), "--key", desk.ledger.public_key.text]

    file.write_text(json.dumps(receipt.to_json()))
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 0

    file.write_text(json.dumps({**receipt.to_json(), "entry": receipt.proof.body.decode().replace("ops", "eve")}))
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 1


def test_erasing_twice_is_erasing_once_with_the_same_entry(desk: Desk) -> None:
    desk.ask()
    subject = desk.subjects.find("key_1/ada")

    first = desk.erasure.erase(subject, actor="ops", reason="asked for it")
    again = desk.erasure.erase(desk.subjects.find(subject.id), actor="someone else", reason="once more")

    assert again.proof.body == first.proof.body
    with pytest.raises(NotFound, match="by the id alone"):
        desk.subjects.find("key_1/ada")


def test_an_erasure_that_was_interrupted_before_it_was_recorded_is_finished(desk: Desk) -> None:
    desk.ask()
    subject = desk.subjects.find("key_1/ada")
    with desk.engine.begin() as connection:
        assert desk.subjects.destroy(connection, subject.id)
        assert not desk.subjects.destroy(connection, subject.id)

    assert desk.erasure.unfinished(NOON) == []  # it may still be under way
    assert [each.id for each in desk.erasure.unfinished(NOON + timedelta(minutes=1))] == [subject.id]
    desk.erasure.erase(
        desk.erasure.unfinished(NOON + timedelta(minutes=1))[0], actor="ops", reason="it was interrupted"
    )
    assert desk.erasure.unfinished(NOON + timedelta(minutes=1)) == []
    assert desk.files == {}
    assert desk.erasure.receipt(subject.id).proof.holds(desk.ledger.public_key)


def test_no_erasure_without_a_reason(desk: Desk) -> None:
    desk.ask()

    with pytest.raises(Conflict, match="needs a reason"):
        desk.erasure.erase(desk.subjects.find("key_1/ada"), actor="ops", reason="  ")
    assert desk.jobs.get("video_1").prompt == WORDS


def test_nothing_can_be_kept_for_whom_was_erased(desk: Desk) -> None:
    subject = desk.subjects.of("key_1/ada")
    desk.erasure.erase(subject, actor="ops", reason="asked for it")

    with pytest.raises(NotFound, match="erased"):
        desk.jobs.create(Job("video_9", WORDS, 1.0, 64, 64, 0, "key_1", NOON, owner=subject.id))


# --- legal holds


@pytest.mark.parametrize("target", ["subject", "job", "scan"])
def test_a_legal_hold_keeps_everything_until_lifted(desk: Desk, target: str) -> None:
    desk.ask()
    subject = desk.subjects.find("key_1/ada")
    desk.scans.create(Scan("scan_1", "key_1", NOON, "0" * 64, "mine.mp4", owner=subject.id))
    held = {"subject": subject.id, "job": "video_1", "scan": "scan_1"}[target]
    hold = desk.holds.place(held, reason="order 7 of the court", actor="counsel")

    with pytest.raises(Conflict, match=hold.id):
        desk.erasure.erase(subject, actor="ops", reason="asked for it")
    assert desk.stopped == []
    assert desk.jobs.get("video_1").prompt == WORDS

    lifted = desk.holds.lift(hold.id, reason="order 8", actor="counsel")
    assert lifted.lifted_at == NOON
    desk.erasure.erase(subject, actor="ops", reason="asked for it")
    assert desk.jobs.get("video_1").prompt == ""
    kinds = [entry.kind for entry in desk.ledger.entries()]
    assert kinds == ["legal_hold_placed", "legal_hold_lifted", ERASED]


def test_a_prompt_under_a_legal_hold_is_not_erased_alone(desk: Desk) -> None:
    desk.ask()
    hold = desk.holds.place(desk.subjects.find("key_1/ada").id, reason="order 7", actor="counsel")

    with pytest.raises(Conflict, match=hold.id):
        desk.jobs.erase_prompt("video_1")
    assert desk.jobs.get("video_1").prompt == WORDS


def test_legal_holds_need_a_target_that_is_there_and_a_reason(desk: Desk) -> None:
    desk.ask()
    subject = desk.subjects.of("key_1/eve")
    desk.erasure.erase(subject, actor="ops", reason="asked for it")

    with pytest.raises(NotFound, match="video_7"):
        desk.holds.place("video_7", reason="order 7", actor="counsel")
    with pytest.raises(Conflict, match="was erased"):
        desk.holds.place(subject.id, reason="order 7", actor="counsel")
    with pytest.raises(Conflict, match="needs a reason"):
        desk.holds.place("video_1", reason=" ", actor="counsel")
    with pytest.raises(NotFound, match="hold_7"):
        desk.holds.lift("hold_7", reason="order 8", actor="counsel")
    assert desk.holds.list() == []


def test_lifting_twice_is_lifting_once(desk: Desk) -> None:
    desk.ask()
    hold = desk.holds.place("video_1", reason="order 7", actor="counsel")

    first = desk.holds.lift(hold.id, reason="order 8", actor="counsel")
    desk.now += timedelta(days=1)

    assert desk.holds.lift(hold.id, reason="again", actor="counsel") == first
    assert desk.holds.list(lifted=True) == [replace(hold, lifted_at=NOON)]


def test_a_job_goes_its_way_with_its_prompt_sealed(desk: Desk) -> None:
    desk.ask()

    assert desk.jobs.set_status("video_1", JobStatus.RUNNING).prompt == WORDS
    assert [job.id for job in desk.jobs.owned_by(desk.subjects.find("key_1/ada").id)] == ["video_1"]
