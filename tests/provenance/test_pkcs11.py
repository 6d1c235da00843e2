"""A key in a token signs, through the C layout of PKCS #11; and every fault of a token has words."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from provenance import pkcs11_abi as abi
from provenance.base import Claim, CredentialState, SignerUnusable, SigningError
from provenance.certificates import certificate_pem, issue
from provenance.chain import CLAIM_SIGNING, Algorithm
from provenance.pkcs11 import HardwareKey, KeyPlace
from provenance.pkcs11_abi import open_library
from provenance.signatures import checked
from provenance.signers import CallbackSigner
from tests.token_library import SoftToken

KEYS = {
    Algorithm.ES256: ec.generate_private_key(ec.SECP256R1()),
    Algorithm.ES384: ec.generate_private_key(ec.SECP384R1()),
    Algorithm.ED25519: ed25519.Ed25519PrivateKey.generate(),
}
ROOT = issue("root", "test", authority=True)


@pytest.fixture
def token() -> SoftToken:
    return SoftToken({kind.value.lower().encode(): key for kind, key in KEYS.items()})


@pytest.fixture
def pin(tmp_path: Path) -> Path:
    path = tmp_path / "pin"
    path.write_text("1234\n")
    return path


def place(pin: Path, what: str = "object=es256") -> KeyPlace:
    return KeyPlace.parse(f"pkcs11:token=release;{what}?module-path=/lib/token.so&pin-source=file:{pin}")


def chain_of(algorithm: Algorithm) -> str:
    return certificate_pem(issue("leaf", "test", issuer=ROOT, uses=(CLAIM_SIGNING,), key=KEYS[algorithm])[0])


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_key_in_a_token_signs_a_file_that_reads_as_trusted(
    algorithm: Algorithm, token: SoftToken, pin: Path, video: Path, tmp_path: Path, claim: Claim
) -> None:
    key = HardwareKey(place(pin, f"object={algorithm.value.lower()}"), algorithm, token.open)
    signer = CallbackSigner("pkcs11", chain_of(algorithm), key.sign, certificate_pem(ROOT[0]))

    assert signer.sign(video, tmp_path / "out.mp4", claim).state is CredentialState.TRUSTED
    assert token.log.count("C_Login") == 1


def test_a_key_is_found_by_its_id(token: SoftToken, pin: Path) -> None:
    sign = HardwareKey(place(pin, "id=%02"), Algorithm.ES384, token.open).sign

    assert len(checked(sign, chain_of(Algorithm.ES384), Algorithm.ES384)(b"data")) == 96


def test_many_threads_share_one_session(token: SoftToken, pin: Path) -> None:
    sign = checked(
        HardwareKey(place(pin), Algorithm.ES256, token.open).sign, chain_of(Algorithm.ES256), Algorithm.ES256
    )
    with ThreadPoolExecutor(8) as threads:
        signatures = list(threads.map(sign, [bytes([number]) for number in range(64)]))

    assert len(set(signatures)) == 64
    assert token.log.count("C_OpenSession") == 1


def test_a_lost_session_is_opened_again(token: SoftToken, pin: Path) -> None:
    key = HardwareKey(place(pin), Algorithm.ES256, token.open)
    key.sign(b"before")
    token.restart()

    assert len(key.sign(b"after")) == 64
    assert token.log.count("C_OpenSession") == 2


def test_a_wrong_pin_is_tried_once_and_again_only_after_it_changed(token: SoftToken, pin: Path) -> None:
    """A token locks itself after a few."""
    pin.write_text("4321")
    key = HardwareKey(place(pin), Algorithm.ES256, token.open)
    for _ in range(5):
        with pytest.raises(SignerUnusable, match="PIN is wrong") as fault:
            key.sign(b"data")

    assert token.log.count("C_Login") == 1
    assert "4321" not in str(fault.value)
    assert token.sessions == set()
    pin.write_text("1234")
    assert len(key.sign(b"data")) == 64


def test_the_last_try_before_a_token_locks_itself_is_left_to_a_person(token: SoftToken, pin: Path) -> None:
    """Every start is a process that remembers no refused PIN."""
    token.flags = abi.PIN_FINAL_TRY

    with pytest.raises(SignerUnusable, match="locks itself at the next wrong PIN"):
        HardwareKey(place(pin), Algorithm.ES256, token.open).sign(b"data")

    assert "C_Login" not in token.log


def test_a_token_that_refuses_to_sign_gives_its_error_to_whoever_signs(
    token: SoftToken, pin: Path, video: Path, tmp_path: Path, claim: Claim
) -> None:
    token.sign_error = 0x6
    key = HardwareKey(place(pin), Algorithm.ES256, token.open)
    signer = CallbackSigner("pkcs11", chain_of(Algorithm.ES256), key.sign, certificate_pem(ROOT[0]))
    (tmp_path / "out").mkdir()

    with pytest.raises(SigningError, match=r"refused to sign .*0x6"):
        signer.sign(video, tmp_path / "out" / "out.mp4", claim)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_forked_worker_opens_a_session_of_its_own(token: SoftToken, pin: Path) -> None:
    key = HardwareKey(place(pin), Algorithm.ES256, token.open)
    key.sign(b"parent")
    before = token.log.count("C_OpenSession")
    child = os.fork()
    if child == 0:
        good = len(key.sign(b"child")) == 64 and token.log.count("C_OpenSession") == before + 1
        os._exit(0 if good else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    ("what", "words"),
    [("object=nobody", "no private key"), ("id=%09", "no private key"), ("object=es256;id=%02", "no private key")],
)
def test_a_key_that_is_not_there_is_named(token: SoftToken, pin: Path, what: str, words: str) -> None:
    with pytest.raises(SignerUnusable, match=words):
        HardwareKey(place(pin, what), Algorithm.ES256, token.open).sign(b"data")
    assert token.sessions == set()


def test_a_token_that_is_not_there_is_named_with_those_that_are(pin: Path) -> None:
    other = SoftToken({}, label=b"backup")
    with pytest.raises(SignerUnusable, match="no token 'release'; there are: backup"):
        HardwareKey(place(pin), Algorithm.ES256, other.open).sign(b"data")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("pkcs11:object=k?module-path=/m&pin-source=/p", "lacks token"),
        ("pkcs11:token=t?module-path=/m&pin-source=/p", "lacks object or id"),
        ("pkcs11:token=t;object=k?pin-source=/p", "lacks module-path"),
        ("pkcs11:token=t;object=k?module-path=/m", "lacks pin-source"),
        ("pkcs11:token=t;object=k?module-path=/m&pin-value=1234", "PIN does not belong into a setting"),
    ],
)
def test_a_uri_that_lacks_something_is_refused(uri: str, words: str) -> None:
    with pytest.raises(SignerUnusable, match=words) as fault:
        KeyPlace.parse(uri)
    assert "1234" not in str(fault.value)


def test_names_in_a_uri_may_be_escaped() -> None:
    found = KeyPlace.parse("pkcs11:token=My%20token;object=a%3Bb;id=%00%FF?module-path=/m&pin-source=file:/p")

    assert (found.token, found.label, found.id, found.pin_file) == (b"My token", b"a;b", b"\x00\xff", Path("/p"))


def test_a_file_that_is_no_library_or_no_pin_is_named(token: SoftToken, pin: Path, tmp_path: Path) -> None:
    with pytest.raises(SignerUnusable, match="no PKCS #11 library"):
        open_library(pin)
    pin.unlink()
    with pytest.raises(SignerUnusable, match="PIN cannot be read"):
        HardwareKey(place(pin), Algorithm.ES256, token.open).sign(b"data")
    pin.touch()
    with pytest.raises(SignerUnusable, match="holds no PIN"):
        HardwareKey(place(pin), Algorithm.ES256, token.open).sign(b"data")
