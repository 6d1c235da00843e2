"""What reading comes to: every row of the tamper table that can be made here."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from media.codec import encode_mp4
from media.kinds import media_type_of
from provenance.base import Claim, Credential, CredentialState, CredentialUnreadable
from provenance.certificates import DevelopmentPki, create_development_pki
from provenance.chain import signer_id
from provenance.credentials import C2paReader
from provenance.signers import FileSigner
from provenance.timestamps import DevelopmentTimestampAuthority


@pytest.fixture(scope="module")
def signed(pki: DevelopmentPki, anchors: str, video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from datetime import UTC, datetime

    path = tmp_path_factory.mktemp("signed") / "signed.mp4"
    claim = Claim(
        *("release r-1", "r-1", "d-1", "sha256:00ff", "embedded", "1.0", datetime(2026, 11, 1, tzinfo=UTC), "Studio"),
        *("io.framegate.spread-spectrum.2", "123456789abc"),
    )
    with DevelopmentTimestampAuthority.from_files(pki.timestamp_chain_pem, pki.timestamp_key_pem) as authority:
        FileSigner(pki.chain_pem, pki.key_pem, anchors, timestamp_url=authority.url).sign(video, path, claim)
    return path


@pytest.fixture
def read(anchors: str) -> Callable[[Path], Credential]:
    return C2paReader(anchors).read


def boxes(data: bytes) -> dict[str, tuple[int, int]]:
    """Return start and end of the top-level boxes of an mp4, by type."""
    found, at = {}, 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        found[kind.decode("latin1")] = (at, at + size)
        at += size
    return found


def altered(signed: Path, folder: Path, change: Callable[[bytearray], bytes | bytearray]) -> Path:
    path = folder / "altered.mp4"
    path.write_bytes(change(bytearray(signed.read_bytes())))
    return path


def flip(kind: str) -> Callable[[bytearray], bytearray]:
    def change(data: bytearray) -> bytearray:
        start, end = boxes(bytes(data))[kind]
        data[(start + end) // 2] ^= 0x01
        return data

    return change


def test_an_untouched_file_reads_back_whole(signed: Path, read: Callable[[Path], Credential]) -> None:
    credential = read(signed)

    assert credential.state is CredentialState.TRUSTED
    assert credential.failures == ()
    assert credential.source_types == ("trainedAlgorithmicMedia",)
    assert credential.soft_bindings == (("io.framegate.spread-spectrum.2", "123456789abc"),)
    assert (credential.decision, credential.issuer, credential.claim_generator) == (
        "d-1",
        "framegate development",
        "framegate",
    )
    assert credential.label.startswith("urn:c2pa:")
    assert credential.signed_at is not None
    assert credential.signed_at.utcoffset() is not None


@pytest.mark.parametrize("kind", ["mdat", "moov"])
def test_one_flipped_bit_in_the_media_is_invalid(
    kind: str, signed: Path, tmp_path: Path, read: Callable[[Path], Credential]
) -> None:
    credential = read(altered(signed, tmp_path, flip(kind)))

    assert credential.state is CredentialState.INVALID
    assert "assertion.bmffHash.mismatch" in credential.failures


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data[: len(data) * 7 // 10], id="truncated"),
        pytest.param(lambda data: data + struct.pack(">I4s", 12, b"zzzz") + b"data", id="unknown box"),
    ],
)
def test_bytes_cut_or_added_are_invalid(
    change: Callable[[bytearray], bytes], signed: Path, tmp_path: Path, read: Callable[[Path], Credential]
) -> None:
    try:
        state = read(altered(signed, tmp_path, change)).state
    except CredentialUnreadable:
        state = CredentialState.INVALID

    assert state is CredentialState.INVALID


def test_a_free_box_may_carry_anything_and_still_reads_trusted(
    signed: Path, tmp_path: Path, read: Callable[[Path], Credential]
) -> None:
    """C2PA leaves `free`, `skip` and `ftyp` out of the hash: Trusted does not mean byte for byte."""
    extra = struct.pack(">I4s", 16, b"free") + b"whatever"

    assert read(altered(signed, tmp_path, lambda data: data + extra)).state is CredentialState.TRUSTED


def test_a_damaged_claim_never_reads_as_trusted_with_other_content(
    signed: Path, tmp_path: Path, read: Callable[[Path], Credential]
) -> None:
    """Wherever a byte of the manifest is changed, what reads as trusted says what was signed."""
    whole = read(signed)
    start, end = next(span for kind, span in boxes(signed.read_bytes()).items() if kind == "uuid")
    states = []
    for place in np.random.default_rng(0).integers(start, end, 60):
        path = altered(
            signed, tmp_path, lambda data, place=place: data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]
        )
        try:
            credential = read(path)
        except CredentialUnreadable:
            states.append("unreadable")
            continue
        states.append(credential.state)
        if credential.state is CredentialState.TRUSTED:
            assert (credential.decision, credential.soft_bindings, credential.source_types) == (
                whole.decision,
                whole.soft_bindings,
                whole.source_types,
            )
    assert CredentialState.INVALID in states or "unreadable" in states


def test_a_manifest_moved_to_another_video_is_invalid(
    signed: Path, tmp_path: Path, read: Callable[[Path], Credential]
) -> None:
    other = tmp_path / "other.mp4"
    encode_mp4(np.random.default_rng(1).integers(0, 255, (12, 64, 96, 3), dtype=np.uint8), other, fps=12.0)
    data, foreign = signed.read_bytes(), other.read_bytes()
    start, end = boxes(data)["uuid"]
    after_ftyp = boxes(foreign)["ftyp"][1]
    moved = tmp_path / "moved.mp4"
    moved.write_bytes(foreign[:after_ftyp] + data[start:end] + foreign[after_ftyp:])

    credential = read(moved)
    assert credential.state is CredentialState.INVALID
    assert "assertion.bmffHash.mismatch" in credential.failures


def test_a_plain_remux_strips_the_credential(signed: Path, tmp_path: Path, read: Callable[[Path], Credential]) -> None:
    """Absence proves nothing: this is why the watermark exists."""
    stripped = tmp_path / "stripped.mp4"
    with av.open(str(signed)) as source, av.open(str(stripped), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)

    assert read(stripped).state is CredentialState.ABSENT


def test_a_reader_with_other_anchors_does_not_know_the_issuer(signed: Path, tmp_path: Path) -> None:
    stranger = create_development_pki(tmp_path / "stranger", "Mallory")
    credential = C2paReader(stranger.root_pem.read_text()).read(signed)

    assert credential.state is CredentialState.UNKNOWN_ISSUER
    assert "signingCredential.untrusted" in credential.failures


def test_an_untrusted_time_stamp_gives_no_time(signed: Path, tmp_path: Path) -> None:
    stranger = create_development_pki(tmp_path / "stranger", "Mallory")

    assert C2paReader(stranger.root_pem.read_text()).read(signed).signed_at is None


def test_a_trusted_chain_outside_the_allow_list_is_an_unknown_issuer(
    signed: Path, anchors: str, pki: DevelopmentPki
) -> None:
    listed = frozenset({signer_id(pki.chain_pem.read_text())})

    assert C2paReader(anchors, listed).read(signed).state is CredentialState.TRUSTED
    refused = C2paReader(anchors, frozenset({"1:somebody"})).read(signed)
    assert refused.state is CredentialState.UNKNOWN_ISSUER
    assert "signer.notAllowed" in refused.failures


def test_a_plain_video_has_no_credential(video: Path, read: Callable[[Path], Credential]) -> None:
    assert read(video).state is CredentialState.ABSENT


def test_other_kinds_of_file_are_absent_with_a_note(tmp_path: Path, read: Callable[[Path], Credential]) -> None:
    for name, head, note in (("film.webm", b"\x1aE\xdf\xa3", "beside it"), ("film.avi", b"RIFF", "cannot carry")):
        (tmp_path / name).write_bytes(head + b"\0" * 64)
        credential = read(tmp_path / name)

        assert credential.state is CredentialState.ABSENT
        assert note in str(credential.detail["note"])


@pytest.mark.parametrize("kind", [".png", ".jpg", ".webp"])
def test_pictures_are_signed_and_read_by_content_whatever_their_name(
    kind: str, pki: DevelopmentPki, anchors: str, claim: Claim, tmp_path: Path, read: Callable[[Path], Credential]
) -> None:
    _, encoded = cv2.imencode(kind, np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8))
    source = tmp_path / "picture.mp4"
    source.write_bytes(encoded.tobytes())
    FileSigner(pki.chain_pem, pki.key_pem, anchors).sign(source, tmp_path / "signed.bin", claim)

    assert read(tmp_path / "signed.bin").state is CredentialState.TRUSTED


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x18ftypqt  \0\0\0\0", "video/quicktime"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video/mp4"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", None),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"", None),
    ],
)
def test_the_kind_is_told_from_the_first_bytes(head: bytes, kind: str | None) -> None:
    assert media_type_of(head) == kind


def test_a_file_over_the_limit_is_refused_unread(signed: Path, anchors: str) -> None:
    with pytest.raises(CredentialUnreadable, match="the limit is 100"):
        C2paReader(anchors, max_bytes=100).read(signed)


def test_what_is_no_file_is_refused(tmp_path: Path, read: Callable[[Path], Credential]) -> None:
    with pytest.raises(CredentialUnreadable, match="cannot be read"):
        read(tmp_path / "none.mp4")
    with pytest.raises(CredentialUnreadable, match="not a regular file"):
        read(tmp_path)
