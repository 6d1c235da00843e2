"""Signs with a key in a key management service, over HTTPS: only a digest leaves the machine.

    vault+https://vault.example:8200/v1/transit/sign/NAME              HashiCorp Vault, transit engine
    azure+https://NAME.vault.azure.net/keys/NAME/VERSION               Azure Key Vault
    google+https://cloudkms.googleapis.com/v1/projects/…/cryptoKeyVersions/1   Google Cloud KMS

AWS signs its requests instead of sending a token: `provenance.aws_kms`.

The bearer token is read from its file each time, so that whoever renews it need not tell us. Only the configured
address is asked: no redirect is followed, no proxy of the environment is used. It gets no tokens and makes no keys.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from provenance.base import SignerUnusable, SigningError
from provenance.chain import Algorithm
from provenance.signatures import HALF_BYTES, cose_form, digest_of

TIMEOUT_S = 10.0
ATTEMPTS = 3
"""Signing twice does no harm, and a service that is restarted comes back."""

PAUSE_S = 0.2
MAX_ANSWER_BYTES = 64 * 1024
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Dialect:
    """How one kind of service is asked, and where its answer has the signature."""

    suffix: str
    """Behind the key's address."""

    header: str
    """Which takes the token."""

    ask: Callable[[bytes, Algorithm], Json]
    read: Callable[[Json, Algorithm], bytes]
    """Takes the signature out of an answer; raises KeyError, ValueError or TypeError where it holds none."""


def _ask_vault(digest: bytes, algorithm: Algorithm) -> Json:
    body: dict[str, Any] = {"input": base64.b64encode(digest).decode(), "marshaling_algorithm": "jws"}
    if algorithm is not Algorithm.ED25519:
        body |= {"prehashed": True, "hash_algorithm": f"sha2-{8 * len(digest)}"}
    return body


def _read_vault(answer: Json, _algorithm: Algorithm) -> bytes:
    return _unpadded(str(answer["data"]["signature"]).rsplit(":", 1)[-1])


def _ask_azure(digest: bytes, algorithm: Algorithm) -> Json:
    if algorithm is Algorithm.ED25519:
        raise SignerUnusable("Azure Key Vault has no Ed25519 keys; use P-256 or P-384")
    return {"alg": algorithm.value, "value": base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}


def _read_azure(answer: Json, _algorithm: Algorithm) -> bytes:
    return _unpadded(str(answer["value"]))


def _ask_google(digest: bytes, algorithm: Algorithm) -> Json:
    text = base64.b64encode(digest).decode()
    return {"data": text} if algorithm is Algorithm.ED25519 else {"digest": {f"sha{8 * len(digest)}": text}}


def _read_google(answer: Json, algorithm: Algorithm) -> bytes:
    signature = base64.b64decode(str(answer["signature"]), validate=True)
    return signature if algorithm is Algorithm.ED25519 else cose_form(signature, HALF_BYTES[algorithm])


DIALECTS = {
    "vault": Dialect("", "x-vault-token", _ask_vault, _read_vault),
    "azure": Dialect("/sign?api-version=7.4", "authorization", _ask_azure, _read_azure),
    "google": Dialect(":asymmetricSign", "authorization", _ask_google, _read_google),
}


_TOKEN = re.compile(r"[\x21-\x7e]+")
"""What a header may carry; anything else would be quoted by the library that refuses it."""


def is_service(place: str) -> bool:
    """Say whether this names a key in a service."""
    return place.partition("+")[0] in DIALECTS and "://" in place


class ServiceKey:
    """A private key in a service. One may be shared between threads and survives fork.

    Args:
        place: kind and address, as above; plain HTTP only on this machine.
        algorithm: what the key signs by.
        token_file: file with the bearer token.
        ca_file: PEM file of the authorities that vouch for the service; None for the usual ones.

    Raises:
        SignerUnusable: the address cannot be meant.
    """

    def __init__(self, place: str, algorithm: Algorithm, token_file: Path, ca_file: Path | None = None) -> None:
        kind, _, url = place.partition("+")
        parts = urlsplit(url)
        if kind not in DIALECTS or parts.scheme not in ("https", "http") or not parts.hostname or parts.query:
            raise SignerUnusable(f"the key service is named KIND+https://…, with a kind of {', '.join(DIALECTS)}")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise SignerUnusable("a key service is asked over https; plain http is for this machine only")
        self._dialect = DIALECTS[kind]
        self._url = url.rstrip("/") + self._dialect.suffix
        self._host = parts.hostname
        self._algorithm = algorithm
        self._token_file = token_file
        self._verify: str | bool = str(ca_file) if ca_file else parts.scheme == "https"

    def sign(self, data: bytes) -> bytes:
        """Return a signature as COSE wants it.

        Raises:
            SignerUnusable: the token's file cannot be read.
            SigningError: the service is down, refuses, or answers something else; with its own words.
        """
        body = json.dumps(self._dialect.ask(digest_of(data, self._algorithm), self._algorithm)).encode()
        answer = ask_service(self._url, self._host, body, self._headers, self._verify)
        try:
            return self._dialect.read(answer, self._algorithm)
        except (KeyError, ValueError, TypeError, AttributeError, binascii.Error) as error:
            raise SigningError(f"the key service {self._host} answered without a signature") from error

    def _headers(self) -> Mapping[str, str]:
        return {"content-type": "application/json", self._dialect.header: self._token()}

    def _token(self) -> str:
        try:
            token = self._token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SignerUnusable(f"the token for the key service cannot be read: {error}") from error
        if not _TOKEN.fullmatch(token):
            raise SignerUnusable(f"the file {self._token_file} holds no token for the key service: one word is due")
        return token if self._dialect.header != "authorization" else f"Bearer {token}"


def ask_service(url: str, host: str, body: bytes, headers: Callable[[], Mapping[str, str]], verify: str | bool) -> Json:
    """Return the JSON object that a service answers with, asked up to three times while it is down or busy.

    `headers` are made anew for each attempt: some hold the time.

    Raises:
        SigningError: the service is down, refuses, or answers something else; with its own words.
    """
    fault = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S * attempt)
        try:
            response = httpx.post(
                url,
                content=body,
                headers=dict(headers()),
                timeout=TIMEOUT_S,
                verify=verify,
                trust_env=False,
                follow_redirects=False,
            )
        except (httpx.HTTPError, OSError) as error:
            fault = f"is not reached ({type(error).__name__})"  # its words may quote the header, and so the token
            continue
        if response.is_success and len(response.content) <= MAX_ANSWER_BYTES:
            return _parsed(response, host)
        fault = f"answered {response.status_code}: {_said(response)}"
        # AWS says that it is busy with 400 and this word.
        if response.status_code < 500 and response.status_code != 429 and "ThrottlingException" not in response.text:
            break  # it will not change its mind
    raise SigningError(f"the key service {host} {fault}")


def _parsed(response: httpx.Response, host: str) -> Json:
    try:
        answer = response.json()
    except ValueError as error:
        raise SigningError(f"the key service {host} answered no JSON") from error
    if not isinstance(answer, dict):
        raise SigningError(f"the key service {host} answered no JSON object")
    return answer


def _said(response: httpx.Response) -> str:
    """The first words of what a service says went wrong, fit for a log line."""
    return "".join(char if char.isprintable() else " " for char in response.text[:200]) or response.reason_phrase


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
