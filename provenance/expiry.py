"""Says until when certificates are valid, and which of a signer's expires first. Checks nothing else about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from provenance.base import SignerUnusable

RENEW_WITHIN = timedelta(days=30)
"""Time before its end at which a certificate should be renewed: authorities take days, not minutes."""


@dataclass(frozen=True)
class Validity:
    """Until when a certificate is valid."""

    role: str
    """`signer`, `intermediate` or `anchor`."""

    subject: str
    not_after: datetime

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
    found: list[Validity] = []
    for pem, roles in ((chain_pem, ("signer", "intermediate")), (anchors_pem, ("anchor", "anchor"))):
        try:
            certificates = x509.load_pem_x509_certificates(pem.encode())
        except ValueError as error:
            raise SignerUnusable("the chain or the anchors hold no readable PEM certificate") from error
        for number, each in enumerate(certificates):
            found.append(Validity(roles[min(number, 1)], each.subject.rfc4514_string(), each.not_valid_after_utc))
    return found
