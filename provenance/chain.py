"""Says whether a certificate chain can sign, in words, before a file is signed with it.

The binding proof is the signer's own self-test, which signs and re-reads. Does not check revocation, asks no network.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from provenance.base import SignerUnusable

CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
"""c2pa-kp-claimSigning, C2PA Technical Specification, "Certificate Profile"."""

DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""id-kp-documentSigning, RFC 9336."""

SIGNING_USES = (CLAIM_SIGNING, DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION)
"""Any one of these lets a leaf sign a claim."""

SigningKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Algorithm(StrEnum):
    """COSE signature algorithms that C2PA allows and we sign with."""

    ES256 = "ES256"
    ES384 = "ES384"
    ED25519 = "ED25519"


_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def check_chain(chain_pem: str, key_pem: str | None, at: datetime, anchors_pem: str = "") -> None:
    """Return if this chain can sign C2PA claims at a moment.

    Args:
        chain_pem: leaf first, then its authorities; the root may be left out.
        key_pem: the leaf's private key; None when it stays in a hardware module.
        at: aware time.
        anchors_pem: roots that readers trust; without them only the inner links are checked.

    Raises:
        SignerUnusable: with the first fault found, in words.
    """
    chain = _certificates(chain_pem, "the signing chain")
    leaf = chain[0]
    _check_leaf(leaf, at)
    if key_pem is not None:
        _check_key(leaf, load_private_key(key_pem))
    for below, above in pairwise(chain):
        if not _issued_by(below, above):
            raise SignerUnusable(
                f"the chain is broken: {_title(below)} was not issued by the next certificate, {_title(above)}; "
                "order it leaf first and add the missing intermediate"
            )
        _check_dates(above, at)
    top = chain[-1]
    anchors = _certificates(anchors_pem, "the anchors") if anchors_pem else []
    if anchors and not any(top == anchor or _issued_by(top, anchor) for anchor in anchors):
        raise SignerUnusable(
            f"an intermediate is missing or the root is unknown: {_title(top)} was issued by "
            f"{top.issuer.rfc4514_string()}, which is neither in the chain nor among the anchors"
        )
    if not anchors and len(chain) == 1:
        raise SignerUnusable("an intermediate is missing: the chain holds the leaf alone")


def load_private_key(key_pem: str) -> SigningKey:
    """Return an unencrypted key that a claim can be signed with.

    Raises:
        SignerUnusable: the text is no such key.
    """
    try:
        key = serialization.load_pem_private_key(key_pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SignerUnusable("the signing key is not an unencrypted PEM private key") from error
    if isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        return key
    raise SignerUnusable("the signing key is not an elliptic-curve key; use P-256, P-384 or Ed25519")


def algorithm_of(chain_pem: str) -> Algorithm:
    """Return the algorithm that goes with the leaf's key.

    Raises:
        SignerUnusable: there is none.
    """
    return _algorithm(_certificates(chain_pem, "the signing chain")[0])


def _algorithm(leaf: x509.Certificate) -> Algorithm:
    key = leaf.public_key()
    if isinstance(key, ed25519.Ed25519PublicKey):
        return Algorithm.ED25519
    if isinstance(key, ec.EllipticCurvePublicKey):
        if isinstance(key.curve, ec.SECP256R1):
            return Algorithm.ES256
        if isinstance(key.curve, ec.SECP384R1):
            return Algorithm.ES384
    kind = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__
    raise SignerUnusable(f"{_title(leaf)} has a {kind} key; it needs P-256 (ES256), P-384 (ES384) or Ed25519")


def signer_id(chain_pem: str) -> str:
    """Return what an allow-list names a signer by: the leaf's serial number and common name, `123…:name`.

    The reader of manifests gives no certificate, only these. Under anchors of our own choice a serial number is unique.
    """
    leaf = _certificates(chain_pem, "the signing chain")[0]
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if names else ""
    return f"{leaf.serial_number}:{name}"


def _certificates(pem: str, what: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise SignerUnusable(f"{what} holds no readable PEM certificate") from error


def _check_leaf(leaf: x509.Certificate, at: datetime) -> None:
    _check_dates(leaf, at)
    constraints = _extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise SignerUnusable(f"{_title(leaf)} is an authority (CA), not a signing leaf; put the leaf first")
    _algorithm(leaf)
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        raise SignerUnusable(f"{_title(leaf)} lacks the key usage digitalSignature")
    extended = _extension(leaf, x509.ExtendedKeyUsage)
    if extended is None:
        raise SignerUnusable(f"{_title(leaf)} has no extended key usage (EKU); it needs claimSigning")
    if not any(use in extended for use in SIGNING_USES):
        raise SignerUnusable(
            f"{_title(leaf)} has the wrong extended key usage (EKU): it needs claimSigning, documentSigning or "
            "emailProtection"
        )


def _check_dates(certificate: x509.Certificate, at: datetime) -> None:
    if at < certificate.not_valid_before_utc:
        raise SignerUnusable(f"{_title(certificate)} is not yet valid: from {certificate.not_valid_before_utc}")
    if at > certificate.not_valid_after_utc:
        raise SignerUnusable(f"{_title(certificate)} has expired on {certificate.not_valid_after_utc}")


def _check_key(leaf: x509.Certificate, key: SigningKey) -> None:
    if key.public_key() != leaf.public_key():
        raise SignerUnusable(f"the key does not match the certificate {_title(leaf)}")


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _title(certificate: x509.Certificate) -> str:
    return f'"{certificate.subject.rfc4514_string()}"'
