"""Makes certificate signing requests for the command line: for a new key, or for one that is somewhere already."""

from __future__ import annotations

from dataclasses import dataclass

from api.keys import signing_key
from api.settings import Settings
from provenance.certificate_request import (
    algorithm_of_public,
    load_public_key,
    new_key,
    request_certificate,
    request_for,
)
from provenance.certificates import private_key_pem
from provenance.chain import Algorithm

__all__ = ["Algorithm", "Subject", "request_for_key", "request_for_new_key"]


@dataclass(frozen=True)
class Subject:
    """Whom a certificate is for."""

    name: str
    organisation: str
    country: str = ""


def request_for_new_key(subject: Subject, algorithm: Algorithm) -> tuple[str, str]:
    """Return a new private key and the request for it, both as PEM.

    Raises:
        SignerUnusable: the names cannot stand in a certificate.
    """
    key = new_key(algorithm)
    return private_key_pem(key), request_certificate(subject.name, subject.organisation, subject.country, key)


def request_for_key(subject: Subject, place: str, public_pem: str, settings: Settings) -> str:
    """Return the request for a key that is in this place, as `Settings.signer_key` names it.

    Raises:
        SignerUnusable, SigningError: the key is not there, is not the one of the public key, or refuses.
    """
    public = load_public_key(public_pem)
    _, sign_bytes = signing_key(place, algorithm_of_public(public), settings)
    return request_for(subject.name, subject.organisation, subject.country, public, sign_bytes)
