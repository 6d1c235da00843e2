"""Writes into the ledger which signing certificate is in service, and which was not taken up. Holds no key.

in_service   a process started, or went on, with this certificate: once for each certificate and kind of key
taken_up     the files were changed while it ran, and the new certificate proved itself
refused      they were changed, and did not: the old certificate goes on
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.chain import signer_id
from provenance.rotating import Change
from safety.ledger import Ledger
from safety.records import time_to_text

SIGNING_KEY = "signing_key"
"""Kind of these entries."""


def note_in_service(ledger: Ledger, chain_pem: str, kind: str) -> None:
    """Record that a certificate signs releases; again changes nothing.

    Raises:
        LedgerError: it could not be recorded.
        SignerUnusable: the chain holds no certificate.
    """
    certificate = certificate_record(chain_pem)
    id_ = hashlib.sha256(f"{kind}/{certificate['leaf']}".encode()).hexdigest()[:32]
    ledger.append_event(SIGNING_KEY, f"key_{id_}", {"event": "in_service", "key": kind, **certificate, "reason": ""})


def recorder(ledger: Callable[[], Ledger], chain_pem: Callable[[], str]) -> Callable[[Change], None]:
    """Return what a rotating signer tells its changes to; each is an entry."""

    def told(change: Change) -> None:
        certificate = (
            certificate_record(chain_pem()) if change.taken_up else {"signer": "", "leaf": "", "not_after": ""}
        )
        event = "taken_up" if change.taken_up else "refused"
        body = {"event": event, "key": "rotation", **certificate, "reason": change.reason}
        ledger().append_event(SIGNING_KEY, f"key_{uuid.uuid4().hex}", body)

    return told


def certificate_record(chain_pem: str) -> dict[str, Any]:
    """Return how the record names the leaf of a chain: signer id, SHA-256 of the certificate, end of validity."""
    signer = signer_id(chain_pem)
    leaf = x509.load_pem_x509_certificates(chain_pem.encode())[0]
    digest = hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest()
    return {"signer": signer, "leaf": f"sha256:{digest}", "not_after": time_to_text(leaf.not_valid_after_utc)}
