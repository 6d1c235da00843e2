"""The words of framegate, in the order they happen. Values only: no IO, no clock, no randomness.

Read top to bottom, this file is the story of one request: it stops at a Checkpoint, Scores are
judged by a Policy into Findings and a Verdict (`safety.judgement`), and a Decision makes the Verdict effective.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from classifiers.base import Score, Span, TextSpan, TimeSpan
from generator.base import Capability, Revision
from media.clip import Coverage
from media.strip import Picture
from safety.judgement import (
    Action,
    Evidence,
    Finding,
    Measurement,
    ModifierInForce,
    Remedy,
    Still,
    Tier,
    Trial,
    Unmeasured,
    Verdict,
)

__all__ = [
    "Action",
    "Actor",
    "Checkpoint",
    "Coverage",
    "Decision",
    "Evidence",
    "Finding",
    "Job",
    "JobStatus",
    "Measurement",
    "ModifierInForce",
    "Origin",
    "OriginEvidence",
    "OriginReport",
    "Reference",
    "Release",
    "Remedy",
    "Score",
    "Span",
    "Still",
    "Strength",
    "Task",
    "TextSpan",
    "Tier",
    "TimeSpan",
    "Trial",
    "Unmeasured",
    "Verdict",
]


class Checkpoint(StrEnum):
    """Where content must stop until a Gate lets it pass."""

    PROMPT = "prompt"
    INPUT = "input"
    OUTPUT = "output"
    UPLOAD = "upload"


class JobStatus(StrEnum):
    """Where a job stands. `refused` and `held` are outcomes, not errors."""

    QUEUED = "queued"
    RUNNING = "running"
    HELD = "held"
    REFUSED = "refused"
    RELEASED = "released"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Reference:
    """A picture or video that a job starts from: judged at the input checkpoint before it is used."""

    sha256: str
    at_s: float = 0.0
    """Where a picture stands in the clip, in seconds."""


@dataclass(frozen=True)
class Task:
    """What a job makes of its prompt and its references."""

    capability: Capability = Capability.TEXT
    references: tuple[Reference, ...] = ()
    strength: float = 0.7
    """How far an edit may go from its source, in (0, 1]."""

    made: str = ""
    """SHA-256 of the finished clip, where somebody else's generator made it; empty: ours makes it."""

    from_parent: bool = False
    """With `made`: the last reference is the video that was changed into it, the others were used for it."""


@dataclass(frozen=True)
class Job:
    """One request from receipt to its end."""

    id: str
    prompt: str
    seconds: float
    width: int
    height: int
    seed: int
    requester: str
    """Id of the API key, or `local` for the command line."""

    created_at: datetime
    status: JobStatus = JobStatus.QUEUED
    outputs: dict[str, dict[str, object]] = field(default_factory=dict)
    """What finished steps left behind (digests and ids), so that a held job continues where it stopped."""

    error: str = ""
    parent: str | None = None
    """Id of the Job or Release that this one starts from."""

    task: Task = Task()
    owner: str = ""
    """Id of the Subject whose data the prompt is (`safety.lookup.subjects`); empty: sealed for nobody."""

    revision: Revision | None = None
    """What an expander made of the prompt, and is drawn; content like the prompt itself."""


@dataclass(frozen=True)
class Actor:
    """Who made a Verdict effective."""

    kind: str
    """`policy` (automatic), `reviewer` or `admin`."""

    id: str


@dataclass(frozen=True)
class Decision:
    """A Verdict made effective by someone at some time. Appended to the Ledger, never edited, only superseded."""

    id: str
    at: datetime
    checkpoint: Checkpoint
    subject: str
    """`sha256:…` of the content that was judged; never the content."""

    verdict: Verdict
    measurement: Measurement
    actor: Actor
    job: str | None = None
    supersedes: str | None = None
    """Id of the Decision that this one replaces."""

    reason: str = ""
    """Why a person decided so; empty for automatic decisions."""

    requester: str = ""
    """Id of the API key, or `local`; empty: nobody said who asks."""

    session: str = ""
    """Whose requests are looked at together: a keyed digest (`safety.session`); empty: nobody's."""

    sketch: str = ""
    """Keyed similarity sketch of the text in hex (`safety.session`); it cannot be turned back into words."""

    parent: str | None = None
    """Id of the Decision, Job or Release that the content was derived from: a rewrite's original, a chained seed."""

    code: str = ""
    """Reason code of a person's decision (`safety.review.REASON_CODES`); empty for automatic decisions."""

    trials: tuple[Trial, ...] = ()
    """What policies that are tried said about the same measurement; empty where none is."""


@dataclass(frozen=True)
class Release:
    """The only thing a requester can download."""

    id: str
    at: datetime
    job: str | None
    decisions: tuple[str, ...]
    """Ids of the Decisions that allowed it, prompt first."""

    sha256: str
    """Digest of the released file, byte for byte; also its name in the blob store."""

    size_bytes: int
    watermark: str
    """Hex of the 48-bit SoftBinding id in the pixels."""

    watermark_psnr_db: float
    watermark_robust: bool
    """It also reads after half size and strong compression; otherwise the fingerprint carries recovery alone."""

    manifest: str
    """Label of the active C2PA manifest."""

    signer: str
    """Who signed it: serial number and common name of the certificate."""

    generator: str
    fingerprint: tuple[str, ...] = ()
    """PDQ hashes (64 hex digits) of sampled frames."""

    conditions: tuple[str, ...] = ()
    """Under which it may be shown: `label:violence`, `age_gate:sexual` (`Verdict.conditions`)."""

    features: tuple[str, ...] = ()
    """Local features of key frames, as `media.local_features` packs them, in Base64; empty in older releases."""


class Origin(StrEnum):
    """The answer about an upload. `unknown` never means real."""

    OURS = "ours"
    SYNTHETIC = "synthetic"
    LIKELY_SYNTHETIC = "likely_synthetic"
    CAPTURED = "captured"
    UNKNOWN = "unknown"


class Strength(StrEnum):
    """How much a piece of origin evidence can carry."""

    PROOF = "proof"
    DECLARATION = "declaration"
    ESTIMATE = "estimate"
    HINT = "hint"


@dataclass(frozen=True)
class OriginEvidence:
    """One link of the chain: what was seen and how strong it is."""

    kind: str
    """`credential`, `watermark`, `fingerprint`, `local_features`, `metadata`, `visible_label` or `forensics`."""

    points_to: Origin
    strength: Strength
    summary: str
    detail: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class OriginReport:
    """What is known about where a video comes from."""

    origin: Origin
    score: float | None
    """Calibrated probability of synthesis from the forensic estimate; None when unmeasured."""

    evidence: tuple[OriginEvidence, ...]
    unmeasured: tuple[Unmeasured, ...]
    coverage: Coverage | None
    summary: str
    timeline: tuple[Score, ...] = ()
    """The forensic estimate of single windows, in order; each has a TimeSpan."""

    pictures: tuple[Picture, ...] = ()
    """A few small frames for people; never recorded."""
