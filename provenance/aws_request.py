"""Signs one HTTP request the way AWS asks for it (Signature Version 4): POST with a body, no query.

Pure: the time and the credentials are given. How it is done: AWS documentation, "Signature Version 4 signing process".
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from provenance.base import SignerUnusable

METHOD = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Credentials:
    """Who asks. The secret is never shown."""

    key_id: str
    secret: str = field(repr=False)
    session: str = field(default="", repr=False)
    """Token of temporary credentials; empty for lasting ones."""


def read_credentials(text: str) -> Credentials:
    """Return credentials from JSON as AWS tools hand them out (`AccessKeyId`, `SecretAccessKey`, `SessionToken`).

    Raises:
        SignerUnusable: it is something else; says nothing of what it holds.
    """
    try:
        values = json.loads(text)
        found = Credentials(
            values["AccessKeyId"], values["SecretAccessKey"], values.get("SessionToken") or values.get("Token") or ""
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        found = None
    parts = (found.key_id, found.secret, found.session) if found else ("",)
    # A header takes printable ASCII; anything else would be quoted by the library that refuses it.
    if not all(isinstance(each, str) and each.isascii() and (each.isprintable() or not each) for each in parts) or (
        found is None or not found.key_id or not found.secret
    ):
        raise SignerUnusable("the file with AWS credentials is JSON with AccessKeyId, SecretAccessKey and SessionToken")
    return found


def signed_headers(
    method: str,
    host: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: Credentials,
    *,
    region: str,
    service: str,
    at: datetime,
    query: str = "",
) -> dict[str, str]:
    """Return all headers of a request, `authorization` among them.

    Args:
        method: `POST`.
        host: as it will stand in the header `host`, with a port that is not the usual one.
        path: beginning with `/`, already encoded.
        headers: names in small letters.
        at: aware; AWS takes requests of the last quarter of an hour.
        query: already encoded and sorted.
    """
    moment = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    told = {**headers, "host": host, "x-amz-date": moment}
    if credentials.session:
        told["x-amz-security-token"] = credentials.session
    names = ";".join(sorted(told))
    lines = "".join(f"{name}:{' '.join(told[name].split())}\n" for name in sorted(told))
    request = "\n".join((method, path, query, lines, names, hashlib.sha256(body).hexdigest()))
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = "\n".join((METHOD, moment, scope, hashlib.sha256(request.encode()).hexdigest()))
    signature = hmac.new(signing_key(credentials.secret, scope), text.encode(), hashlib.sha256).hexdigest()
    told["authorization"] = (
        f"{METHOD} Credential={credentials.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return told


def signing_key(secret: str, scope: str) -> bytes:
    """Return the key for one day, region and service: `20150830/us-east-1/iam/aws4_request`."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
