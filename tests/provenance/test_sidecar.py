"""webm and Matroska carry their manifest beside them: signed, read, tampered with, taken away."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import pytest

from media.kinds import media_type_of, sidecar_type_of
from provenance.base import Claim, CredentialState, CredentialUnreadable, SigningError
from provenance.certificates import DevelopmentPki
from provenance.credentials import C2paReader
from provenance.isolated import read_isolated
from provenance.sidecar import MAX_SIDECAR_BYTES, sidecar_of
from provenance.signers import FileSigner
from provenance.timestamps import DevelopmentTimestampAuthority

KINDS = {"webm": ("libvpx-vp9", "video/webm"), "matroska": ("libx264", "video/x-matroska")}


def write(path: Path, make_clip, kind: str = "webm") -> Path:
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(KINDS[kind][0], rate=12)
        clip = make_clip(64, 96, 12, 5)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for frame in clip.frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def signer(pki: DevelopmentPki, anchors: str) -> FileSigner:
    return FileSigner(pki.chain_pem, pki.key_pem, anchors)


@pytest.fixture
def signed(signer: FileSigner, make_clip, tmp_path: Path, claim: Claim) -> Path:
    signer.sign(write(tmp_path / "in.webm", make_clip), tmp_path / "out.webm", claim)
    return tmp_path / "out.webm"


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_file_stays_as_it_is_and_its_manifest_lies_beside_it(
    kind: str, pki: DevelopmentPki, make_clip, tmp_path: Path, claim: Claim, anchors: str
) -> None:
    source, out = write(tmp_path / f"in.{kind}", make_clip, kind), tmp_path / f"out.{kind}"
    head = source.read_bytes()[:64]
    with DevelopmentTimestampAuthority.from_files(pki.timestamp_chain_pem, pki.timestamp_key_pem) as authority:
        credential = FileSigner(pki.chain_pem, pki.key_pem, anchors, timestamp_url=authority.url).sign(
            source, out, claim
        )

    assert (media_type_of(head), sidecar_type_of(head)) == (None, KINDS[kind][1])
    assert credential.state is CredentialState.TRUSTED
    assert credential.signed_at is not None
    assert out.read_bytes() == source.read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == [f"in.{kind}", f"out.{kind}", f"out.{kind}.c2pa"]
    child = read_isolated(out, anchors)
    assert (child.state, child.decision) == (CredentialState.TRUSTED, claim.decision)
    assert child.soft_bindings == ((claim.watermark_alg, claim.watermark),)


def test_a_changed_bit_a_stranger_s_manifest_and_none_are_told_apart(
    signed: Path, signer: FileSigner, make_clip, tmp_path: Path, claim: Claim, anchors: str
) -> None:
    reader = C2paReader(anchors)
    other = tmp_path / "other.webm"
    other.write_bytes(signed.read_bytes()[:-1] + b"\x00")
    assert reader.read(other).state is CredentialState.ABSENT
    assert "beside it" in str(reader.read(other).detail["note"])

    shutil.copyfile(sidecar_of(signed), tmp_path / "other.c2pa")  # the shorter name is found as well
    transplanted = reader.read(other)
    assert transplanted.state is CredentialState.INVALID
    assert "assertion.dataHash.mismatch" in transplanted.failures

    store = bytearray(sidecar_of(signed).read_bytes())
    store[store.index(b"d-1")] ^= 1  # our assertion names another decision
    sidecar_of(signed).write_bytes(store)
    assert reader.read(signed).state is CredentialState.INVALID


@pytest.mark.parametrize("fault", ["nonsense", "link", "folder", "large"])
def test_a_sidecar_that_is_none_is_unreadable_and_never_absent(
    fault: str, signed: Path, tmp_path: Path, anchors: str
) -> None:
    beside = sidecar_of(signed)
    moved = beside.rename(tmp_path / "moved")
    if fault == "nonsense":
        beside.write_bytes(b"nonsense")
    elif fault == "link":
        beside.symlink_to(moved)
    elif fault == "folder":
        beside.mkdir()
    else:
        with beside.open("wb") as file:
            file.truncate(MAX_SIDECAR_BYTES + 1)

    with pytest.raises(CredentialUnreadable):
        C2paReader(anchors).read(signed)


def test_what_fails_leaves_neither_file(
    signer: FileSigner, make_clip, tmp_path: Path, claim: Claim, pki, anchors
) -> None:
    source = write(tmp_path / "in.webm", make_clip)
    nobody = FileSigner(pki.chain_pem, pki.key_pem, anchors, timestamp_url="http://127.0.0.1:9/")
    with pytest.raises(SigningError):
        nobody.sign(source, tmp_path / "out.webm", claim)
    (tmp_path / "notes.txt").write_text("no video")
    with pytest.raises(SigningError, match="use mp4 or webm"):
        signer.sign(tmp_path / "notes.txt", tmp_path / "out.webm", claim)

    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.webm", "notes.txt"]
