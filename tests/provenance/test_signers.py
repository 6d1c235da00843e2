"""Signing: what comes out is trusted, and when it cannot be, nothing comes out."""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.base import Claim, CredentialState, SignerUnusable, SigningError
from provenance.certificates import DevelopmentPki, certificate_pem, create_development_pki, issue, private_key_pem
from provenance.chain import CLAIM_SIGNING, load_private_key
from provenance.credentials import C2paReader
from provenance.signers import CallbackSigner, FileSigner, TimestampPolicy, UnsafeDevelopmentSigner, sign_with
from provenance.timestamps import DevelopmentTimestampAuthority, TimestampIssuer

NOBODY = "http://127.0.0.1:9/"
"""The discard port: nothing listens."""


@pytest.fixture
def signer(pki: DevelopmentPki, anchors: str) -> FileSigner:
    return FileSigner(pki.chain_pem, pki.key_pem, anchors)


@pytest.fixture
def authority(pki: DevelopmentPki) -> Iterator[DevelopmentTimestampAuthority]:
    with DevelopmentTimestampAuthority.from_files(pki.timestamp_chain_pem, pki.timestamp_key_pem) as running:
        yield running


def test_a_signed_file_is_trusted_and_the_source_is_untouched(
    signer: FileSigner, video: Path, tmp_path: Path, claim: Claim, anchors: str
) -> None:
    before = video.read_bytes()
    credential = signer.sign(video, tmp_path / "out.mp4", claim)

    assert credential.state is CredentialState.TRUSTED
    assert credential.decision == "d-1"
    assert credential.detail["timestamp"] == "none"
    assert credential.signed_at is None
    assert C2paReader(anchors).read(tmp_path / "out.mp4").label == credential.label
    assert video.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_time_stamp_is_taken_and_trusted(
    pki: DevelopmentPki,
    anchors: str,
    authority: DevelopmentTimestampAuthority,
    video: Path,
    tmp_path: Path,
    claim: Claim,
) -> None:
    signer = FileSigner(pki.chain_pem, pki.key_pem, anchors, timestamp_url=authority.url)
    credential = signer.sign(video, tmp_path / "out.mp4", claim)

    assert credential.detail["timestamp"] == "trusted"
    assert credential.signed_at is not None
    assert abs(credential.signed_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_required_time_stamp_that_fails_leaves_nothing(
    pki: DevelopmentPki, anchors: str, video: Path, tmp_path: Path, claim: Claim
) -> None:
    signer = FileSigner(pki.chain_pem, pki.key_pem, anchors, timestamp_url=NOBODY)

    with pytest.raises(SigningError, match="http"):
        signer.sign(video, tmp_path / "out.mp4", claim)
    assert list(tmp_path.iterdir()) == []


def test_a_best_effort_time_stamp_that_fails_is_recorded(
    pki: DevelopmentPki, anchors: str, video: Path, tmp_path: Path, claim: Claim, caplog: pytest.LogCaptureFixture
) -> None:
    signer = FileSigner(
        pki.chain_pem, pki.key_pem, anchors, timestamp_url=NOBODY, timestamp_policy=TimestampPolicy.BEST_EFFORT
    )
    credential = signer.sign(video, tmp_path / "out.mp4", claim)

    assert credential.state is CredentialState.TRUSTED
    assert credential.detail["timestamp"] == "unavailable"
    assert credential.signed_at is None
    assert "signing without a time stamp" in caplog.text


@pytest.mark.parametrize("policy", TimestampPolicy)
def test_a_token_of_an_unknown_authority_counts_as_none(
    policy: TimestampPolicy, pki: DevelopmentPki, anchors: str, video: Path, tmp_path: Path, claim: Claim
) -> None:
    other = create_development_pki(tmp_path / "other", "Other")
    (tmp_path / "out").mkdir()
    out = tmp_path / "out" / "out.mp4"
    with DevelopmentTimestampAuthority.from_files(other.timestamp_chain_pem, other.timestamp_key_pem) as stranger:
        signer = FileSigner(pki.chain_pem, pki.key_pem, anchors, timestamp_url=stranger.url, timestamp_policy=policy)
        if policy is TimestampPolicy.REQUIRED:
            with pytest.raises(SigningError, match="no trusted time stamp"):
                signer.sign(video, out, claim)
            assert list(out.parent.iterdir()) == []
        else:
            assert signer.sign(video, out, claim).detail["timestamp"] == "unavailable"


def test_a_stamped_file_outlives_its_certificate_and_an_unstamped_one_does_not(
    video: Path, tmp_path: Path, claim: Claim
) -> None:
    """The reason for time stamps. The leaf expires two seconds after signing."""
    root = issue("root", "test", authority=True)
    stamp = issue("stamp", "test", issuer=root, uses=(ExtendedKeyUsageOID.TIME_STAMPING,), uses_critical=True)
    expiry = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    leaf = issue("leaf", "test", issuer=root, uses=(CLAIM_SIGNING,), days=1, not_before=expiry - timedelta(days=1))
    anchors = certificate_pem(root[0])
    key = sign_with(leaf[1])
    with DevelopmentTimestampAuthority(
        TimestampIssuer(certificate_pem(stamp[0]), private_key_pem(stamp[1]))
    ) as running:
        CallbackSigner("short", certificate_pem(leaf[0]), key, anchors, timestamp_url=running.url).sign(
            video, tmp_path / "stamped.mp4", claim
        )
    CallbackSigner("short", certificate_pem(leaf[0]), key, anchors).sign(video, tmp_path / "bare.mp4", claim)
    threading.Event().wait((expiry - datetime.now(UTC)).total_seconds() + 1.1)
    reader = C2paReader(anchors)

    assert reader.read(tmp_path / "stamped.mp4").state is CredentialState.TRUSTED
    assert reader.read(tmp_path / "bare.mp4").state is CredentialState.INVALID


class KeyServiceDown(Exception):
    """What a key service's client might raise."""


def test_the_reason_of_a_failing_key_surfaces(
    pki: DevelopmentPki, anchors: str, video: Path, tmp_path: Path, claim: Claim
) -> None:
    def refuse(data: bytes) -> bytes:
        raise KeyServiceDown("quota of key 7 exceeded")

    signer = CallbackSigner("remote", pki.chain_pem.read_text(), refuse, anchors)

    with pytest.raises(SigningError, match="quota of key 7 exceeded") as caught:
        signer.sign(video, tmp_path / "out.mp4", claim)
    assert isinstance(caught.value.__cause__, KeyServiceDown)
    assert list(tmp_path.iterdir()) == []


def test_a_file_signed_by_the_wrong_key_is_never_put_in_place(
    pki: DevelopmentPki, anchors: str, video: Path, tmp_path: Path, claim: Claim
) -> None:
    wrong = load_private_key(pki.timestamp_key_pem.read_text())
    signer = CallbackSigner("wrong", pki.chain_pem.read_text(), sign_with(wrong), anchors)

    with pytest.raises(SigningError):
        signer.sign(video, tmp_path / "out.mp4", claim)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_signing_keeps_the_earlier_file(
    pki: DevelopmentPki, anchors: str, video: Path, tmp_path: Path, claim: Claim
) -> None:
    (tmp_path / "out.mp4").write_bytes(b"earlier")

    with pytest.raises(SigningError):
        FileSigner(pki.chain_pem, pki.key_pem, anchors, timestamp_url=NOBODY).sign(video, tmp_path / "out.mp4", claim)
    assert (tmp_path / "out.mp4").read_bytes() == b"earlier"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_source_that_is_no_video_or_missing_is_named(signer: FileSigner, tmp_path: Path, claim: Claim) -> None:
    (tmp_path / "text.mp4").write_text("no video")

    with pytest.raises(SigningError, match="no credential can be written"):
        signer.sign(tmp_path / "text.mp4", tmp_path / "out.mp4", claim)
    with pytest.raises(SigningError, match="No such file"):
        signer.sign(tmp_path / "none.mp4", tmp_path / "out.mp4", claim)
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]


def _sign_with_small_files_only(
    pki: DevelopmentPki, anchors: str, video: Path, out: Path, claim: Claim, answer
) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        FileSigner(pki.chain_pem, pki.key_pem, anchors).sign(video, out, claim)
        answer.send("signed")
    except SigningError as error:
        answer.send(str(error))


def test_a_disk_that_refuses_is_named_and_leaves_nothing(
    pki: DevelopmentPki, anchors: str, video: Path, tmp_path: Path, claim: Claim
) -> None:
    """A file-size limit stands in for a full disk: the write fails in the middle, inside the library's callback."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(
        target=_sign_with_small_files_only, args=(pki, anchors, video, tmp_path / "out.mp4", claim, there)
    )
    child.start()
    message = here.recv()
    child.join()

    assert "out.mp4 cannot be written: File too large" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_signer_survives_fork(signer: FileSigner, video: Path, tmp_path: Path, claim: Claim) -> None:
    """The library refuses a context made before fork; the signer makes its own in each process."""
    signer.sign(video, tmp_path / "parent.mp4", claim)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if signer.sign(video, tmp_path / "child.mp4", claim).state is CredentialState.TRUSTED else 2
        finally:
            os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (tmp_path / "child.mp4").exists()
    assert signer.sign(video, tmp_path / "again.mp4", claim).state is CredentialState.TRUSTED


def test_one_signer_serves_many_threads(signer: FileSigner, video: Path, tmp_path: Path, claim: Claim) -> None:
    with ThreadPoolExecutor(4) as pool:
        signed = list(pool.map(lambda n: signer.sign(video, tmp_path / f"{n}.mp4", claim), range(16)))

    assert {credential.state for credential in signed} == {CredentialState.TRUSTED}
    assert len({credential.label for credential in signed}) == 16


def test_the_self_test_passes_for_a_good_chain(signer: FileSigner) -> None:
    signer.self_test()


NOW = datetime.now(UTC)
ROOT = issue("root", "test", authority=True)
ISSUER = issue("issuer", "test", issuer=ROOT, authority=True, depth=0)
OTHER_ROOT = issue("other root", "other", authority=True)


def _leaf(**options):
    return issue("leaf", "test", **({"issuer": ISSUER, "uses": (CLAIM_SIGNING,)} | options))


UNUSABLE: dict[str, tuple[Callable[[], tuple], str]] = {
    "expired": (lambda: (_leaf(not_before=NOW - timedelta(days=30), days=9), ISSUER), "has expired"),
    "tls use": (lambda: (_leaf(uses=(ExtendedKeyUsageOID.SERVER_AUTH,)), ISSUER), "wrong extended key usage"),
    "no use": (lambda: (_leaf(uses=()), ISSUER), "no extended key usage"),
    "missing intermediate": (lambda: (_leaf(),), "intermediate is missing"),
    "self-signed": (lambda: (_leaf(issuer=None),), "root is unknown"),
    "other root": (lambda: (_leaf(issuer=OTHER_ROOT),), "root is unknown"),
}


@pytest.mark.parametrize("fault", UNUSABLE)
def test_the_self_test_refuses_a_chain_that_cannot_sign(fault: str, tmp_path: Path) -> None:
    make, words = UNUSABLE[fault]
    chain = make()
    (tmp_path / "chain.pem").write_text("".join(certificate_pem(certificate) for certificate, _ in chain))
    (tmp_path / "key.pem").write_text(private_key_pem(chain[0][1]))
    signer = FileSigner(tmp_path / "chain.pem", tmp_path / "key.pem", certificate_pem(ROOT[0]))

    with pytest.raises(SignerUnusable, match=words):
        signer.self_test()


@pytest.mark.parametrize("fault", UNUSABLE)
def test_signing_with_such_a_chain_leaves_nothing_even_without_self_test(
    fault: str, video: Path, tmp_path: Path, claim: Claim
) -> None:
    chain = UNUSABLE[fault][0]()
    pem = "".join(certificate_pem(certificate) for certificate, _ in chain)
    signer = CallbackSigner("bad", pem, sign_with(chain[0][1]), certificate_pem(ROOT[0]))

    with pytest.raises(SigningError):
        signer.sign(video, tmp_path / "out.mp4", claim)
    assert list(tmp_path.iterdir()) == []


def test_the_self_test_refuses_a_key_of_another_certificate(pki: DevelopmentPki, anchors: str) -> None:
    with pytest.raises(SignerUnusable, match="key does not match"):
        FileSigner(pki.chain_pem, pki.timestamp_key_pem, anchors).self_test()


def test_the_self_test_of_a_remote_key_signs_for_real(pki: DevelopmentPki, anchors: str) -> None:
    def refuse(data: bytes) -> bytes:
        raise KeyServiceDown("no such key")

    with pytest.raises(SignerUnusable, match=r"failed its self-test.*no such key"):
        CallbackSigner("remote", pki.chain_pem.read_text(), refuse, anchors).self_test()


def test_a_missing_key_file_is_named_at_construction(pki: DevelopmentPki, anchors: str, tmp_path: Path) -> None:
    with pytest.raises(SignerUnusable, match="cannot be read"):
        FileSigner(pki.chain_pem, tmp_path / "none.key", anchors)


def test_the_development_signer_warns_at_every_construction(
    pki: DevelopmentPki, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        assert UnsafeDevelopmentSigner(pki).name == "development"

    assert [record.levelno for record in caplog.records if "UNSAFE" in record.message] == [logging.WARNING] * 2


def test_the_signed_bytes_hold_nothing_but_the_claim(
    signer: FileSigner, video: Path, tmp_path: Path, claim: Claim
) -> None:
    """A prompt can only leak through the claim: what is added to the source's bytes is compared with it."""
    signer.sign(video, tmp_path / "out.mp4", claim)
    data = (tmp_path / "out.mp4").read_bytes()

    assert b"d-1" in data
    assert str(tmp_path).encode() not in data
    assert video.name.encode() not in data
