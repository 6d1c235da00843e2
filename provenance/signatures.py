"""Makes and checks signatures in the form that COSE wants: r||s for ECDSA, 64 bytes for Ed25519 (RFC 9053, section 2).

Knows nothing about files, manifests or where a key is.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from provenance.base import SigningError
from provenance.chain import Algorithm, SigningKey

SignBytes = Callable[[bytes], bytes]
"""Takes the bytes to sign, returns a signature as COSE wants it: r||s for ES256 (64 bytes) and ES384 (96), 64 bytes of
Ed25519."""

HALF_BYTES = {Algorithm.ES256: 32, Algorithm.ES384: 48, Algorithm.ED25519: 32}
"""Length of r and of s."""


def digest_of(data: bytes, algorithm: Algorithm) -> bytes:
    """Return the digest that a key signs by this algorithm; Ed25519 signs the data itself."""
    if algorithm is Algorithm.ED25519:
        return data
    hashing = hashes.Hash(_hash(algorithm))
    hashing.update(data)
    return hashing.finalize()


def sign_with(key: SigningKey) -> SignBytes:
    """Return a function that signs with a key in memory."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign
    size = key.curve.key_size // 8
    digest = hashes.SHA384() if size == 48 else hashes.SHA256()
    return lambda data: cose_form(key.sign(data, ec.ECDSA(digest)), size)


def cose_form(der: bytes, half_bytes: int) -> bytes:
    """Return r||s of a DER signature (RFC 3279 section 2.2.3).

    Raises:
        ValueError: it is no such signature, or of a longer key.
    """
    r, s = decode_dss_signature(der)
    try:
        return r.to_bytes(half_bytes, "big") + s.to_bytes(half_bytes, "big")
    except OverflowError as error:
        raise ValueError("the signature is of a longer key") from error


def der_form(signature: bytes) -> bytes:
    """Return r||s as DER."""
    half = len(signature) // 2
    return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))


def checked(sign_bytes: SignBytes, chain_pem: str, algorithm: Algorithm) -> SignBytes:
    """Return a function that signs, and proves each signature by the certificate before anybody uses it.

    What it returns raises SigningError where the key is another one than the certificate's.
    """
    return checked_by(sign_bytes, x509.load_pem_x509_certificates(chain_pem.encode())[0].public_key(), algorithm)


def checked_by(sign_bytes: SignBytes, public: object, algorithm: Algorithm) -> SignBytes:
    """As `checked`, by a public key."""

    def sign(data: bytes) -> bytes:
        signature = sign_bytes(data)
        if len(signature) != 2 * HALF_BYTES[algorithm]:
            due = 2 * HALF_BYTES[algorithm]
            raise SigningError(f"the key answered with {len(signature)} bytes; an {algorithm} signature has {due}")
        try:
            if isinstance(public, ed25519.Ed25519PublicKey):
                public.verify(signature, data)
            elif isinstance(public, ec.EllipticCurvePublicKey):
                public.verify(der_form(signature), data, ec.ECDSA(_hash(algorithm)))
        except InvalidSignature as error:
            raise SigningError(
                "the key signs, but its certificate or public key is of another one: put two that match"
            ) from error
        return signature

    return sign


def _hash(algorithm: Algorithm) -> hashes.SHA256 | hashes.SHA384:
    return hashes.SHA384() if algorithm is Algorithm.ES384 else hashes.SHA256()
