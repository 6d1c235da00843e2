"""The rooms that erase, around a ledger in any database, with a clock that tests move and files that they count."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, text

from safety.domain import Job
from safety.erasure import Erasure
from safety.ledger import Ledger
from safety.lookup import JobStore, LegalHolds, ScanStore, SubjectKeys

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
WORDS = "a lighthouse that nobody else would think of"


class Desk:
    """The rooms that an erasure needs, on one database."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self.engine, self.ledger = engine, ledger
        self.now = NOON
        self.subjects = SubjectKeys(engine, b"m" * 32, lambda: self.now)
        self.jobs = JobStore(engine, lambda: self.now, self.subjects)
        self.scans = ScanStore(engine, lambda: self.now, self.subjects)
        self.holds = LegalHolds(engine, ledger.append_event, lambda: self.now)
        self.stopped: list[str] = []
        self.files = {"video_1": 2}
        self.uploads: dict[str, int] = {}
        self.erasure = Erasure(
            engine,
            ledger,
            self.subjects,
            self.jobs,
            lambda job: self.stopped.append(job.id),
            lambda job: self.files.pop(job.id, 0),
            lambda digest: bool(self.uploads.pop(digest, 0)),
            (ledger.public_key,),
        )

    def ask(self, id_: str = "video_1", who: str = "key_1/ada", prompt: str = WORDS) -> Job:
        owner = self.subjects.of(who).id
        return self.jobs.create(Job(id_, prompt, 1.0, 64, 64, 0, "key_1", self.now, owner=owner))

    def stored(self, query: str = "SELECT prompt FROM jobs") -> str:
        with self.engine.connect() as connection:
            return repr(connection.execute(text(query)).all())
