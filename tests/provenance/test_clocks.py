"""A time stamp says for good when something was signed: one from a clock that is wrong is not taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provenance.base import Claim, CredentialState, SigningError
from provenance.certificates import DevelopmentPki
from provenance.signers import FileSigner, TimestampPolicy
from provenance.stamp_clock import CLOCKS_AGREE_WITHIN, stamp_fault
from provenance.timestamps import DevelopmentTimestampAuthority, TimestampIssuer

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def authority(pki: DevelopmentPki, skew: timedelta) -> DevelopmentTimestampAuthority:
    chain, key = pki.timestamp_chain_pem.read_text(), pki.timestamp_key_pem.read_text()
    return DevelopmentTimestampAuthority(TimestampIssuer(chain, key, clock=lambda: datetime.now(UTC) + skew))


@pytest.mark.parametrize("days", [-3650, -1, 1, 30, 3650])
def test_a_stamp_of_a_clock_that_is_wrong_is_not_taken(
    video: Path, pki: DevelopmentPki, anchors: str, claim: Claim, tmp_path: Path, days: int
) -> None:
    out = tmp_path / "out.mp4"
    with authority(pki, timedelta(days=days)) as running:
        signer = FileSigner(pki.chain_pem, pki.key_pem, anchors, timestamp_url=running.url)
        with pytest.raises(SigningError):
            signer.sign(video, out, claim)
        assert list(tmp_path.iterdir()) == []
        best = TimestampPolicy.BEST_EFFORT
        lenient = FileSigner(
            pki.chain_pem, pki.key_pem, anchors, timestamp_url=running.url, timestamp_policy=best
        ).sign(video, out, claim)

    assert (lenient.state, lenient.signed_at) == (CredentialState.TRUSTED, None)
    assert lenient.detail["timestamp"] == "unavailable"


def test_a_clock_that_is_a_little_off_is_taken(
    video: Path, pki: DevelopmentPki, anchors: str, claim: Claim, tmp_path: Path
) -> None:
    with authority(pki, timedelta(minutes=2)) as running:
        signer = FileSigner(pki.chain_pem, pki.key_pem, anchors, timestamp_url=running.url)
        credential = signer.sign(video, tmp_path / "out.mp4", claim)

    assert credential.detail["timestamp"] == "trusted"
    assert credential.signed_at is not None


def test_both_clocks_are_named_since_either_may_be_wrong() -> None:
    ahead = stamp_fault(NOW + timedelta(hours=1), NOW)

    assert ahead is not None
    assert "13:00:00" in ahead
    assert "12:00:00" in ahead
    assert stamp_fault(None, NOW) is not None
    for direction in (-1, 1):
        assert stamp_fault(NOW + direction * CLOCKS_AGREE_WITHIN, NOW) is None
        assert stamp_fault(NOW + direction * (CLOCKS_AGREE_WITHIN + timedelta(seconds=1)), NOW) is not None
