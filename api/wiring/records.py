"""The rooms that keep the record: database, ledger, stores and queue. They load no weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from api.keys import former_ledger_keys, ledger_key, signing_chain_pem, subject_key, witness_keys
from api.settings import Settings
from api.wiring.desk import exposure_of_reviewers, quality_desk, review_desk
from api.wiring.key_events import note_in_service, recorder
from classifiers.registered_names import first_word
from media.blobs import BlobStore
from safety.appeals import Appeals
from safety.checkpoints import LogKey, LogPublicKey
from safety.cosignatures import Cosignatures
from safety.database import open_engine, schema_is_current
from safety.errors import DatabaseError, NotFound
from safety.ledger import Ledger
from safety.lookup import ApiKeys, Idempotency, JobStore, LegalHolds, LikenessRegistry, ScanStore, Search, SubjectKeys
from safety.lookup.batches import ScanBatches
from safety.pipeline import files_left
from safety.still_store import StillStore, owner_in
from safety.withdrawals import Withdrawals

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from provenance.base import CredentialSigner
    from provenance.rotating import Change
    from safety.exposure import Exposure
    from safety.jobs import Queue
    from safety.quality import Quality
    from safety.review import Review


class Records:
    """Every room that keeps something, made on first use; owns what must be closed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def engine(self) -> Engine:
        """The database, with its newest schema."""
        engine = open_engine(self.settings.database)
        if not schema_is_current(engine):
            engine.dispose()
            raise DatabaseError(f"the database {engine.url!r} is not ready: run `framegate migrate` first")
        return engine

    @cached_property
    def log_key(self) -> LogKey:
        """Signs ledger checkpoints."""
        return ledger_key(self.settings)

    @cached_property
    def former_log_keys(self) -> tuple[LogPublicKey, ...]:
        """Keys that signed this ledger before the present one."""
        return former_ledger_keys(self.settings)

    @cached_property
    def ledger(self) -> Ledger:
        """The record."""
        return Ledger(self.engine, self.log_key, former_keys=self.former_log_keys)

    @cached_property
    def subjects(self) -> SubjectKeys:
        """Whose data is kept, and the keys it is sealed with."""
        return SubjectKeys(self.engine, subject_key(self.settings))

    @cached_property
    def legal_holds(self) -> LegalHolds:
        """What must not be erased."""
        return LegalHolds(self.engine, self._append_event)

    @cached_property
    def cosignatures(self) -> Cosignatures:
        """What witnesses signed."""
        return Cosignatures(self.engine, (self.log_key.public, *self.former_log_keys), witness_keys(self.settings))

    @cached_property
    def search(self) -> Search:
        """Decisions by anything that is recorded about them."""
        return Search(self.engine)

    @cached_property
    def jobs(self) -> JobStore:
        """Jobs and where they stand."""
        return JobStore(self.engine, subjects=self.subjects)

    @cached_property
    def scans(self) -> ScanStore:
        """Scans asked for over HTTP."""
        return ScanStore(self.engine, subjects=self.subjects)

    @cached_property
    def scan_batches(self) -> ScanBatches:
        """Which scans were handed in together."""
        return ScanBatches(self.engine)

    @cached_property
    def keys(self) -> ApiKeys:
        """API keys."""
        return ApiKeys(self.engine)

    @cached_property
    def likeness(self) -> LikenessRegistry:
        """Who may show whose likeness, and who is never shown."""
        return LikenessRegistry(self.engine, self._append_event, first_word)

    def _append_event(self, kind: str, id_: str, body: Mapping[str, Any]) -> None:
        # Reading registrations must not open the ledger for writing.
        self.ledger.append_event(kind, id_, body)

    @cached_property
    def idempotency(self) -> Idempotency:
        """Requests that were made before."""
        return Idempotency(self.engine)

    @cached_property
    def review(self) -> Review:
        """What waits for a person."""
        return review_desk(self.settings, self.ledger)

    @cached_property
    def quality(self) -> Quality:
        """What is looked at a second time."""
        return quality_desk(self.settings, self.ledger)

    @cached_property
    def exposure(self) -> Exposure:
        """How much each reviewer looks at, and who needs a break."""
        return exposure_of_reviewers(self.settings, self.ledger)

    @cached_property
    def appeals(self) -> Appeals:
        """Requests to have a decision looked at again."""
        return Appeals(self.ledger, answer_within=timedelta(days=self.settings.appeal_days))

    @cached_property
    def blobs(self) -> BlobStore:
        """Files, named by their content."""
        return BlobStore(self.settings.home / "blobs")

    @cached_property
    def withdrawals(self) -> Withdrawals:
        """Releases that are not served any more."""
        return Withdrawals(self.ledger, self.blobs, self._files_of)

    def _files_of(self, job: str) -> Collection[str]:
        try:
            return files_left(self.jobs.get(job).outputs)
        except NotFound:  # a library's job has no row
            return ()

    @cached_property
    def stills(self) -> StillStore:
        """Blurred pictures of findings, sealed."""
        owner_of = owner_in(lambda job: self.jobs.get(job).owner, lambda scan: self.scans.get(scan).owner)
        return StillStore(BlobStore(self.settings.home / "stills"), self.subjects, owner_of)

    @cached_property
    def key_changes(self) -> Callable[[Change], None]:
        """What is told when the files of the signing key change: each is an entry."""
        return recorder(lambda: self.ledger, lambda: signing_chain_pem(self.settings))

    def prove(self, signer: CredentialSigner) -> None:
        """Test the signer, and record its certificate unless it was made here; raises SignerUnusable, LedgerError."""
        signer.self_test()
        if self.settings.signer_chain is not None:
            note_in_service(self.ledger, signing_chain_pem(self.settings), signer.name)

    @cached_property
    def uploads(self) -> BlobStore:
        """Uploaded files that wait to be scanned."""
        return BlobStore(self.settings.home / "uploads")

    def resume(self, job: str) -> None:
        """Queue a job (again): for a held one after a reviewer allowed it, or one that was not queued for a crash."""
        self.queue.submit(job, self._attempts(job))

    def cancel(self, job: str) -> None:
        """Stop a job before its next step, however often it was queued."""
        for attempt in range(1, self._attempts(job) + 1):
            self.queue.cancel(job, attempt)

    def _attempts(self, job: str) -> int:
        return 1 + sum(decision.supersedes is not None for decision in self.ledger.decisions(job=job))

    @cached_property
    def queue(self) -> Queue:
        """Hands jobs to workers."""
        from safety.jobs import Queue

        return Queue(self.engine)

    def close(self) -> None:
        """Close what was opened."""
        rooms: dict[str, Any] = self.__dict__
        for name in ("queue", "ledger"):
            if name in rooms:
                rooms[name].close()
        if "engine" in rooms:
            rooms["engine"].dispose()
