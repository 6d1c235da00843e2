"""Signs with a key in AWS KMS, over HTTPS: only a digest leaves the machine.

    aws+https://kms.eu-central-1.amazonaws.com/arn:aws:kms:eu-central-1:111122223333:key/ID

The key's own ARN names it and its region, so that an endpoint of one's own may stand before it. The credentials are
JSON in a file, read again for each signature; it gets none itself. Else as `provenance.key_service`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from provenance.aws_request import read_credentials, signed_headers
from provenance.base import SignerUnusable, SigningError
from provenance.chain import Algorithm
from provenance.key_service import LOOPBACK, ask_service
from provenance.signatures import HALF_BYTES, cose_form, digest_of

SCHEME = "aws+http"
"""What places of such keys begin with."""

ALGORITHMS = {Algorithm.ES256: "ECDSA_SHA_256", Algorithm.ES384: "ECDSA_SHA_384"}
"""Names of the service for what it signs by, of a digest."""

_ARN = re.compile(r"arn:aws[\w-]*:kms:([a-z0-9-]+):\d{12}:(key|alias)/[\w/-]+", re.ASCII)


class AwsKey:
    """A private key in AWS KMS. One may be shared between threads and survives fork.

    Args:
        place: as above; plain HTTP only on this machine.
        algorithm: what the key signs by.
        credentials_file: JSON with `AccessKeyId`, `SecretAccessKey` and, for temporary ones, `SessionToken`.
        ca_file: PEM file of the authorities that vouch for the endpoint; None for the usual ones.
        clock: requests carry the time.

    Raises:
        SignerUnusable: the place cannot be meant, or the service has no such algorithm.
    """

    def __init__(
        self,
        place: str,
        algorithm: Algorithm,
        credentials_file: Path,
        ca_file: Path | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        kind, _, url = place.partition("+")
        parts = urlsplit(url)
        named = _ARN.fullmatch(parts.path.removeprefix("/"))
        if kind != "aws" or parts.scheme not in ("https", "http") or not parts.hostname or named is None or parts.query:
            raise SignerUnusable("a key in AWS KMS is named aws+https://ENDPOINT/arn:aws:kms:REGION:ACCOUNT:key/ID")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise SignerUnusable("a key service is asked over https; plain http is for this machine only")
        if algorithm not in ALGORITHMS:
            raise SignerUnusable("a key in AWS KMS signs by P-256 or P-384 here, not by Ed25519")
        self._url, self._host, self._netloc = f"{parts.scheme}://{parts.netloc}/", parts.hostname, parts.netloc
        self._key_id, self._region = named[0], named[1]
        self._algorithm = algorithm
        self._credentials_file = credentials_file
        self._verify: str | bool = str(ca_file) if ca_file else parts.scheme == "https"
        self._clock = clock

    def sign(self, data: bytes) -> bytes:
        """Return a signature as COSE wants it.

        Raises:
            SignerUnusable: the credentials cannot be read.
            SigningError: the service is down, refuses, or answers something else; with its own words.
        """
        body = json.dumps(
            {
                "KeyId": self._key_id,
                "Message": base64.b64encode(digest_of(data, self._algorithm)).decode(),
                "MessageType": "DIGEST",
                "SigningAlgorithm": ALGORITHMS[self._algorithm],
            }
        ).encode()
        answer = ask_service(self._url, self._host, body, lambda: self._headers(body), self._verify)
        try:
            der = base64.b64decode(str(answer["Signature"]), validate=True)
            return cose_form(der, HALF_BYTES[self._algorithm])
        except (KeyError, ValueError, TypeError, binascii.Error) as error:
            raise SigningError(f"the key service {self._host} answered without a signature") from error

    def _headers(self, body: bytes) -> Mapping[str, str]:
        try:
            credentials = read_credentials(self._credentials_file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise SignerUnusable(f"the AWS credentials cannot be read: {error}") from error
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.Sign"}
        return signed_headers(
            "POST",
            self._netloc,
            "/",
            headers,
            body,
            credentials,
            region=self._region,
            service="kms",
            at=self._clock(),
        )
