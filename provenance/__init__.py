"""Says where a video comes from, and checks what a video says. Opens no database.

The words are in `base`; what speaks them is in `signers`, `credentials`, `isolated`, `watermark` and `label`, which are
imported by name because they load native libraries.
"""

from provenance.base import (
    Claim,
    ClaimInput,
    Credential,
    CredentialReader,
    CredentialSigner,
    CredentialState,
    CredentialUnreadable,
    InputRelation,
    Mark,
    MarkDetector,
    MarkingError,
    MarkReading,
    ProvenanceError,
    SignerUnusable,
    SigningError,
    Watermark,
)

__all__ = [
    "Claim",
    "ClaimInput",
    "Credential",
    "CredentialReader",
    "CredentialSigner",
    "CredentialState",
    "CredentialUnreadable",
    "InputRelation",
    "Mark",
    "MarkDetector",
    "MarkReading",
    "MarkingError",
    "ProvenanceError",
    "SignerUnusable",
    "SigningError",
    "Watermark",
]
