"""Checks one file against our records: its credential, its watermark, and the Release they lead to. Judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from media.errors import MediaError
from media.isolation import open_video
from media.kinds import HEAD_BYTES, sidecar_type_of
from media.limits import Limits
from provenance.base import Credential, CredentialReader, CredentialState, Watermark
from safety.known import ReleaseIndex
from safety.lookup.withdrawals import Withdrawal
from safety.measure import file_digest
from safety.scan import SCAN_PLAN


@dataclass(frozen=True)
class Verification:
    """What a file proves about itself."""

    credential: Credential
    watermark: str | None
    """Hex of the id in its pixels."""

    release: str | None
    """Our release that the credential or the watermark leads to."""

    exact: bool | None = None
    """It is byte for byte what was released: a credential leaves padding and free boxes out, one that lies beside its
    file nothing. None without a release, and for a copy that somebody trusted signed who did not sign the release, such
    as our own key after a rotation."""

    withdrawal: Withdrawal | None = None
    """That release is not served any more."""


def verify_file(
    path: Path, reader: CredentialReader, watermark: Watermark, known: ReleaseIndex, limits: Limits
) -> Verification:
    """Read a file's credential and watermark and look up the release behind them.

    Raises:
        CredentialUnreadable: a manifest is there but cannot be read within the limits.
        MediaError: the file holds neither a credential nor a video.
    """
    credential = reader.read(path)
    detector = watermark.detector()
    try:
        with open_video(path, limits=limits, plan=SCAN_PLAN) as video:
            for clip in video:
                detector.add(clip.frames)
    except MediaError:
        if not credential.label:
            raise
    reading = detector.read()
    mark = reading.id_hex if reading else None
    proven = known.by_credential(credential)
    release = proven or (known.by_watermark(mark) if mark else None)
    if release is None:
        return Verification(credential, mark, None)
    exact: bool | None = known.by_sha256(file_digest(path)) == release or (proven is not None and _hashed_whole(path))
    if not exact and credential.state is CredentialState.TRUSTED and _hashed_whole(path):
        exact = None  # every byte is as it was signed, by another signer than the release's
    return Verification(credential, mark, release, exact, known.withdrawals.of(release))


def _hashed_whole(path: Path) -> bool:
    """Whether a file is of a kind whose manifest lies beside it: its hash is over every byte."""
    with path.open("rb") as file:
        return sidecar_type_of(file.read(HEAD_BYTES)) is not None
