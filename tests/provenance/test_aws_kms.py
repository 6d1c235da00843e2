"""A key in AWS KMS signs, over real HTTP to a server that checks each request's signature.

The signatures of requests are compared with those that AWS published and with two that botocore 1.44 made.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from provenance import key_service
from provenance.aws_kms import AwsKey
from provenance.aws_request import Credentials, read_credentials, signed_headers, signing_key
from provenance.base import Claim, CredentialState, SignerUnusable, SigningError
from provenance.certificates import certificate_pem, issue
from provenance.chain import CLAIM_SIGNING, Algorithm
from provenance.signers import CallbackSigner
from tests.key_server import KeyServer, running

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # of the documentation's example
ARN = "arn:aws:kms:eu-central-1:111122223333:key/k"
CURVES = {Algorithm.ES256: ec.SECP256R1(), Algorithm.ES384: ec.SECP384R1()}
ROOT = issue("root", "test", authority=True)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_service, "PAUSE_S", 0.0)


@dataclass
class Kms(KeyServer):
    """Speaks like AWS KMS, and believes no request that is not signed with the secret it knows."""

    session: str = ""

    def handle(self, request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        raw = request.rfile.read(int(request.headers["content-length"]))
        body = json.loads(raw)
        self.asked.append((request.path, body))
        if self.answers:
            return self.answers.pop(0)
        at = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        told = {name: request.headers[name] for name in ("content-type", "x-amz-target")}
        due = signed_headers(
            "POST",
            request.headers["host"],
            request.path,
            told,
            raw,
            Credentials("AKIDEXAMPLE", SECRET, self.session),
            region="eu-central-1",
            service="kms",
            at=at,
        )
        if due["authorization"] != request.headers["authorization"] or told["x-amz-target"] != "TrentService.Sign":
            return 400, b'{"__type":"InvalidSignatureException","message":"The request signature does not match"}'
        if abs(datetime.now(UTC) - at) > timedelta(minutes=15):
            return 400, b'{"__type":"InvalidSignatureException","message":"Signature expired"}'
        kind = {"ECDSA_SHA_256": hashes.SHA256(), "ECDSA_SHA_384": hashes.SHA384()}[body["SigningAlgorithm"]]
        assert (body["KeyId"], body["MessageType"]) == (ARN, "DIGEST")
        made = self.key.sign(base64.b64decode(body["Message"]), ec.ECDSA(Prehashed(kind)))
        return 200, json.dumps({"KeyId": ARN, "Signature": base64.b64encode(made).decode()}).encode()

    @property
    def aws_place(self) -> str:
        return f"aws+http://127.0.0.1:{self.port}/{ARN}"


@pytest.fixture
def server() -> Iterator[Kms]:
    with running(Kms(ec.generate_private_key(ec.SECP256R1()))) as server:
        assert isinstance(server, Kms)
        yield server


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    path = tmp_path / "aws.json"
    path.write_text(json.dumps({"Version": 1, "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": SECRET}))
    return path


def test_the_published_example_comes_out() -> None:
    """AWS, "Signature Version 4 signing process": ListUsers of IAM on 30 August 2015."""
    key = signing_key(SECRET, "20150830/us-east-1/iam/aws4_request")
    headers = signed_headers(
        "GET",
        "iam.amazonaws.com",
        "/",
        {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
        b"",
        Credentials("AKIDEXAMPLE", SECRET),
        region="us-east-1",
        service="iam",
        at=datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
        query="Action=ListUsers&Version=2010-05-08",
    )

    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
    assert headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


@pytest.mark.parametrize(
    ("session", "signature"),
    [
        ("", "245500565a53825a1843b4cf78621d1309bfe8dce3ad850773676318cf79c8b8"),
        ("a/session+token==", "392242c8cef1ab8ac4fc5a3dcd6ca0b318952884b8ec148a33a60cb09d6a1529"),
    ],
)
def test_a_request_is_signed_as_botocore_signs_it(session: str, signature: str) -> None:
    body = json.dumps(
        {"KeyId": ARN, "Message": "AAAA", "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
    ).encode()
    headers = signed_headers(
        "POST",
        "kms.eu-central-1.amazonaws.com",
        "/",
        {"content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.Sign"},
        body,
        Credentials("AKIDEXAMPLE", SECRET, session),
        region="eu-central-1",
        service="kms",
        at=datetime(2026, 11, 27, 12, tzinfo=UTC),
    )

    assert headers["authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize("algorithm", list(CURVES))
def test_a_key_in_the_service_signs_a_file_that_reads_as_trusted(
    algorithm: Algorithm, server: Kms, credentials: Path, video: Path, tmp_path: Path, claim: Claim
) -> None:
    server.key = ec.generate_private_key(CURVES[algorithm])
    leaf = issue("leaf", "test", issuer=ROOT, uses=(CLAIM_SIGNING,), key=server.key)
    key = AwsKey(server.aws_place, algorithm, credentials)
    signer = CallbackSigner("aws", certificate_pem(leaf[0]), key.sign, certificate_pem(ROOT[0]))

    assert signer.sign(video, tmp_path / "out.mp4", claim).state is CredentialState.TRUSTED
    ((path, body),) = server.asked
    assert path == "/"
    assert len(json.dumps(body)) < 300  # a digest, never the claim


def test_temporary_credentials_are_read_anew_for_each_signature(server: Kms, credentials: Path) -> None:
    key = AwsKey(server.aws_place, Algorithm.ES256, credentials)
    server.session = "renewed/token+=="
    with pytest.raises(SigningError, match="InvalidSignatureException"):
        key.sign(b"data")
    values = {**json.loads(credentials.read_text()), "SessionToken": server.session}
    credentials.write_text(json.dumps(values))

    assert len(key.sign(b"data")) == 64


def test_a_busy_service_is_asked_again_and_another_clock_is_named(server: Kms, credentials: Path) -> None:
    server.answers = [(400, b'{"__type":"ThrottlingException"}'), (500, b'{"__type":"KMSInternalException"}')]
    assert len(AwsKey(server.aws_place, Algorithm.ES256, credentials).sign(b"data")) == 64
    assert len(server.asked) == 3

    late = AwsKey(server.aws_place, Algorithm.ES256, credentials, clock=lambda: datetime.now(UTC) - timedelta(hours=1))
    with pytest.raises(SigningError, match="Signature expired"):
        late.sign(b"data")
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "answer", [b"{}", b'{"Signature": 5}', b'{"Signature": "AAAA"}', b'{"Signature": "not base64!"}']
)
def test_an_answer_without_a_signature_is_no_signature(answer: bytes, server: Kms, credentials: Path) -> None:
    server.answers = [(200, answer)]

    with pytest.raises(SigningError, match="without a signature"):
        AwsKey(server.aws_place, Algorithm.ES256, credentials).sign(b"data")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        SECRET,
        '{"AccessKeyId": "a"}',
        f'{{"AccessKeyId": "a\\u0000", "SecretAccessKey": "{SECRET}"}}',
        f'{{"AccessKeyId": "a\\n", "SecretAccessKey": "{SECRET}"}}',
        f'{{"AccessKeyId": 5, "SecretAccessKey": "{SECRET}"}}',
        f'{{"AccessKeyId": "", "SecretAccessKey": "{SECRET}"}}',
    ],
)
def test_credentials_that_are_none_are_refused_and_never_quoted(content: str) -> None:
    with pytest.raises(SignerUnusable, match="AccessKeyId") as fault:
        read_credentials(content)

    assert SECRET not in str(fault.value)


def test_a_secret_is_not_shown() -> None:
    assert SECRET not in repr(Credentials("AKIDEXAMPLE", SECRET, SECRET))


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (f"aws+http://kms.example/{ARN}", "over https"),
        ("aws+https://kms.eu-central-1.amazonaws.com/k", "aws\\+https://ENDPOINT"),
        (f"aws+https://kms.example/{ARN}?x=1", "aws\\+https://ENDPOINT"),
        (f"aws+ftp://kms.example/{ARN}", "aws\\+https://ENDPOINT"),
        (f"vault+https://kms.example/{ARN}", "aws\\+https://ENDPOINT"),
    ],
)
def test_a_place_that_cannot_be_meant_is_refused(place: str, words: str, credentials: Path) -> None:
    with pytest.raises(SignerUnusable, match=words):
        AwsKey(place, Algorithm.ES256, credentials)


def test_what_the_service_does_not_sign_by_is_said(credentials: Path) -> None:
    with pytest.raises(SignerUnusable, match="Ed25519"):
        AwsKey(f"aws+https://kms.example/{ARN}", Algorithm.ED25519, credentials)


def test_missing_credentials_are_named(server: Kms, tmp_path: Path) -> None:
    with pytest.raises(SignerUnusable, match=r"gone\.json"):
        AwsKey(server.aws_place, Algorithm.ES256, tmp_path / "gone.json").sign(b"data")
    assert server.asked == []
