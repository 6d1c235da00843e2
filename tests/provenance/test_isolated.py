"""Reading a stranger's file in a child: same answer, and its death is an answer too."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from provenance.base import Claim, CredentialState, CredentialUnreadable
from provenance.certificates import DevelopmentPki, certificate_pem, issue
from provenance.isolated import PACKAGE_ROOT, IsolatedReader, ReadLimits, read_isolated
from provenance.signers import FileSigner
from provenance.timestamps import DevelopmentTimestampAuthority
from provenance.trust_pack import Use, make_pack
from provenance.trusting import TrustingReader


@pytest.fixture
def signed(pki: DevelopmentPki, anchors: str, video: Path, tmp_path: Path, claim: Claim) -> Path:
    with DevelopmentTimestampAuthority.from_files(pki.timestamp_chain_pem, pki.timestamp_key_pem) as authority:
        signer = FileSigner(pki.chain_pem, pki.key_pem, anchors, timestamp_url=authority.url)
        signer.sign(video, tmp_path / "signed.mp4", claim)
    return tmp_path / "signed.mp4"


def test_the_child_reads_the_same_as_this_process(signed: Path, anchors: str) -> None:
    credential = IsolatedReader(lambda: anchors).read(signed)

    assert credential.state is CredentialState.TRUSTED
    assert credential == TrustingReader(anchors).read(signed)


def test_the_child_keeps_to_the_allow_list(signed: Path, anchors: str) -> None:
    credential = read_isolated(signed, anchors, frozenset({"1:somebody"}))

    assert credential.state is CredentialState.UNKNOWN_ISSUER


def test_a_file_without_credential_is_absent(video: Path, anchors: str) -> None:
    assert read_isolated(video, anchors).state is CredentialState.ABSENT


def test_an_unreadable_file_keeps_its_reason(tmp_path: Path, anchors: str) -> None:
    with pytest.raises(CredentialUnreadable, match=r"none\.mp4 cannot be read"):
        read_isolated(tmp_path / "none.mp4", anchors)


def test_a_file_over_the_limit_is_refused(signed: Path, anchors: str) -> None:
    with pytest.raises(CredentialUnreadable, match="the limit is 10"):
        read_isolated(signed, anchors, limits=ReadLimits(file_bytes=10))


def test_a_child_out_of_memory_is_unreadable_and_not_absent(signed: Path, anchors: str) -> None:
    starved = replace(ReadLimits(), memory_bytes=8 * 1024**2)

    with pytest.raises(CredentialUnreadable):
        read_isolated(signed, anchors, limits=starved)


def test_a_child_that_takes_too_long_is_ended(signed: Path, anchors: str) -> None:
    with pytest.raises(CredentialUnreadable, match=r"took over 0\.02 s"):
        read_isolated(signed, anchors, limits=ReadLimits(timeout_s=0.01))


def test_a_child_killed_by_its_processor_limit_is_unreadable(signed: Path, anchors: str) -> None:
    with pytest.raises(CredentialUnreadable, match="killed by signal"):
        read_isolated(signed, anchors, limits=ReadLimits(cpu_s=0))


AGAIN = """
import resource, time
from provenance.isolated import ReadLimits
from provenance.read_child import allow_again, take

take(ReadLimits(cpu_s=%d), 3)
print(*resource.getrlimit(resource.RLIMIT_CPU))
before = time.process_time()
allow_again(ReadLimits(cpu_s=%d))
after = time.process_time()
soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
print(soft >= before + %d or soft == hard, soft <= after + 1 + %d, hard)
"""


def test_each_reading_has_processor_time_of_its_own_and_all_have_an_end(tmp_path: Path) -> None:
    """In a process of its own, which takes the limits."""
    ran = subprocess.run(
        [sys.executable, "-c", AGAIN.replace("%d", "100")],
        cwd=PACKAGE_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.split("\n")[:2] == ["100 300", "True True 300"]


def test_the_time_of_a_child_grows_with_the_packs_it_asks(signed: Path, anchors: str) -> None:
    root = certificate_pem(issue("unrelated root", "nobody", authority=True)[0]).encode()
    packs = [
        make_pack(name, date(2026, 11, 1), use, root, at=datetime(2026, 11, 27, tzinfo=UTC))
        for name, use in (("a", Use.SIGNERS), ("b", Use.BOTH), ("c", Use.TIMESTAMPS))
    ]

    with pytest.raises(CredentialUnreadable, match=r"took over 0\.06 s"):
        read_isolated(signed, anchors, packs=packs, limits=ReadLimits(timeout_s=0.01))
