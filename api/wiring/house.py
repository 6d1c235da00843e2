"""The house: every room a request can enter, made on first use, so that `framegate check` loads no video network."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from api.keys import signer, watermark_key
from api.views import origin_view
from api.wiring.generators import chosen_generator, revisions
from api.wiring.labelling import labelling
from api.wiring.origin_scale import known_false_alarms
from api.wiring.people import Recognisers
from api.wiring.plugins import configured_transcriber, origin_detector
from api.wiring.policies import Policies
from api.wiring.trust import Trusted
from classifiers import catalog
from classifiers.base import is_second_reader
from classifiers.known_content import KnownContentClassifier
from classifiers.normalize import normalize
from classifiers.registered_names import RegisteredNames
from media.clip import Clip
from media.sampling import SamplingPlan
from provenance.manifest_store import stored_manifest
from provenance.watermark import SpreadSpectrumWatermark
from safety.domain import Unmeasured
from safety.forensic_evidence import threshold_of
from safety.framegate import Framegate
from safety.gate import Gate
from safety.known import ReleaseIndex
from safety.known_banks import KnownBanks
from safety.lookup import BankStore
from safety.measure import Instruments
from safety.pipeline import Pipeline
from safety.previews import Previews
from safety.recovery import Recovery
from safety.reference import InputGate
from safety.release import ReleaseDesk
from safety.scan import Scanner
from safety.session import Sessions
from safety.shelf import Shelf
from safety.webm_copies import WebmCopies
from safety.work import JobRunner, ScanRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifiers.base import Classifier
    from classifiers.speech import Transcriber
    from generator.base import Generator
    from provenance.base import CredentialReader, CredentialSigner, Watermark
    from safety.jobs import RunJob, Worker
    from safety.policy import Policy


def now() -> datetime:
    """The clock of the house: UTC."""
    return datetime.now(UTC)


class House(Recognisers, Policies):
    """Every room."""

    @cached_property
    def text_classifiers(self) -> tuple[Classifier[str], ...]:
        """Classifiers of prompts."""
        return catalog.build(accepts=str, configured=self.text_plugins).for_text()

    @cached_property
    def _prompt_classifiers(self) -> tuple[Classifier[str], ...]:
        """Those, and the one that asks the database for registered names."""
        return (*self.text_classifiers, RegisteredNames(self.likeness.directory))

    @cached_property
    def clip_catalog(self) -> catalog.Catalog:
        """Classifiers of video, and those that cannot work here."""
        return catalog.build(
            accepts=Clip, configured=self.text_plugins, transcriber=self.transcriber, shared=self.text_classifiers
        )

    @cached_property
    def transcriber(self) -> Callable[[], Transcriber] | None:
        """Opens what listens to speech, where the settings name it."""
        return configured_transcriber(self.settings.text_plugins)

    @cached_property
    def prompt_gate(self) -> Gate:
        """A gate for prompts only: it loads no video network."""
        return self._gate(Instruments(text=self._prompt_classifiers))

    @cached_property
    def gate(self) -> Gate:
        """The gate for every checkpoint."""
        absent = [Unmeasured(signal, each.reason) for each in self.clip_catalog.absent for signal in each.signals]
        seers, blind = self.person_instruments
        clips = (*self.clip_catalog.for_clips(), self.known_content, *seers)
        return self._gate(Instruments(self._prompt_classifiers, clips, [*absent, *blind]))

    @cached_property
    def banks(self) -> BankStore:
        """Banks of known content."""
        return BankStore(self.engine, self._append_event, lambda: self.policy_in_force.categories)

    @cached_property
    def known_content(self) -> KnownContentClassifier:
        """Finds what the banks hold."""
        return KnownContentClassifier(self.known_banks, self.known_content_signals)

    @cached_property
    def known_banks(self) -> KnownBanks:
        """The index that looks things up in the banks."""
        return KnownBanks(self.banks, now)

    def _gate(self, instruments: Instruments) -> Gate:
        return Gate(
            policy=self.policy,
            instruments=instruments,
            ledger=self.ledger,
            clock=now,
            limits=self.limits,
            plan=self.sampling,
            prompt_max_characters=self.settings.prompt_max_characters,
            max_scenes=self.settings.prompt_max_scenes,
            sessions=self.sessions,
            standing=self.standing,
            keep_still=self.stills.keep,
            tried=self.policy_book.lineup,
        )

    @cached_property
    def sessions(self) -> Sessions:
        """Whose requests belong together."""
        return Sessions(self.ledger, self.subjects.secret_of, lambda text: normalize(text).text)

    @cached_property
    def sampling(self) -> SamplingPlan:
        """Which frames the gate looks at."""
        return SamplingPlan(fps=self.settings.screen_fps, sound=self.transcriber is not None)

    @cached_property
    def watermark(self) -> Watermark:
        """The invisible mark."""
        return SpreadSpectrumWatermark(watermark_key(self.settings))

    @cached_property
    def signer(self) -> CredentialSigner:
        """Signs what leaves."""
        return signer(self.settings, self.key_changes)

    @cached_property
    def trusted(self) -> Trusted:
        """Whose credentials read as trusted."""
        return Trusted(self.settings)

    @property
    def credential_reader(self) -> CredentialReader:
        """Reads credentials of strangers' files, in a limited child process."""
        return self.trusted.reader

    @cached_property
    def generator(self) -> Generator:
        """Makes video from text."""
        return chosen_generator(self.settings)

    @cached_property
    def desk(self) -> ReleaseDesk:
        """Marks, signs and registers what our generator made."""
        return self._desk(self.generator.name, self.generator.version)

    def _desk(self, generator: str, version: str) -> ReleaseDesk:
        labels = labelling(self.settings, generator, version)
        rooms = (self.ledger, self.blobs, self.watermark, self.signer, labels.label, now, self.settings.provider)
        return ReleaseDesk(*rooms, generator, version, labels.declared)

    @cached_property
    def pipeline(self) -> Pipeline:
        """The natural path."""
        rooms = (self.gate, self.generator, self.desk, self.input_gate, self.shelf)
        return Pipeline(*rooms, revisions(self.settings, self.generator, self.jobs), self.framegate.desk)

    @cached_property
    def shelf(self) -> Shelf:
        """The pictures and videos that jobs start from."""
        return Shelf(self.settings.home / "references", self.limits)

    @cached_property
    def framegate(self) -> Framegate:
        """The library door, for somebody else's generator."""
        return Framegate(self.gate, self._desk("external", "unknown"), self.limits, self.known)

    @cached_property
    def previews(self) -> Previews:
        """Signed stills of releases."""
        return Previews(self.ledger, self.signer, self.settings.provider, now, self.limits)

    @cached_property
    def webm_copies(self) -> WebmCopies:
        """Releases as webm."""
        rooms = (self.ledger, self.signer, self.watermark, self.settings.provider, now)
        return WebmCopies(*rooms, self.desk.declared)

    @cached_property
    def input_gate(self) -> InputGate:
        """The gate for reference pictures and videos."""
        return InputGate(self.gate, self.watermark, self.known)

    @cached_property
    def known(self) -> ReleaseIndex:
        """Finds our releases again."""
        return ReleaseIndex(self.ledger)

    @cached_property
    def recovery(self) -> Recovery:
        """Leads from soft bindings back to releases and their manifests."""
        return Recovery(self.ledger, self.known, self.watermark, self.blobs, self.limits, stored_manifest)

    @cached_property
    def origin_catalog(self) -> catalog.Catalog:
        """What estimates origin, alone: a scan loads no other network."""
        return catalog.build((origin_detector(self.text_plugins),), configured=self.text_plugins)

    def prove_policy(self, policy: Policy) -> None:
        """Demand that scans can work by a policy, too; the detector is opened only for one that needs its scale."""
        super().prove_policy(policy)
        if policy.false_alarms is not None:
            forensics = next(iter(self.origin_catalog.for_clips()), None)
            if forensics is not None:
                threshold_of(policy, known_false_alarms(self.settings, forensics))

    @cached_property
    def scanner(self) -> Scanner:
        """Reports where uploads come from."""
        forensics = next(iter(self.origin_catalog.for_clips()), None)
        return Scanner(
            self._gate(Instruments()),
            self.credential_reader,
            self.watermark,
            self.known,
            forensics,
            self.limits,
            self.known_content,
            lambda: f"{self.known_banks.state()} {self.trusted.state()}",
            self.label_reader,
            known_false_alarms(self.settings, forensics),
            self.upload_persons,
        )

    @cached_property
    def runner(self) -> JobRunner:
        """Walks one job along the path."""
        return JobRunner(self.jobs, self.pipeline)

    @cached_property
    def scan_runner(self) -> ScanRunner:
        """Looks at one upload."""
        return ScanRunner(self.scans, self.uploads, self.scanner, origin_view)

    def worker(self, run: RunJob, scan: RunJob) -> Worker:
        """A worker for this process; its executor id is new with every start."""
        from safety.jobs import Heartbeats, Worker

        heartbeats = Heartbeats(self.engine, f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}", now)
        return Worker(
            self.engine,
            heartbeats,
            run,
            scan=scan,
            concurrency=self.settings.worker_concurrency,
            lease_s=self.settings.worker_lease_s,
        )

    def close(self) -> None:
        """Close what was opened."""
        for classifier in self.__dict__.get("text_classifiers", ()):
            if is_second_reader(classifier):
                classifier.close()
        if "clip_catalog" in self.__dict__:
            for watching in self.clip_catalog.classifiers:
                if hasattr(watching, "close"):
                    watching.close()
        super().close()

    def self_test(self) -> None:
        """Prove before any work that weights, policy, signer and ledger can do theirs.

        Raises:
            WeightsError, PolicyError, SignerUnusable, TrustPackError, LedgerError: the service must not start.
        """
        _ = self.gate, self.policy_in_force, self.desk, self.trusted
        self.prove(self.signer)
        self.ledger.checkpoint()
