"""Says until when certificates are valid, and which of a signer's expires first. Checks nothing else about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from provenance.base import SignerUnusable

RENEW_WITHIN = timedelta(days=30)
"""Time before its end at which a certificate should be renewed: authorities take days, not minutes."""


OTHER_ANCHOR = "other anchor"


@dataclass(frozen=True)
class Validity:
    """Until when a certificate is valid."""

    role: str
    """`signer`, `intermediate`, `anchor`, or `other anchor`: one that this chain does not hang on, kept for readers."""

    subject: str
    not_after: datetime

    @property
    def matters(self) -> bool:
        """Whether signing ends with it."""
        return self.role != OTHER_ANCHOR

    def left(self, now: datetime) -> timedelta:
        """Return the time that is left; negative after the end."""
        return self.not_after - now

    def is_due(self, now: datetime) -> bool:
        """Say whether it should be renewed now, or should have been."""
        return self.left(now) <= RENEW_WITHIN


def validities(chain_pem: str, anchors_pem: str) -> list[Validity]:
    """Return the validity of a signer's leaf, of its intermediates, and of the anchors, in this order.

    Raises:
        SignerUnusable: a text holds no certificate.
    """
    try:
        chain = x509.load_pem_x509_certificates(chain_pem.encode())
        anchors = x509.load_pem_x509_certificates(anchors_pem.encode())
    except ValueError as error:
        raise SignerUnusable("the chain or the anchors hold no readable PEM certificate") from error
    roles = ["signer", *["intermediate"] * (len(chain) - 1)]
    roles += ["anchor" if each.subject == chain[-1].issuer else OTHER_ANCHOR for each in anchors]
    return [
        Validity(role, each.subject.rfc4514_string(), each.not_valid_after_utc)
        for role, each in zip(roles, chain + anchors, strict=True)
    ]
