"""Makes a certificate chain for development, and re-exports the check of any chain (`provenance.chain`).

Does not talk to an authority, does not renew. A development chain vouches for nothing outside the machine that made it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from provenance.base import SignerUnusable
from provenance.chain import CLAIM_SIGNING, SigningKey, check_chain, load_private_key, signer_id

__all__ = [
    "DevelopmentPki",
    "certificate_pem",
    "check_chain",
    "create_development_pki",
    "issue",
    "load_private_key",
    "private_key_pem",
    "signer_id",
]

ROOT_DAYS, INTERMEDIATE_DAYS, LEAF_DAYS = 3650, 1825, 365

_Signed = tuple[x509.Certificate, SigningKey]


@dataclass(frozen=True)
class DevelopmentPki:
    """Where a development chain lies. The keys of its root and its intermediate were never written."""

    root_pem: Path
    """The anchor, for readers."""

    chain_pem: Path
    """Leaf, then intermediate."""

    key_pem: Path
    """Key of the leaf, mode 0600."""

    timestamp_chain_pem: Path
    """Time-stamping leaf, then the same intermediate."""

    timestamp_key_pem: Path

    @classmethod
    def at(cls, folder: Path) -> DevelopmentPki:
        """Return the paths a chain in `folder` has, whether or not it exists."""
        return cls(
            root_pem=folder / "root.pem",
            chain_pem=folder / "signer.pem",
            key_pem=folder / "signer.key",
            timestamp_chain_pem=folder / "timestamp.pem",
            timestamp_key_pem=folder / "timestamp.key",
        )

    def paths(self) -> tuple[Path, ...]:
        """Return all files, certificates and keys."""
        return (self.root_pem, self.chain_pem, self.key_pem, self.timestamp_chain_pem, self.timestamp_key_pem)


def create_development_pki(folder: Path, organisation: str = "framegate development") -> DevelopmentPki:
    """Write a root, and under one intermediate an ES256 signing leaf and a time-stamping leaf, into `folder`.

    Raises:
        SignerUnusable: a file of a chain is already there, or the folder cannot be written.
    """
    pki = DevelopmentPki.at(folder)
    present = [path.name for path in pki.paths() if path.exists()]
    if present:
        raise SignerUnusable(f"{folder} already holds {', '.join(present)}; choose another folder or move them away")
    root = issue(f"{organisation} root", organisation, days=ROOT_DAYS, authority=True)
    intermediate = issue(
        f"{organisation} issuing authority", organisation, issuer=root, days=INTERMEDIATE_DAYS, authority=True, depth=0
    )
    uses = (CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION)
    leaf = issue(f"{organisation} claim signer", organisation, issuer=intermediate, uses=uses)
    stamp = issue(
        f"{organisation} time stamps",
        organisation,
        issuer=intermediate,
        uses=(ExtendedKeyUsageOID.TIME_STAMPING,),
        uses_critical=True,  # RFC 3161 section 2.3
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_new(pki.root_pem, certificate_pem(root[0]), 0o644)
        for chain_path, key_path, (certificate, key) in (
            (pki.chain_pem, pki.key_pem, leaf),
            (pki.timestamp_chain_pem, pki.timestamp_key_pem, stamp),
        ):
            _write_new(key_path, private_key_pem(key), 0o600)
            _write_new(chain_path, certificate_pem(certificate) + certificate_pem(intermediate[0]), 0o644)
    except OSError as error:
        raise SignerUnusable(f"the development chain cannot be written to {folder}: {error.strerror}") from error
    return pki


def issue(
    common_name: str,
    organisation: str,
    *,
    issuer: _Signed | None = None,
    days: int = LEAF_DAYS,
    not_before: datetime | None = None,
    authority: bool = False,
    depth: int | None = None,
    uses: tuple[ObjectIdentifier, ...] = (),
    uses_critical: bool = False,
    key: SigningKey | None = None,
) -> _Signed:
    """Return a certificate and its key: by `issuer`, or self-signed without one.

    Args:
        depth: authorities allowed below this one; None for no limit.
        key: the subject's; a new one on P-256 without it.
        not_before: start of validity; five minutes ago by default, for clocks that disagree.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    issuer_name, issuer_key = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    start = not_before or datetime.now(UTC) - timedelta(minutes=5)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=depth), critical=True)
        .add_extension(key_usage(authority=authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=uses_critical)
    digest = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(issuer_key, digest), key


def certificate_pem(certificate: x509.Certificate) -> str:
    """Return a certificate as PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def private_key_pem(key: SigningKey) -> str:
    """Return a key as unencrypted PKCS #8 PEM text: the caller guards it."""
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded.decode("ascii")


def key_usage(*, authority: bool) -> x509.KeyUsage:
    """Return the key usage of an authority, or of a leaf that signs."""
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _write_new(path: Path, text: str, mode: int) -> None:
    # O_EXCL: two processes starting at once must not overwrite each other's key.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
