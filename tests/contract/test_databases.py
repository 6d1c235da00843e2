"""Every store keeps its promises on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, text

from generator.base import Revision
from safety.database import reading
from safety.domain import Job, JobStatus
from safety.errors import Conflict, InvalidContent, NotFound
from safety.lookup import ApiKeys, Idempotency, JobStore, Scan, ScanStatus, ScanStore

NOON = datetime(2025, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def a_job(number: int = 0, *, requester: str = "key_1", at: datetime = NOON) -> Job:
    return Job(f"video_{number}", "a red ball", 2.5, 256, 144, 2**40 + number, requester, at)


def a_scan(number: int = 0, *, requester: str = "key_1") -> Scan:
    return Scan(f"scan_{number}", requester, NOON + timedelta(seconds=number), f"{number:064x}", "holiday.mp4")


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """Run `work` in many threads that begin together; return results, or the Conflict each met."""
    barrier = threading.Barrier(count)

    def run(number: int) -> object:
        barrier.wait()
        try:
            return work(number)
        except Conflict as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.fixture
def jobs(engine: Engine) -> JobStore:
    return JobStore(engine)


@pytest.fixture
def scans(engine: Engine) -> ScanStore:
    return ScanStore(engine)


@pytest.fixture
def keys(engine: Engine) -> ApiKeys:
    return ApiKeys(engine)


@pytest.fixture
def idempotency(engine: Engine) -> Idempotency:
    return Idempotency(engine)


# --- jobs


def test_a_job_reads_back_as_it_was(jobs: JobStore) -> None:
    job = replace(a_job(), prompt="ein Ball \u200d🎈\n", outputs={"mark": {"sha256": "ab", "psnr_db": 41.25}})

    assert jobs.create(job) == job
    assert jobs.get(job.id) == job


def test_what_was_made_of_a_prompt_is_kept_once_and_erased_with_it(jobs: JobStore) -> None:
    jobs.create(a_job())
    assert jobs.revision("video_0") is None
    first = Revision("a big red ball", "writer", ("ball",), ("grumpy",))

    assert jobs.keep_revision("video_0", first) == first
    assert jobs.keep_revision("video_0", Revision("another", "writer")) == first
    assert jobs.get("video_0").revision == first

    jobs.erase_prompt("video_0")
    assert jobs.revision("video_0") is None
    jobs.keep_revision("video_0", first)  # a worker that was still waiting for it
    assert jobs.revision("video_0") is None
    with pytest.raises(NotFound):
        jobs.keep_revision("video_9", first)


def test_times_keep_their_instant_to_the_microsecond(jobs: JobStore) -> None:
    there = NOON.astimezone(timezone(timedelta(hours=-5, minutes=-30)))

    jobs.create(a_job(at=there))

    assert jobs.get("video_0").created_at == NOON
    assert jobs.get("video_0").created_at.tzinfo is UTC


def test_a_job_is_created_once(jobs: JobStore) -> None:
    first = jobs.create(a_job())

    assert jobs.create(replace(a_job(), prompt="another")) == first
    assert jobs.list() == [first]


def test_a_job_that_many_create_at_once_is_one(jobs: JobStore) -> None:
    results = at_once(8, lambda number: jobs.create(replace(a_job(), seed=number)))

    assert set(map(repr, results)) == {repr(jobs.get("video_0"))}


def test_an_unknown_job_is_not_found(jobs: JobStore) -> None:
    for ask in (
        lambda: jobs.get("video_9"),
        lambda: jobs.set_status("video_9", JobStatus.RUNNING),
        lambda: jobs.list(after="video_9"),
        lambda: jobs.erase_prompt("video_9"),
    ):
        with pytest.raises(NotFound, match="video_9"):
            ask()


@pytest.mark.parametrize(
    "way",
    [
        [JobStatus.RUNNING, JobStatus.RELEASED],
        [JobStatus.RUNNING, JobStatus.RUNNING, JobStatus.REFUSED],
        [JobStatus.RUNNING, JobStatus.HELD, JobStatus.RUNNING, JobStatus.RELEASED],
        [JobStatus.RUNNING, JobStatus.HELD, JobStatus.QUEUED, JobStatus.RUNNING],
        [JobStatus.RUNNING, JobStatus.HELD, JobStatus.REFUSED],
        [JobStatus.RUNNING, JobStatus.REFUSED, JobStatus.HELD, JobStatus.QUEUED],  # a person took the refusal back
        [JobStatus.RUNNING, JobStatus.FAILED, JobStatus.RUNNING],
        [JobStatus.CANCELLED],
    ],
)
def test_a_job_goes_its_way(jobs: JobStore, way: list[JobStatus]) -> None:
    jobs.create(a_job())

    for status in way:
        assert jobs.set_status("video_0", status).status is status


@pytest.mark.parametrize("end", [JobStatus.RELEASED, JobStatus.REFUSED, JobStatus.CANCELLED])
def test_what_has_ended_stays_so(jobs: JobStore, end: JobStatus) -> None:
    jobs.create(a_job())
    jobs.set_status("video_0", JobStatus.RUNNING)
    jobs.set_status("video_0", end, outputs={"a": {"b": 1}})

    taken_back = {JobStatus.HELD} if end is JobStatus.REFUSED else set()
    for status in set(JobStatus) - {end} - taken_back:
        with pytest.raises(Conflict, match=f"is {end} and cannot become {status}"):
            jobs.set_status("video_0", status)
    assert jobs.set_status("video_0", end).outputs == {"a": {"b": 1}}


def test_a_job_is_not_released_that_never_ran(jobs: JobStore) -> None:
    jobs.create(a_job())

    for status in (JobStatus.RELEASED, JobStatus.HELD):
        with pytest.raises(Conflict):
            jobs.set_status("video_0", status)


def test_a_status_keeps_or_replaces_outputs_and_error(jobs: JobStore) -> None:
    jobs.create(a_job())
    jobs.set_status("video_0", JobStatus.RUNNING, outputs={"mark": {"sha256": "ab"}})

    failed = jobs.set_status("video_0", JobStatus.FAILED, error="MediaError: too long")
    assert (failed.outputs, failed.error) == ({"mark": {"sha256": "ab"}}, "MediaError: too long")

    assert jobs.set_status("video_0", JobStatus.RUNNING, outputs={}) == replace(a_job(), status=JobStatus.RUNNING)


def test_of_racing_endings_one_wins(jobs: JobStore) -> None:
    jobs.create(a_job())
    jobs.set_status("video_0", JobStatus.RUNNING)
    ends = [JobStatus.RELEASED, JobStatus.CANCELLED]

    results = at_once(8, lambda number: jobs.set_status("video_0", ends[number % 2]).status)

    won = jobs.get("video_0").status
    assert {each for each in results if not isinstance(each, Conflict)} == {won}
    assert results.count(won) == 4


def test_jobs_are_listed_newest_first_in_pages(jobs: JobStore) -> None:
    for number in range(7):
        # Some are created in the same microsecond.
        jobs.create(a_job(number, requester=f"key_{number % 2}", at=NOON + timedelta(seconds=number // 3)))
    jobs.set_status("video_4", JobStatus.RUNNING)

    def ids(**question: object) -> list[str]:
        return [job.id.removeprefix("video_") for job in jobs.list(**question)]  # type: ignore[arg-type]

    assert ids() == ["6", "5", "4", "3", "2", "1", "0"]
    assert ids(limit=3) + ids(limit=3, after="video_4") + ids(limit=3, after="video_1") == ids()
    assert ids(requester="key_1") == ["5", "3", "1"]
    assert ids(status=JobStatus.RUNNING) == ["4"]
    assert ids(requester="key_1", status=JobStatus.RUNNING) == []


def test_an_erased_prompt_is_gone_and_the_job_stays(jobs: JobStore, engine: Engine) -> None:
    jobs.create(a_job())
    jobs.erase_prompt("video_0")

    assert jobs.get("video_0") == replace(a_job(), prompt="")
    with reading(engine) as connection:
        assert "red ball" not in str(connection.execute(text("SELECT * FROM jobs")).all())


@pytest.mark.parametrize("change", [{"prompt": "a\x00b"}, {"prompt": "a\ud800"}, {"seed": 2**63}])
def test_what_no_database_can_keep_is_refused_without_quoting_it(jobs: JobStore, change: dict[str, object]) -> None:
    with pytest.raises(InvalidContent) as caught:
        jobs.create(replace(a_job(), **change))  # type: ignore[arg-type]

    assert "red ball" not in str(caught.value)
    assert jobs.list() == []


# --- scans


def test_a_scan_goes_its_way_and_keeps_its_report(scans: ScanStore) -> None:
    assert scans.create(a_scan()) == a_scan() == scans.create(replace(a_scan(), name="other"))
    scans.set_status("scan_0", ScanStatus.RUNNING)

    done = scans.set_status("scan_0", ScanStatus.DONE, report={"origin": "unknown", "score": None})

    assert done == replace(a_scan(), status=ScanStatus.DONE, report={"origin": "unknown", "score": None})
    assert scans.get("scan_0") == done


def test_a_scan_ends_once(scans: ScanStore) -> None:
    scans.create(a_scan())
    failed = scans.set_status("scan_0", ScanStatus.FAILED, error="UnreadableMedia: no video")

    assert scans.set_status("scan_0", ScanStatus.FAILED, error="something else") == failed
    with pytest.raises(Conflict, match="is failed"):
        scans.set_status("scan_0", ScanStatus.DONE, report={})


def test_scans_are_listed_newest_first_in_pages(scans: ScanStore) -> None:
    for number in range(5):
        scans.create(a_scan(number, requester=f"key_{number % 2}"))

    assert [scan.id for scan in scans.list(limit=2)] == ["scan_4", "scan_3"]
    assert [scan.id for scan in scans.list(after="scan_3", requester="key_0")] == ["scan_2", "scan_0"]


def test_an_unknown_scan_is_not_found(scans: ScanStore) -> None:
    for ask in (lambda: scans.get("scan_9"), lambda: scans.set_status("scan_9", ScanStatus.DONE)):
        with pytest.raises(NotFound, match="scan_9"):
            ask()


# --- API keys


def test_a_key_is_found_by_its_secret_alone(keys: ApiKeys) -> None:
    key, secret = keys.create("the console", {"reviewer", "auditor"})
    keys.create("another", {"requester"})

    assert keys.find(secret) == key
    assert key.scopes == {"auditor", "reviewer"}
    for wrong in ("", key.id, secret[:-1], secret + "A", secret.swapcase()):
        assert keys.find(wrong) is None


def test_a_secret_is_never_kept(keys: ApiKeys, engine: Engine) -> None:
    _, secret = keys.create("the console", {"reviewer"})

    with reading(engine) as connection:
        assert secret not in str(connection.execute(text("SELECT * FROM api_keys")).all())
    assert len(secret) > 40


def test_a_revoked_key_opens_nothing_and_stays_listed(engine: Engine) -> None:
    times = iter([NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2)])
    keys = ApiKeys(engine, lambda: next(times))
    key, secret = keys.create("the console", {"reviewer"})

    keys.revoke(key.id)
    keys.revoke(key.id)

    assert keys.find(secret) is None
    assert keys.list() == [replace(key, revoked_at=NOON + timedelta(hours=1))]


def test_an_unknown_key_cannot_be_revoked_and_a_scope_is_a_word(keys: ApiKeys) -> None:
    with pytest.raises(NotFound, match="key_9"):
        keys.revoke("key_9")
    for scope in ("", "two words", " admin"):
        with pytest.raises(Conflict, match="one word"):
            keys.create("x", {scope})
    assert keys.list() == []


# --- idempotency


def test_a_repeated_request_gets_what_the_first_one_made(idempotency: Idempotency) -> None:
    assert idempotency.remember("key_1", "k", "digest", "video_1") == "video_1"
    assert idempotency.remember("key_1", "k", "digest", "video_2") == "video_1"


def test_keys_of_different_requesters_are_different(idempotency: Idempotency) -> None:
    idempotency.remember("key_1", "k", "digest", "video_1")

    assert idempotency.remember("key_2", "k", "other", "video_2") == "video_2"


def test_another_request_with_a_used_key_is_refused(idempotency: Idempotency) -> None:
    idempotency.remember("key_1", "k", "digest", "video_1")

    with pytest.raises(Conflict, match="another request"):
        idempotency.remember("key_1", "k", "other", "video_2")


def test_of_equal_requests_at_once_all_get_the_same(idempotency: Idempotency) -> None:
    results = at_once(8, lambda number: idempotency.remember("key_1", "k", "digest", f"video_{number}"))

    assert len(set(results)) == 1


def test_old_requests_are_forgotten(engine: Engine) -> None:
    times = iter([NOON, NOON + timedelta(days=1), NOON + timedelta(days=2)])
    idempotency = Idempotency(engine, lambda: next(times))
    idempotency.remember("key_1", "old", "digest", "video_1")
    idempotency.remember("key_1", "new", "digest", "video_2")

    assert idempotency.forget_before(NOON + timedelta(hours=1)) == 1
    assert idempotency.remember("key_1", "old", "other", "video_3") == "video_3"
