"""A whole house for tests: real ledger, files, codecs and isolation; classifiers, marks, pen, generator are doubles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from media.blobs import BlobStore
from media.limits import DEFAULT_LIMITS
from media.sampling import SamplingPlan
from safety.checkpoints import LogKey
from safety.database import migrate, open_engine
from safety.domain import Job
from safety.gate import Gate
from safety.known import ReleaseIndex
from safety.ledger import Ledger
from safety.measure import Instruments
from safety.pipeline import Pipeline
from safety.policy import parse_policy
from safety.reference import InputGate
from safety.release import ReleaseDesk
from safety.shelf import Shelf
from tests.fakes import BlockWatermark, PaintGenerator, RednessClassifier, StampSigner, WordClassifier

POLICY_FILE = b"""schema = 1
name = "test"
[origin]
likely_synthetic = 0.9
[categories.violence]
clause = "No violence."
[[rules]]
id = "prompt.block"
checkpoint = "prompt"
category = "violence"
signal = "text.violence"
threshold = 0.5
action = "block"
[[rules]]
id = "prompt.review"
checkpoint = "prompt"
category = "violence"
signal = "text.odd"
threshold = 0.5
action = "review"
[[rules]]
id = "input.block"
checkpoint = "input"
category = "violence"
signal = "frame.red"
threshold = 0.5
action = "block"
[[rules]]
id = "output.block"
checkpoint = "output"
category = "violence"
signal = "frame.red"
threshold = 0.6
action = "block"
[[rules]]
id = "upload.review"
checkpoint = "upload"
category = "violence"
signal = "origin.likely_synthetic"
threshold = 1.0
action = "review"
"""
POLICY = parse_policy(POLICY_FILE)


class World:
    """Everything a job meets, made of doubles that can be told to fail."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.engine = open_engine(database_url or f"sqlite:///{folder / 'test.db'}")
        migrate(self.engine)
        key = folder / "ledger.key"
        self.log_key = LogKey.load(key) if key.exists() else LogKey.create(key, "test")
        self.ledger = Ledger(self.engine, self.log_key)
        self.words = WordClassifier({"text.violence": "blood", "text.odd": "odd"})
        self.redness = RednessClassifier()
        self.generator = PaintGenerator()
        self.signer = StampSigner()
        self.watermark = BlockWatermark()
        self.blobs = BlobStore(folder / "blobs")
        self.gate = Gate(
            policy=POLICY,
            instruments=Instruments([self.words], [self.redness]),
            ledger=self.ledger,
            clock=lambda: datetime.now(UTC),
            limits=DEFAULT_LIMITS,
            plan=SamplingPlan(),
            prompt_max_characters=1000,
            keep_still=lambda jpeg, _job: self.blobs.put_bytes(jpeg),
        )
        self.desk = ReleaseDesk(
            ledger=self.ledger,
            blobs=self.blobs,
            watermark=self.watermark,
            signer=self.signer,
            label=lambda clip: clip,
            clock=lambda: datetime.now(UTC),
            provider="test",
            generator="paint",
            generator_version="1",
        )
        self.shelf = Shelf(folder / "references", DEFAULT_LIMITS)
        known = ReleaseIndex(self.ledger)
        self.pipeline = Pipeline(
            self.gate, self.generator, self.desk, InputGate(self.gate, self.watermark, known), self.shelf
        )

    def job(self, prompt: str, id_: str = "video_1", **changes) -> Job:
        job = Job(id_, prompt, 1.0, 256, 256, 0, "local", datetime.now(UTC))
        return replace(job, **changes)

    def close(self) -> None:
        self.ledger.close()
        self.engine.dispose()
