"""A trust pack: a named, dated set of anchors that somebody chose to believe, and its digest.

Pure: reads no file and asks no network. Which packs there are is `provenance.trust_folder`, reading a credential under
them is `provenance.trusting`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.base import OWN_ANCHORS, TrustPackError

FORMAT = 1
"""Version of the file format; other ones are refused."""

MAX_ANCHORS = 500
"""Certificates in one pack: public lists hold some dozens."""

MAX_PACK_BYTES = 4_000_000
"""Largest file of a pack, and largest file of anchors that a pack is made of."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Use(StrEnum):
    """What the anchors of a pack may vouch for."""

    SIGNERS = "signers"
    """Those who sign credentials."""

    TIMESTAMPS = "timestamps"
    """Time-stamp authorities, and nobody else: their roots often issue certificates for e-mail too."""

    BOTH = "both"


@dataclass(frozen=True)
class TrustPack:
    """Anchors that belong together."""

    name: str
    """Small letters, digits, dots and dashes; unique in a house."""

    dated: date
    """As of when its publisher says so: what its age counts from."""

    use: Use
    anchors_pem: str
    source: str = ""
    """Where it is from, for people."""

    added_at: datetime | None = None

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """Its anchors."""
        return tuple(x509.load_pem_x509_certificates(self.anchors_pem.encode()))

    @property
    def digest(self) -> str:
        """`sha256:` and 64 hex digits over name, date, use and certificates: what a pin names."""
        prints = sorted(fingerprint(each) for each in self.certificates)
        parts = (self.name, self.dated.isoformat(), self.use.value, *prints)
        return f"sha256:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"

    def age_days(self, now: datetime) -> int:
        """Return how many days ago it was dated."""
        return (now.astimezone(UTC).date() - self.dated).days

    def expired(self, now: datetime) -> list[x509.Certificate]:
        """Return the anchors that are not valid any more."""
        return [each for each in self.certificates if each.not_valid_after_utc < now]


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate, in hex."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def make_pack(name: str, dated: date, use: Use, anchors: bytes, *, source: str = "", at: datetime) -> TrustPack:
    """Return a pack of the certificates in a PEM file.

    Raises:
        TrustPackError: with what is wrong about the name, the date or the file.
    """
    if not _NAME.fullmatch(name) or name == OWN_ANCHORS:
        raise TrustPackError(
            f"{name!r} cannot name a trust pack: take small letters, digits, dots and dashes, and not {OWN_ANCHORS!r}"
        )
    if dated > at.astimezone(UTC).date():
        raise TrustPackError(
            f"the pack {name} is dated {dated}, which is in the future: give the day of its publication"
        )
    if b"PRIVATE KEY" in anchors:
        raise TrustPackError(f"the file for the pack {name} holds a private key: a pack holds certificates only")
    if len(anchors) > MAX_PACK_BYTES:
        raise TrustPackError(f"the file for the pack {name} has {len(anchors)} bytes; the limit is {MAX_PACK_BYTES}")
    try:
        found = x509.load_pem_x509_certificates(anchors)
    except ValueError as error:
        raise TrustPackError(f"the file for the pack {name} holds no readable PEM certificate") from error
    if len(found) > MAX_ANCHORS:
        raise TrustPackError(
            f"the file for the pack {name} holds {len(found)} certificates; the limit is {MAX_ANCHORS}"
        )
    for each in found:
        _check_authority(each, name)
    distinct = {fingerprint(each): each for each in found}
    pem = "".join(distinct[key].public_bytes(Encoding.PEM).decode("ascii") for key in sorted(distinct))
    return TrustPack(name, dated, use, pem, source, at)


def pack_json(pack: TrustPack) -> str:
    """Return a pack as the text of its file."""
    values = {
        "format": FORMAT,
        "name": pack.name,
        "dated": pack.dated.isoformat(),
        "use": pack.use.value,
        "source": pack.source,
        "added_at": pack.added_at.isoformat() if pack.added_at else None,
        "digest": pack.digest,
        "anchors": pack.anchors_pem,
    }
    return json.dumps(values, indent=2) + "\n"


def pack_from_json(text: str, where: str) -> TrustPack:
    """Return the pack that a file holds.

    Raises:
        TrustPackError: it is not one, or its content does not have the digest that stands in it.
    """
    try:
        values: dict[str, Any] = json.loads(text)
        if values["format"] != FORMAT:
            raise TrustPackError(
                f"the trust pack {where} has the format {values['format']!r}; this version reads {FORMAT}"
            )
        added = datetime.fromisoformat(values["added_at"])
        pack = make_pack(
            str(values["name"]),
            date.fromisoformat(values["dated"]),
            Use(values["use"]),
            str(values["anchors"]).encode(),
            source=str(values["source"]),
            at=added,
        )
        digest = str(values["digest"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrustPackError(f"the trust pack {where} cannot be understood: {type(error).__name__}") from error
    if pack.digest != digest:
        raise TrustPackError(f"the trust pack {where} was changed: its content is {pack.digest}, it says {digest}")
    return pack


def parse_pins(text: str) -> dict[str, str]:
    """Return name -> digest of `name=sha256:… name=sha256:…`.

    Raises:
        TrustPackError: a pin that cannot be meant.
    """
    pins: dict[str, str] = {}
    for pin in text.split():
        name, _, digest = pin.partition("=")
        if not _NAME.fullmatch(name) or not _DIGEST.fullmatch(digest) or name in pins:
            raise TrustPackError(
                f"{pin!r} pins no trust pack: write each once, as NAME=sha256:… (`framegate trust list`)"
            )
        pins[name] = digest
    return pins


def _check_authority(certificate: x509.Certificate, name: str) -> None:
    try:
        authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        authority = False
    if not authority:
        raise TrustPackError(
            f"{certificate.subject.rfc4514_string()!r} in the file for the pack {name} is no authority (CA): "
            "an anchor vouches for others; leave out the certificates of signers"
        )
