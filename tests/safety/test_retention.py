"""What is old enough goes, what must be kept stays, and the record says what went. On both databases."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from media.blobs import BlobStore
from media.errors import StorageError
from safety import audit
from safety.domain import Action, Checkpoint, Job, JobStatus
from safety.errors import NotFound, PolicyError
from safety.ledger import Ledger
from safety.lookup import Scan, ScanStatus
from safety.lookup.chores import Chores
from safety.lookup.due import Due, Limits
from safety.lookup.legal_holds import LegalHold
from safety.records import decode
from safety.retention import APPLIED, CLASSES, Retention, RetentionRules, load_retention
from safety.still_store import StillStore, owner_in
from tests.erasing import NOON, WORDS, Desk
from tests.safety.making import a_decision

DAY = timedelta(days=1)


@pytest.fixture
def desk(engine: Engine, ledger: Ledger) -> Desk:
    return Desk(engine, ledger)


@pytest.fixture
def stills(desk: Desk, tmp_path: Path) -> StillStore:
    return StillStore(BlobStore(tmp_path / "stills"), desk.subjects, owner_in(lambda id_: desk.jobs.get(id_).owner))


def retention_of(desk: Desk, stills: StillStore, days: Mapping[str, float], longer: float = 0) -> Retention:
    rules = RetentionRules("sha256:rules", days, longer, frozenset({"sexual_minors"}))

    def erase(id_: str) -> None:
        desk.erasure.erase(desk.subjects.find(id_), actor="schedule", reason="age")

    discard = desk.erasure.discard
    return Retention(rules, desk.erasure, Due(desk.engine), stills, erase, discard, lambda: desk.now)


def apply(desk: Desk, stills: StillStore, days: Mapping[str, float], longer: float = 0) -> Mapping[str, int]:
    return retention_of(desk, stills, days, longer).apply("schedule")


def end(desk: Desk, id_: str, status: JobStatus) -> None:
    desk.jobs.set_status(id_, JobStatus.RUNNING)
    desk.jobs.set_status(id_, status, outputs={"mark": {"sha256": "ab"}})


# --- what goes


def test_words_of_ended_jobs_go_when_their_time_is_over(desk: Desk, stills: StillStore) -> None:
    for number, status in enumerate([JobStatus.RELEASED, JobStatus.REFUSED, JobStatus.FAILED, JobStatus.HELD]):
        desk.ask(f"video_{number}")
        end(desk, f"video_{number}", status)
    desk.ask("video_9")

    desk.now = NOON + 10 * DAY
    assert apply(desk, stills, {"prompts": 10}) == {}
    desk.now += timedelta(seconds=1)
    assert apply(desk, stills, {"prompts": 10}) == {"prompts": 3}
    assert apply(desk, stills, {"prompts": 10}) == {}

    kept = {job.id for job in desk.jobs.list() if job.prompt}
    assert kept == {"video_3", "video_9"}
    (entry,) = desk.ledger.entries()
    assert entry.kind == APPLIED
    assert decode(entry.body)[1]["erased"] == {"prompts": 3}
    assert audit.verify(desk.engine, desk.ledger.public_key).ok


def test_files_of_what_was_not_released_go_once_and_those_of_releases_stay(desk: Desk, stills: StillStore) -> None:
    for number, status in enumerate([JobStatus.RELEASED, JobStatus.REFUSED]):
        desk.ask(f"video_{number}")
        end(desk, f"video_{number}", status)
    desk.files = {"video_0": 1, "video_1": 2}
    desk.now += 31 * DAY

    assert apply(desk, stills, {"files": 30}) == {"files": 2}
    assert desk.files == {"video_0": 1}
    assert desk.jobs.get("video_1").outputs == {}
    assert apply(desk, stills, {"files": 30}) == {}


def test_names_of_uploads_go_when_their_scan_has_ended(desk: Desk, stills: StillStore) -> None:
    for number in range(2):
        desk.scans.create(Scan(f"scan_{number}", "key_1", NOON, f"{number:064x}", "mine.mp4"))
    desk.scans.set_status("scan_0", ScanStatus.RUNNING)
    desk.scans.set_status("scan_0", ScanStatus.DONE)
    desk.now += 2 * DAY

    assert apply(desk, stills, {"names": 1}) == {"names": 1}
    assert [scan.name for scan in desk.scans.list()] == ["mine.mp4", ""]


def test_a_silent_subject_goes_with_everything(desk: Desk, stills: StillStore) -> None:
    desk.ask()
    desk.now += 100 * DAY
    desk.ask("video_2", "key_1/bob")

    assert apply(desk, stills, {"subjects": 99}) == {"subjects": 1}
    assert desk.jobs.get("video_1").prompt == ""
    assert desk.jobs.get("video_2").prompt == WORDS


def test_pictures_go_by_the_age_of_their_file(desk: Desk, stills: StillStore, tmp_path: Path) -> None:
    desk.ask()
    old, young = stills.keep(b"old", "video_1"), stills.keep(b"young", "video_1")
    desk.now = NOON + 200 * DAY
    _date(tmp_path, old, NOON.timestamp())
    _date(tmp_path, young, (NOON + 100 * DAY).timestamp())

    assert apply(desk, stills, {"stills": 180}) == {"stills": 1}
    assert (stills.contains(old), stills.read(young)) == (False, b"young")


# --- what stays


def test_what_is_under_a_legal_hold_stays(desk: Desk, stills: StillStore, tmp_path: Path) -> None:
    for number, target in enumerate(["job", "subject", "scan"]):
        desk.ask(f"video_{number}", f"key_{number}/ada")
        end(desk, f"video_{number}", JobStatus.REFUSED)
        owner = desk.subjects.find(f"key_{number}/ada").id
        desk.scans.create(Scan(f"scan_{number}", f"key_{number}", NOON, f"{number:064x}", "mine.mp4", owner=owner))
        desk.scans.set_status(f"scan_{number}", ScanStatus.DONE)
        _date(tmp_path, stills.keep(b"picture", f"video_{number}"), NOON.timestamp())
        held = {"job": f"video_{number}", "subject": owner, "scan": f"scan_{number}"}[target]
        desk.holds.place(held, reason="order 7", actor="counsel")
    desk.now += 5000 * DAY

    erased = apply(desk, stills, dict.fromkeys(CLASSES, 1))

    # Of the first the job is held, of the second everything, of the third the upload alone.
    assert erased == {"prompts": 1, "stills": 1, "names": 1}
    assert [bool(desk.jobs.get(f"video_{number}").prompt) for number in range(3)] == [True, True, False]
    assert [desk.scans.get(f"scan_{number}").name for number in range(3)] == ["", "mine.mp4", "mine.mp4"]


def test_what_is_put_under_a_legal_hold_while_it_is_due_stays(desk: Desk, stills: StillStore) -> None:
    """Hundreds are found to be due at once, and erased one after the other."""
    for number in range(2):
        desk.ask(f"video_{number}")
        end(desk, f"video_{number}", JobStatus.REFUSED)
    desk.now += 100 * DAY

    class Late(Due):
        def prompts(self, limits: Limits) -> Sequence[str]:
            due = super().prompts(limits)
            if "video_0" in due and not held:
                held.append(desk.holds.place("video_0", reason="order 7", actor="counsel"))
            return due

        def files(self, limits: Limits) -> Sequence[str]:
            due = super().files(limits)
            if "video_1" in due and len(held) == 1:
                held.append(desk.holds.place("video_1", reason="order 8", actor="counsel"))
            return due

    def note(job: Job) -> int:
        discarded.append(job.id)
        return 1

    held: list[LegalHold] = []
    discarded: list[str] = []
    retention = replace(
        retention_of(desk, stills, {"prompts": 1, "files": 1}),
        due=Late(desk.engine),
        discard=note,
    )

    assert retention.apply("ops") == {"prompts": 1}
    assert {job.id: bool(job.prompt) for job in desk.jobs.list()} == {"video_0": True, "video_1": False}
    assert discarded == []


def test_what_may_be_evidence_is_kept_longer(desk: Desk, stills: StillStore, tmp_path: Path) -> None:
    for number, category in enumerate(["sexual_minors", "violence"]):
        desk.ask(f"video_{number}")
        end(desk, f"video_{number}", JobStatus.REFUSED)
        desk.ledger.append_decision(
            a_decision(
                number, action=Action.BLOCK, checkpoint=Checkpoint.OUTPUT, job=f"video_{number}", category=category
            )
        )
        _date(tmp_path, stills.keep(b"picture", f"video_{number}"), NOON.timestamp())
    days = {"prompts": 10, "files": 10, "stills": 10}
    desk.files = {"video_0": 1, "video_1": 1}

    desk.now = NOON + 11 * DAY
    assert apply(desk, stills, days, longer=365) == {"prompts": 1, "files": 1, "stills": 1}
    assert desk.jobs.get("video_0").prompt == WORDS
    desk.now = NOON + 366 * DAY
    assert apply(desk, stills, days, longer=365) == {"prompts": 1, "files": 1, "stills": 1}


def test_a_class_without_a_period_is_kept(desk: Desk, stills: StillStore) -> None:
    desk.ask()
    end(desk, "video_1", JobStatus.RELEASED)
    desk.now += 5000 * DAY

    assert apply(desk, stills, {}) == {}
    assert desk.jobs.get("video_1").prompt == WORDS


# --- the file


def test_the_shipped_periods_name_every_class() -> None:
    assert set(load_retention().days) == set(CLASSES)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "needs `schema = 1`"),
        ("schema = 1\n[days]\nprompts = 1\n[more]\n", "nothing else"),
        ("schema = 1\n[days]\nprompst = 1\n", "'prompst' is no class"),
        ("schema = 1\n[days]\nprompts = -1\n", "prompts is -1"),
        ("schema = 1\n[days]\nprompts = true\n", "prompts is True"),
        ("schema = 1\n[days]\nprompts = nan\n", "prompts is nan"),
        ("schema = 1\n[days]\n[longer]\ndays = 3\n", "needs categories and days"),
        ("schema = 1\n[days]\n[longer]\ndays = 3\ncategories = [1]\n", "needs categories and days"),
        ("schema = ", "no TOML"),
    ],
)
def test_a_file_that_would_keep_or_erase_by_accident_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "retention.toml"
    path.write_text(text)

    with pytest.raises(PolicyError, match=why):
        load_retention(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"none\.toml cannot be read"):
        load_retention(tmp_path / "none.toml")


# --- pictures


def test_a_picture_is_sealed_and_gone_with_the_key(desk: Desk, stills: StillStore, tmp_path: Path) -> None:
    desk.ask()
    digest = stills.keep(b"\xff\xd8 a picture of somebody", "video_1")
    assert stills.read(digest) == b"\xff\xd8 a picture of somebody"
    assert stills.keep(b"\xff\xd8 a picture of somebody", "video_1") == digest
    stored = next((tmp_path / "stills").glob(f"*/*/{digest}"))
    assert b"somebody" not in stored.read_bytes()
    desk.erasure.erase(desk.subjects.find("key_1/ada"), actor="ops", reason="asked for it")

    with pytest.raises(NotFound, match="erased"):
        stills.read(digest)


def test_a_picture_of_no_job_is_the_houses_own(desk: Desk, stills: StillStore) -> None:
    assert stills.read(stills.keep(b"picture", None)) == b"picture"
    assert stills.read(stills.keep(b"picture", "a job of somebody else's generator")) == b"picture"
    assert desk.subjects.find("local")


def test_a_file_that_is_no_picture_is_named(stills: StillStore, tmp_path: Path) -> None:
    digest = BlobStore(tmp_path / "stills").put_bytes(b"something")

    with pytest.raises(StorageError, match=digest):
        stills.read(digest)


def _date(tmp_path: Path, digest: str, at_s: float) -> None:
    os.utime(next((tmp_path / "stills").glob(f"*/*/{digest}")), (at_s, at_s))


# --- chores


def test_a_chore_is_taken_once_and_is_due_again_later(desk: Desk) -> None:
    one, other = (Chores(desk.engine, lambda: desk.now) for _ in range(2))
    hour = timedelta(hours=1)
    assert [one.take("sweep", hour), other.take("sweep", hour), one.take("other", hour)] == [True, False, True]

    desk.now += hour
    assert [other.take("sweep", hour), one.take("sweep", hour)] == [True, False]


def test_a_clock_that_was_put_back_does_not_stop_a_chore_for_years(desk: Desk) -> None:
    chores = Chores(desk.engine, lambda: desk.now)
    assert chores.take("sweep", DAY)

    desk.now -= 400 * DAY
    assert [chores.take("sweep", DAY), chores.take("sweep", DAY)] == [True, False]


def test_a_damaged_picture_is_told_and_left_and_the_others_go(
    desk: Desk, stills: StillStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk.ask("video_1")
    blobs = BlobStore(tmp_path / "stills")
    whole = [stills.keep(f"picture {number}".encode(), "video_1") for number in range(3)]
    damaged = [blobs.put_bytes(b"no still at all"), blobs.put_bytes(b"framegate still 1\n\xff\xfe\nvideo_1\nsealed")]
    for digest in (*whole, *damaged):
        os.utime(blobs.path(digest), (0, 0))

    assert apply(desk, stills, {"stills": 180}) == {"stills": 3}

    assert [stills.contains(digest) for digest in whole] == [False] * 3
    assert [stills.contains(digest) for digest in damaged] == [True] * 2
    told = "\n".join(caplog.messages)
    assert all(digest in told for digest in damaged)
