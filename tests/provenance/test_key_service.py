"""A key in a service signs, over real HTTP; when the service fails, nothing is left behind and its words are heard."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from provenance import key_service
from provenance.base import Claim, CredentialState, SignerUnusable, SigningError
from provenance.certificates import certificate_pem, issue
from provenance.chain import CLAIM_SIGNING, Algorithm
from provenance.key_service import ServiceKey, is_service
from provenance.signers import CallbackSigner
from tests.key_server import KEY_PATHS, TOKEN, KeyServer, running

KEYS = {
    Algorithm.ES256: ec.generate_private_key(ec.SECP256R1()),
    Algorithm.ES384: ec.generate_private_key(ec.SECP384R1()),
    Algorithm.ED25519: ed25519.Ed25519PrivateKey.generate(),
}
ROOT = issue("root", "test", authority=True)
CHAINS = {
    algorithm: certificate_pem(issue("leaf", "test", issuer=ROOT, uses=(CLAIM_SIGNING,), key=key)[0])
    for algorithm, key in KEYS.items()
}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_service, "PAUSE_S", 0.0)


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with running(KeyServer(KEYS[Algorithm.ES256])) as server:
        yield server


@pytest.fixture
def signer(server: KeyServer, token: Path) -> Callable[..., CallbackSigner]:
    def make(kind: str = "vault", algorithm: Algorithm = Algorithm.ES256) -> CallbackSigner:
        server.key = KEYS[algorithm]
        key = ServiceKey(server.place(kind), algorithm, token)
        return CallbackSigner(kind, CHAINS[algorithm], key.sign, certificate_pem(ROOT[0]))

    return make


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("kind", list(KEY_PATHS))
def test_a_key_in_a_service_signs_a_file_that_reads_as_trusted(
    kind: str,
    algorithm: Algorithm,
    signer: Callable[..., CallbackSigner],
    server: KeyServer,
    video: Path,
    tmp_path: Path,
    claim: Claim,
) -> None:
    if (kind, algorithm) == ("azure", Algorithm.ED25519):
        with pytest.raises(SigningError, match="no Ed25519"):
            signer(kind, algorithm).sign(video, tmp_path / "out.mp4", claim)
        return

    assert signer(kind, algorithm).sign(video, tmp_path / "out.mp4", claim).state is CredentialState.TRUSTED
    assert len(server.asked) == 1


def test_only_a_digest_leaves_the_machine(server: KeyServer, token: Path) -> None:
    data = b"a claim of several hundred bytes" * 20
    for kind in ("vault", "azure", "google"):
        ServiceKey(server.place(kind), Algorithm.ES256, token).sign(data)

    for _, body in server.asked:
        told = json.dumps(body)
        assert base64.b64encode(data).decode()[:40] not in told
        assert len(told) < 200


def outcome_of_nothing(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name not in {"token"}]


@pytest.mark.parametrize(
    ("answers", "words", "asked"),
    [
        ([(503, b"sealed")] * 3, "answered 503: sealed", 3),
        ([(403, b'{"errors":["permission denied"]}')], "answered 403: .*permission denied", 1),
        ([(302, b"")], "answered 302", 1),
        ([(200, b"<html>")], "no JSON", 1),
        ([(200, b"[]")], "no JSON object", 1),
        ([(200, b"{}")], "without a signature", 1),
        ([(200, b'{"data":{"signature":"vault:v1:AAAA"}}')], "3 bytes; an ES256 signature has 64", 1),
        ([(500, b"\x1b[2J\nnot a log line" * 50)] * 3, "answered 500: ", 3),
    ],
)
def test_a_service_that_fails_leaves_nothing_and_is_quoted(
    answers: list[tuple[int, bytes]],
    words: str,
    asked: int,
    signer: Callable[..., CallbackSigner],
    server: KeyServer,
    video: Path,
    tmp_path: Path,
    claim: Claim,
) -> None:
    server.answers = list(answers)
    with pytest.raises(SigningError, match=words) as fault:
        signer().sign(video, tmp_path / "out.mp4", claim)

    assert outcome_of_nothing(tmp_path) == []
    assert len(server.asked) == asked
    assert str(fault.value).isprintable()
    assert len(str(fault.value)) < 400
    assert TOKEN not in str(fault.value)


@pytest.mark.parametrize("content", [f"{TOKEN}\n{TOKEN}", f"{TOKEN}\x00", "two words", "\n"])
def test_a_token_that_no_header_carries_is_refused_without_being_quoted(
    content: str, token: Path, signer: Callable[..., CallbackSigner], video: Path, tmp_path: Path, claim: Claim
) -> None:
    token.write_text(content)

    with pytest.raises(SigningError, match="no token") as fault:
        signer().sign(video, tmp_path / "out.mp4", claim)

    assert TOKEN not in str(fault.value)


def test_a_service_that_is_down_is_named(token: Path, video: Path, tmp_path: Path, claim: Claim) -> None:
    key = ServiceKey("vault+http://127.0.0.1:9/v1/transit/sign/claims", Algorithm.ES256, token)
    signer = CallbackSigner("vault", CHAINS[Algorithm.ES256], key.sign, certificate_pem(ROOT[0]))

    with pytest.raises(SigningError, match=r"key service 127\.0\.0\.1 is not reached"):
        signer.sign(video, tmp_path / "out.mp4", claim)
    with pytest.raises(SignerUnusable, match="is not reached"):
        signer.self_test()
    assert outcome_of_nothing(tmp_path) == []


def test_a_service_that_comes_back_is_asked_again(
    signer: Callable[..., CallbackSigner], server: KeyServer, video: Path, tmp_path: Path, claim: Claim
) -> None:
    server.answers = [(503, b"starting"), (429, b"slowly")]

    assert signer().sign(video, tmp_path / "out.mp4", claim).state is CredentialState.TRUSTED
    assert len(server.asked) == 3


def test_a_renewed_token_is_taken_up(server: KeyServer, token: Path) -> None:
    token.write_text("old")
    key = ServiceKey(server.place("azure"), Algorithm.ES256, token)
    with pytest.raises(SigningError, match="answered 401"):
        key.sign(b"data")
    token.write_text(TOKEN)

    assert len(key.sign(b"data")) == 64


def test_a_key_of_another_certificate_is_found_out(
    signer: Callable[..., CallbackSigner], server: KeyServer, video: Path, tmp_path: Path, claim: Claim
) -> None:
    made = signer()
    server.key = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(SigningError, match="certificate or public key is of another one"):
        made.sign(video, tmp_path / "out.mp4", claim)
    assert outcome_of_nothing(tmp_path) == []


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("vault+http://vault.example/v1/transit/sign/k", "over https"),
        ("vault+ftp://vault.example/k", "KIND"),
        ("vault+https:///k", "KIND"),
        ("other+https://vault.example/k", "KIND"),
        ("vault+https://vault.example/k?x=1", "KIND"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(place: str, words: str, token: Path) -> None:
    with pytest.raises(SignerUnusable, match=words):
        ServiceKey(place, Algorithm.ES256, token)


def test_a_token_that_is_not_there_is_named(server: KeyServer, token: Path) -> None:
    key = ServiceKey(server.place("vault"), Algorithm.ES256, token)
    token.write_text("")
    with pytest.raises(SignerUnusable, match="holds no token"):
        key.sign(b"data")
    token.unlink()
    with pytest.raises(SignerUnusable, match="cannot be read"):
        key.sign(b"data")
    assert server.asked == []


def test_services_are_told_from_files() -> None:
    assert is_service("vault+https://vault.example/v1/transit/sign/k")
    assert not is_service("/etc/keys/vault+https")
    assert not is_service("pkcs11:token=a")
