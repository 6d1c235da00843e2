"""Jobs and where they stand. Running them is `safety.work` and `safety.jobs`; what was decided is in the ledger.

    queued ──▶ running ──▶ released | refused | failed | cancelled
      ▲           │  ▲
      │         held─┘         a job that failed, or whose worker died, may be queued and run again
      └───────────┘

A job row is working state: it proves nothing and may be corrected. Its prompt is content: sealed with the key of whose
it is (`safety.lookup.subjects`), and erasing it is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select, tuple_, update

from generator.base import Capability, Revision
from safety.database import insert_unless_there, reading, utc_now, writing
from safety.domain import Job, JobStatus, Reference, Task
from safety.errors import Conflict, InvalidContent, NotFound, SealBroken
from safety.lookup.legal_holds import refuse_if_held, take_turn
from safety.lookup.subjects import MARK, SubjectKeys
from safety.tables import jobs

_S = JobStatus

MAY_BECOME: Mapping[JobStatus, frozenset[JobStatus]] = {
    _S.QUEUED: frozenset({_S.RUNNING, _S.REFUSED, _S.FAILED, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.QUEUED, _S.HELD, _S.REFUSED, _S.RELEASED, _S.FAILED, _S.CANCELLED}),
    _S.HELD: frozenset({_S.QUEUED, _S.RUNNING, _S.REFUSED, _S.CANCELLED}),
    _S.FAILED: frozenset({_S.QUEUED, _S.RUNNING}),
    _S.REFUSED: frozenset({_S.HELD}),
    _S.RELEASED: frozenset(),
    _S.CANCELLED: frozenset(),
}
"""Moves besides staying what it is. What was released or cancelled stays so. Refused
becomes held only where a person takes the refusal back (`safety.review`, `safety.appeals`)."""

MAX_SEED = (1 << 63) - 1


class JobStore:
    """Keeps jobs; safe to use from several threads and processes."""

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime] = utc_now, subjects: SubjectKeys | None = None
    ) -> None:
        """Take the keys of whose data prompts are; without them, prompts stand as they are and sealed ones are shut."""
        self._engine = engine
        self._clock = clock
        self._subjects = subjects

    def create(self, job: Job) -> Job:
        """Keep a new job, once for its id, and return the one that is kept. Its owner is its requester unless it says.

        Raises:
            InvalidContent: the prompt holds U+0000 or half a surrogate pair, or the seed needs more than 63 bits.
            DatabaseError: the database is gone.
        """
        _refuse_unstorable(job)
        owner = job.owner or (self._subjects.of(job.requester).id if self._subjects else "")
        with writing(self._engine) as connection:
            values = {name: getattr(job, name) for name in jobs.c.keys() if name != "updated_at"}  # noqa: SIM118
            values["revision"] = None
            values |= {"status": job.status.value, "task": _task_record(job.task), "updated_at": self._clock()}
            values |= {"owner": owner or None, "prompt": self._sealed(connection, owner, _place(job.id), job.prompt)}
            insert_unless_there(connection, jobs, values)
            return self._one(connection, job.id)

    def get(self, id_: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none with this id.
        """
        with reading(self._engine) as connection:
            return self._one(connection, id_)

    def list(
        self,
        *,
        requester: str | None = None,
        status: JobStatus | None = None,
        after: str | None = None,
        limit: int = 50,
        oldest_first: bool = False,
        erased: bool = True,
    ) -> list[Job]:
        """Return up to `limit` jobs, newest first; `after` is the id of the last one of the page before.

        `erased=False` leaves out jobs whose prompt was erased.

        Raises:
            NotFound: there is no job `after`.
        """
        place = tuple_(jobs.c.created_at, jobs.c.id)
        order = (jobs.c.created_at, jobs.c.id) if oldest_first else (jobs.c.created_at.desc(), jobs.c.id.desc())
        query = select(jobs).order_by(*order).limit(limit)
        if not erased:
            query = query.where(jobs.c.prompt != "")
        if requester is not None:
            query = query.where(jobs.c.requester == requester)
        if status is not None:
            query = query.where(jobs.c.status == status.value)
        if after is not None:
            last = (self.get(after).created_at, after)
            query = query.where(place > last if oldest_first else place < last)
        with reading(self._engine) as connection:
            return list(self._opened(connection, connection.execute(query).all()))

    def owned_by(self, owner: str) -> Sequence[Job]:
        """Return every job of a Subject, oldest first, without its words: who erases needs none, readable or not."""
        query = select(jobs).where(jobs.c.owner == owner).order_by(jobs.c.created_at, jobs.c.id)
        with reading(self._engine) as connection:
            return [_to_job(row, "", "") for row in connection.execute(query)]

    def counts(self) -> dict[JobStatus, int]:
        """Return how many jobs stand where; a status that no job has is left out."""
        query = select(jobs.c.status, func.count()).group_by(jobs.c.status)
        with reading(self._engine) as connection:
            return {JobStatus(status): count for status, count in connection.execute(query)}

    def set_status(
        self, id_: str, status: JobStatus, *, outputs: dict[str, dict[str, Any]] | None = None, error: str = ""
    ) -> Job:
        """Move a job to a status and return it; to be what it already is, is no move. `outputs` None keeps them.

        Raises:
            NotFound: there is no such job.
            Conflict: it cannot become that any more; nothing changed.
        """
        with writing(self._engine) as connection:
            query = select(jobs).where(jobs.c.id == id_).with_for_update()
            row = connection.execute(query).one_or_none()
            if row is None:
                raise NotFound(f"no job has the id {id_}")
            now = JobStatus(row.status)
            if status is not now and status not in MAY_BECOME[now]:
                raise Conflict(f"job {id_} is {now} and cannot become {status}")
            values: dict[str, Any] = {"status": status.value, "error": error, "updated_at": self._clock()}
            if outputs is not None:
                values["outputs"] = outputs
            connection.execute(update(jobs).where(jobs.c.id == id_).values(values))
            return self._one(connection, id_)

    def revision(self, id_: str) -> Revision | None:
        """Return what an expander made of a job's prompt, if one did.

        Raises:
            NotFound: there is no such job.
        """
        return self.get(id_).revision

    def keep_revision(self, id_: str, revision: Revision) -> Revision:
        """Keep a job's first revision, sealed as its prompt is, and return the one that is kept.

        Nothing is kept for a job whose prompt was erased meanwhile.

        Raises:
            NotFound: there is no such job.
        """
        with writing(self._engine) as connection:
            owner = connection.execute(select(jobs.c.owner).where(jobs.c.id == id_)).scalar()
            text = self._sealed(connection, owner or "", _revised(id_), json.dumps(asdict(revision)))
            first = update(jobs).where(jobs.c.id == id_, jobs.c.revision.is_(None), jobs.c.prompt != "")
            connection.execute(first.values(revision=text))
            return self._one(connection, id_).revision or revision

    def erase_prompt(self, id_: str) -> None:
        """Remove the text of a prompt, and what was made of it; their digests stay in the ledger.

        Raises:
            NotFound: there is no such job.
            Conflict: it, or whose it is, is under a legal hold.
        """
        with writing(self._engine) as connection:
            take_turn(connection)
            owner = connection.execute(select(jobs.c.owner).where(jobs.c.id == id_)).scalar()
            refuse_if_held(connection, [id_, owner or ""])
            change = update(jobs).where(jobs.c.id == id_).values(prompt="", revision=None)
            if connection.execute(change).rowcount == 0:
                raise NotFound(f"no job has the id {id_}")

    def seal_plain(self, limit: int = 500) -> int:
        """Seal up to `limit` prompts that stand as they are, from before prompts were sealed; return how many."""
        if self._subjects is None:
            return 0
        columns = (jobs.c.id, jobs.c.requester, jobs.c.prompt, jobs.c.revision)
        plain = select(*columns).where(jobs.c.owner.is_(None), jobs.c.prompt != "")
        with reading(self._engine) as connection:
            rows = connection.execute(plain.limit(limit)).all()
        owners = {requester: self._subjects.of(requester).id for requester in {row.requester for row in rows}}
        with writing(self._engine) as connection:
            for id_, requester, prompt, revision in rows:
                owner = owners[requester]
                sealed = self._sealed(connection, owner, _place(id_), prompt)
                revised = revision and self._sealed(connection, owner, _revised(id_), revision)
                same = update(jobs).where(jobs.c.id == id_, jobs.c.prompt == prompt)
                same = same.where(jobs.c.revision.is_not_distinct_from(revision))
                connection.execute(same.values(prompt=sealed, revision=revised, owner=owner))
        return len(rows)

    def _sealed(self, connection: Connection, owner: str, place: str, text: str) -> str:
        if not text or not owner:
            return text
        return _keys(self._subjects).seal(connection, owner, text, place)

    def _one(self, connection: Connection, id_: str) -> Job:
        rows = connection.execute(select(jobs).where(jobs.c.id == id_)).all()
        if not rows:
            raise NotFound(f"no job has the id {id_}")
        return self._opened(connection, rows)[0]

    def _opened(self, connection: Connection, rows: Sequence[Row[Any]]) -> Sequence[Job]:
        """Read rows, their prompts and what was made of them opened."""
        texts = [
            (row.owner or "", text or "", place(row.id))
            for row in rows
            for text, place in ((row.prompt, _place), (row.revision, _revised))
        ]
        opened = [text for _, text, _ in texts]
        if any(owner and text.startswith(MARK) for owner, text, _ in texts):
            opened = _keys(self._subjects).unseal(connection, texts)
        return [
            _to_job(row, *pair) for row, pair in zip(rows, zip(opened[::2], opened[1::2], strict=True), strict=True)
        ]


def _keys(subjects: SubjectKeys | None) -> SubjectKeys:
    if subjects is None:
        raise SealBroken("a prompt is sealed, and this store was opened without the keys of subjects")
    return subjects


def _place(id_: str) -> str:
    return f"the prompt of job {id_}"


def _revised(id_: str) -> str:
    return f"the revised prompt of job {id_}"


def _to_job(row: Row[Any], prompt: str, revision: str) -> Job:
    values = dict(row._mapping)
    del values["updated_at"]
    values |= {"prompt": prompt, "owner": row.owner or "", "revision": _revision_of(revision)}
    return Job(**{**values, "status": JobStatus(values["status"]), "task": _task_of(values["task"])})


def _revision_of(text: str) -> Revision | None:
    if not text:
        return None
    record = json.loads(text)
    return Revision(record["prompt"], record["by"], tuple(record["understood"]), tuple(record["ignored"]))


_MADE = "made"
"""Stands for the capability of a job whose clip is there."""


def _task_record(task: Task) -> dict[str, Any] | None:
    if task == Task():
        return None
    # Versions that would generate a video instead of taking the one that was made know no such capability, and stop.
    return asdict(task) | ({"capability": _MADE} if task.made else {})


def _task_of(record: dict[str, Any] | None) -> Task:
    if record is None:
        return Task()
    references = tuple(Reference(**each) for each in record["references"])
    if record["capability"] == _MADE:
        return Task(references=references, made=record["made"], from_parent=record["from_parent"])
    return Task(Capability(record["capability"]), references, record["strength"])


def _refuse_unstorable(job: Job) -> None:
    if "\x00" in job.prompt or any(0xD800 <= ord(each) <= 0xDFFF for each in job.prompt):
        raise InvalidContent("the prompt holds characters that are not text: U+0000 or half of a surrogate pair")
    if not -MAX_SEED <= job.seed <= MAX_SEED:
        raise InvalidContent(f"the seed is larger than {MAX_SEED}")
