"""Builds the house from settings: the only place where concrete classes are chosen.

`House` makes each room on first use, so that `framegate check` never loads a video network, and owns what must be
closed: the ledger's writer, the job queue and the database engine.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from api.keys import anchors_pem, ledger_key, signer, watermark_key
from api.settings import Settings
from api.views import origin_view
from classifiers import catalog
from media.blobs import BlobStore
from media.clip import Clip
from media.limits import Limits
from media.sampling import SamplingPlan
from provenance.isolated import IsolatedReader
from provenance.label import burn_label
from provenance.watermark import SpreadSpectrumWatermark
from safety.checkpoints import LogKey
from safety.database import migrate, open_engine, schema_is_current
from safety.domain import Checkpoint, Unmeasured
from safety.errors import DatabaseError
from safety.framegate import Framegate
from safety.gate import Gate
from safety.known import ReleaseIndex
from safety.ledger import Ledger
from safety.lookup import ApiKeys, Idempotency, JobStore, ScanStore
from safety.measure import ORIGIN_SIGNALS, Instruments
from safety.pipeline import Pipeline
from safety.policy import DEFAULT_POLICY, Policy, load_policy
from safety.release import ReleaseDesk
from safety.review import Review
from safety.scan import Scanner
from safety.work import JobRunner, ScanRunner

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from classifiers.base import Classifier
    from generator.base import Generator
    from provenance.base import CredentialReader, CredentialSigner, Watermark
    from safety.jobs import Queue, Worker

FORENSICS = "forensics"
"""Name of the classifier that estimates origin."""


def now() -> datetime:
    """The clock of the house: UTC."""
    return datetime.now(UTC)


class House:
    """Every room, made on first use."""

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
    def ledger(self) -> Ledger:
        """The record."""
        return Ledger(self.engine, self.log_key)

    @cached_property
    def jobs(self) -> JobStore:
        """Jobs and where they stand."""
        return JobStore(self.engine)

    @cached_property
    def scans(self) -> ScanStore:
        """Scans asked for over HTTP."""
        return ScanStore(self.engine)

    @cached_property
    def keys(self) -> ApiKeys:
        """API keys."""
        return ApiKeys(self.engine)

    @cached_property
    def idempotency(self) -> Idempotency:
        """Requests that were made before."""
        return Idempotency(self.engine)

    @cached_property
    def review(self) -> Review:
        """What waits for a person."""
        return Review(self.ledger)

    @cached_property
    def blobs(self) -> BlobStore:
        """Files, named by their content."""
        return BlobStore(self.settings.home / "blobs")

    @cached_property
    def uploads(self) -> BlobStore:
        """Uploaded files that wait to be scanned."""
        return BlobStore(self.settings.home / "uploads")

    @cached_property
    def policy(self) -> Policy:
        """The policy in force, checked against the classifiers there are."""
        policy = load_policy(self.settings.policy or DEFAULT_POLICY)
        policy.require_signals(offered_signals())
        return policy

    @cached_property
    def text_classifiers(self) -> tuple[Classifier[str], ...]:
        """Classifiers of prompts."""
        return catalog.build(accepts=str).for_text()

    @cached_property
    def clip_catalog(self) -> catalog.Catalog:
        """Classifiers of video, and those that cannot work here."""
        return catalog.build(accepts=Clip)

    @cached_property
    def prompt_gate(self) -> Gate:
        """A gate for prompts only: it loads no video network."""
        return self._gate(Instruments(text=self.text_classifiers))

    @cached_property
    def gate(self) -> Gate:
        """The gate for every checkpoint."""
        absent = [Unmeasured(signal, each.reason) for each in self.clip_catalog.absent for signal in each.signals]
        return self._gate(Instruments(self.text_classifiers, self.clip_catalog.for_clips(), absent))

    def _gate(self, instruments: Instruments) -> Gate:
        return Gate(
            policy=self.policy,
            instruments=instruments,
            ledger=self.ledger,
            clock=now,
            limits=self.limits,
            plan=SamplingPlan(fps=self.settings.screen_fps),
            prompt_max_characters=self.settings.prompt_max_characters,
        )

    @cached_property
    def limits(self) -> Limits:
        """The largest video that is decoded."""
        return Limits(
            max_pixels=self.settings.video_max_pixels,
            max_duration_s=self.settings.video_max_duration_s,
            max_file_bytes=max(self.settings.upload_max_bytes, 1),
        )

    @cached_property
    def watermark(self) -> Watermark:
        """The invisible mark."""
        return SpreadSpectrumWatermark(watermark_key(self.settings))

    @cached_property
    def signer(self) -> CredentialSigner:
        """Signs what leaves."""
        return signer(self.settings)

    @cached_property
    def credential_reader(self) -> CredentialReader:
        """Reads credentials of strangers' files, in a limited child process."""
        return IsolatedReader(anchors_pem(self.settings))

    @cached_property
    def generator(self) -> Generator:
        """Makes video from text."""
        if self.settings.generator is not None:
            from generator.pipelines import PipelineGenerator

            return PipelineGenerator(self.settings.generator)
        from generator.embedded import EmbeddedGenerator

        return EmbeddedGenerator()

    @cached_property
    def desk(self) -> ReleaseDesk:
        """Marks, signs and registers what our generator made."""
        return self._desk(self.generator.name, self.generator.version)

    def _desk(self, generator: str, version: str) -> ReleaseDesk:
        return ReleaseDesk(
            ledger=self.ledger,
            blobs=self.blobs,
            watermark=self.watermark,
            signer=self.signer,
            label=burn_label,
            clock=now,
            provider=self.settings.provider,
            generator=generator,
            generator_version=version,
        )

    @cached_property
    def pipeline(self) -> Pipeline:
        """The natural path."""
        return Pipeline(self.gate, self.generator, self.desk)

    @cached_property
    def framegate(self) -> Framegate:
        """The library door, for somebody else's generator."""
        desk = self._desk("external", "unknown")
        return Framegate(self.gate, desk, self.limits)

    @cached_property
    def known(self) -> ReleaseIndex:
        """Finds our releases again."""
        return ReleaseIndex(self.ledger)

    @cached_property
    def scanner(self) -> Scanner:
        """Reports where uploads come from."""
        forensics = next((each for each in self.clip_catalog.classifiers if each.name == FORENSICS), None)
        return Scanner(self.prompt_gate, self.credential_reader, self.watermark, self.known, forensics, self.limits)

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
    def runner(self) -> JobRunner:
        """Walks one job along the path."""
        return JobRunner(self.jobs, self.pipeline)

    @cached_property
    def scan_runner(self) -> ScanRunner:
        """Looks at one upload."""
        return ScanRunner(self.scans, self.uploads, self.scanner, origin_view)

    @cached_property
    def queue(self) -> Queue:
        """Hands jobs to workers."""
        from safety.jobs import Queue

        return Queue(self.engine)

    def worker(self) -> Worker:
        """A worker for this process; its executor id is new with every start."""
        from safety.jobs import Heartbeats, Worker

        heartbeats = Heartbeats(self.engine, f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}", now)
        return Worker(
            self.engine,
            heartbeats,
            lambda job, step: self.runner.run(job, step).status.value,
            scan=lambda scan, step: self.scan_runner.run(scan, step).value,
            concurrency=self.settings.worker_concurrency,
            lease_s=self.settings.worker_lease_s,
        )

    def self_test(self) -> None:
        """Prove before any work that weights, policy, signer and ledger can do theirs.

        Raises:
            WeightsError, PolicyError, SignerUnusable, LedgerError: the service must not start; says why.
        """
        _ = self.gate, self.generator.version
        self.signer.self_test()
        self.ledger.checkpoint()

    def close(self) -> None:
        """Close what was opened."""
        rooms: dict[str, Any] = self.__dict__
        for name in ("queue", "ledger"):
            if name in rooms:
                rooms[name].close()
        if "engine" in rooms:
            rooms["engine"].dispose()


def offered_signals() -> dict[Checkpoint, frozenset[str]]:
    """Every signal that a policy may ask for, by checkpoint, without loading a weights file."""
    text, clip = catalog.known_signals(accepts=str), catalog.known_signals(accepts=Clip)
    return {
        Checkpoint.PROMPT: text,
        Checkpoint.INPUT: text | clip,
        Checkpoint.OUTPUT: clip,
        Checkpoint.UPLOAD: clip | ORIGIN_SIGNALS,
    }


def prepare(settings: Settings, *, queue: bool = True) -> None:
    """Create the home folder, the database schema and, in development, keys and certificates. Safe to repeat.

    `queue`: also the tables of the durable job queue, which the one-shot commands do not need.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database)
    try:
        if not schema_is_current(engine):
            migrate(engine)
        if queue:
            from safety.jobs import prepare_queue

            prepare_queue(engine)
    finally:
        engine.dispose()
    ledger_key(settings)
    watermark_key(settings)
    anchors_pem(settings)


@contextmanager
def open_house(settings: Settings | None = None) -> Iterator[House]:
    """Open the house, prepared where the embedded default is used, and close it at the end."""
    settings = settings or Settings()
    if not settings.database_url:
        prepare(settings, queue=False)
    house = House(settings)
    try:
        yield house
    finally:
        house.close()


@contextmanager
def open_framegate(settings: Settings | None = None) -> Iterator[Framegate]:
    """Open framegate as a library; see `safety.framegate`."""
    with open_house(settings) as house:
        yield house.framegate
