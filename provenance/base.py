"""What provenance promises: a file is signed, a credential is read and validated, a mark is embedded and found.

Opens no database and knows no policy.

    ProvenanceError
    ├── SigningError        the file could not be signed, or the signed file does not verify
    ├── SignerUnusable      certificate, key or chain cannot sign (found at start-up)
    ├── CredentialUnreadable a manifest is there but cannot be parsed within the limits
    ├── LabelError          the label file asks for what is no label
    ├── TrustPackError      a trust pack is damaged, or not the one that was pinned
    └── MarkingError        the watermark could not be embedded so that it decodes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from media.clip import Clip, Frames


class ProvenanceError(Exception):
    """Something about origin could not be done."""


class SigningError(ProvenanceError):
    """The file could not be signed, or what was signed does not verify as Trusted."""


class SignerUnusable(ProvenanceError):
    """The signer's certificate, chain or key cannot sign; the message names the fault."""


class CredentialUnreadable(ProvenanceError):
    """A manifest is present but cannot be read within the limits."""


class LabelError(ProvenanceError):
    """The label that is asked for cannot be drawn, or would be none."""


class TrustPackError(ProvenanceError):
    """A trust pack is damaged, is not the one that was pinned, or cannot be kept."""


class MarkingError(ProvenanceError):
    """The mark could not be embedded so that it decodes at an acceptable quality."""


OWN_ANCHORS = "own"
"""Stands for the house's own anchors where trust packs are named."""


class CredentialState(StrEnum):
    """What validation of a file's manifest came to."""

    TRUSTED = "trusted"
    UNKNOWN_ISSUER = "unknown_issuer"
    INVALID = "invalid"
    ABSENT = "absent"


@dataclass(frozen=True)
class Credential:
    """A manifest found in a file, validated against our own anchors; or its absence."""

    state: CredentialState
    label: str = ""
    """Label of the active manifest; empty when absent."""

    issuer: str = ""
    signed_at: datetime | None = None
    """From a validated RFC 3161 time stamp only."""

    source_types: tuple[str, ...] = ()
    """IPTC digital source types of all actions, active manifest first: last path segment, `trainedAlgorithmicMedia`."""

    active_source_types: tuple[str, ...] = ()
    """Those of the active manifest alone: what its signer says, not what an ingredient's signer said."""

    claim_generator: str = ""
    soft_bindings: tuple[tuple[str, str], ...] = ()
    """(algorithm, value as hex)."""

    decision: str = ""
    """Our decision id, when the manifest carries our assertion."""

    failures: tuple[str, ...] = ()
    """C2PA failure codes, as the reader gave them."""

    trusted_by: tuple[str, ...] = ()
    """Who vouches for the signer: `own`, or names of trust packs; empty where nobody does."""

    detail: dict[str, object] = field(default_factory=dict)


class InputRelation(StrEnum):
    """What an input was to what was made: C2PA's words for the relationship of an ingredient."""

    INPUT = "inputTo"
    """It was given to the generator: a reference picture."""

    PARENT = "parentOf"
    """It was changed: extended, remixed, edited."""


@dataclass(frozen=True)
class ClaimInput:
    """A file that something was made from; the manifest it carries is carried on."""

    path: Path
    relation: InputRelation
    title: str
    """Shown to everybody: a file name or an id, never a prompt."""


@dataclass(frozen=True)
class Declaration:
    """What a file declares in plain metadata, written before it is signed."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Container tags."""

    xmp: bytes = b""
    """A packet; empty for none."""


@dataclass(frozen=True)
class LedgerProof:
    """That a decision stands in the log: RFC 9162 inclusion under a C2SP checkpoint. Holds no content."""

    checkpoint: str
    """Signed note."""

    position: int
    leaf: bytes
    """SHA-256 leaf hash of the entry."""

    path: tuple[bytes, ...]
    """Audit path, leaf side first, 32 bytes each."""


class MiningChoice(StrEnum):
    """What `cawg.training-mining` says about each of its four uses."""

    NOT_ALLOWED = "notAllowed"
    ALLOWED = "allowed"


@dataclass(frozen=True)
class Claim:
    """What we vouch for when signing. Never the prompt."""

    title: str
    release: str
    decision: str
    policy: str
    generator: str
    generator_version: str
    created_at: datetime
    provider: str
    watermark_alg: str
    watermark: str
    """Hex of the SoftBinding id."""

    digital_source_type: str = "trainedAlgorithmicMedia"
    inputs: tuple[ClaimInput, ...] = ()
    """With a parent among them the claim says that something was opened and edited, otherwise that it was created."""

    thumbnail: bytes = b""
    """A JPEG of the marked picture; empty for none."""

    proof: LedgerProof | None = None
    """That `decision` is in the ledger."""

    mining: MiningChoice = MiningChoice.NOT_ALLOWED


class CredentialSigner(Protocol):
    """Signs a file and proves that the result verifies."""

    @property
    def name(self) -> str:
        """`development`, `file`, …"""

    def sign(self, source: Path, destination: Path, claim: Claim) -> Credential:
        """Write the signed copy atomically and return its re-read Credential, which is Trusted.

        Raises:
            SigningError: nothing is at `destination`.
        """

    def self_test(self) -> None:
        """Sign and re-read a one-frame file.

        Raises:
            SignerUnusable: with the certificate fault in words.
        """


class CredentialReader(Protocol):
    """Reads the manifest of a file against our anchors, with no network."""

    def read(self, path: Path) -> Credential:
        """Return what the file carries; `ABSENT` when it carries nothing.

        Raises:
            CredentialUnreadable: a manifest is there but cannot be read within the limits.
        """


@dataclass(frozen=True)
class Mark:
    """A watermark as embedded: the closed loop's result."""

    id_hex: str
    """12 hex digits: the 48-bit id."""

    strength: float
    psnr_db: float
    robust: bool
    """It still reads after the loop's attack (half size, CRF 28)."""


@dataclass(frozen=True)
class MarkReading:
    """A watermark as decoded."""

    id_hex: str
    corrected_bits: int
    frames: int
    geometry: str = ""
    """How the picture was transformed (`identity`, `flip`, `crop …`)."""


class Watermark(Protocol):
    """An invisible, keyed identifier in the pixels: a SoftBinding."""

    @property
    def algorithm(self) -> str:
        """Reverse-domain name for the C2PA soft binding."""

    def embed(self, clip: Clip, id_hex: str, *, overwrite: bool = False) -> tuple[Clip, Mark]:
        """Return the marked clip: raised in strength until it decodes after a self-attack.

        `overwrite`: the clip's frames may be used for the result, nobody needs them any more.

        Raises:
            MarkingError: it does not decode at the lowest acceptable PSNR.
        """

    def detector(self) -> MarkDetector:
        """Return a fresh accumulator for one video."""


class MarkDetector(Protocol):
    """Collects frames of one video, then looks for the mark."""

    def add(self, frames: Frames) -> None:
        """Accumulate frames: uint8 (T, H, W, 3), RGB; the same size for all of a video."""

    def read(self) -> MarkReading | None:
        """Return the decoded id, or None when there is no mark."""
