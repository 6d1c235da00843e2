"""Seals personal data under a key, so that destroying the key erases every copy of it, backups included.

    AES-256-GCM (NIST SP 800-38D), the context authenticated with it: what was sealed for one place opens at no other

The nonce is the first 96 bits of an HMAC-SHA256 over context and data under a key of its own: a step that runs again
seals to the same bytes, and no clock or random source can make two contents share a nonce. Equal data in an equal
context is visible as equal; a context holds the id of the row, so nothing else ever has the same. Whose keys there are
is `safety.lookup.subjects`.
"""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from safety.errors import SealBroken

KEY_BYTES = 32
NONCE_BYTES = 12


def seal(key: bytes, data: bytes, context: str) -> bytes:
    """Return nonce, ciphertext and tag: 28 bytes more than `data`.

    Args:
        key: 32 secret bytes.
        data: what is sealed.
        context: where it belongs; not secret, and must be told again to open it.
    """
    about = context.encode()
    secret = hmac.digest(key, b"framegate nonce 1", "sha256")
    nonce = hmac.digest(secret, len(about).to_bytes(8, "big") + about + data, "sha256")[:NONCE_BYTES]
    return nonce + AESGCM(key).encrypt(nonce, data, about)


def unseal(key: bytes, sealed: bytes, context: str) -> bytes:
    """Return what was sealed.

    Raises:
        SealBroken: sealed under another key or for another place, or altered since.
    """
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError):
        raise SealBroken(
            f"sealed data of {context} does not open: it was altered, or FRAMEGATE_SUBJECT_KEY is not the key that "
            "sealed it; restore that key file"
        ) from None
