"""The store taken out of a file is the one that was signed."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from c2pa import Context, Reader

from provenance.base import Claim, ClaimInput, CredentialUnreadable, InputRelation
from provenance.certificates import DevelopmentPki
from provenance.credentials import trust_settings
from provenance.manifest_store import active_manifest, manifest_store
from provenance.signers import FileSigner


@pytest.fixture
def signed(pki: DevelopmentPki, anchors: str, video: Path, tmp_path: Path, claim: Claim) -> Path:
    """A release that was made from another one: two manifests."""
    signer = FileSigner(pki.chain_pem, pki.key_pem, anchors)
    signer.sign(video, tmp_path / "first.mp4", claim)
    parent = ClaimInput(tmp_path / "first.mp4", InputRelation.PARENT, "first")
    signer.sign(video, tmp_path / "second.mp4", replace(claim, inputs=(parent,)))
    return tmp_path / "second.mp4"


def read(data: bytes, store: bytes, anchors: str) -> dict:
    context = Context.from_dict(trust_settings(anchors))
    with Reader("video/mp4", io.BytesIO(data), manifest_data=store, context=context) as reader:
        return json.loads(reader.json())


def test_the_store_validates_the_file_it_came_from(signed: Path, anchors: str) -> None:
    store = manifest_store(signed)
    report = read(signed.read_bytes(), store, anchors)

    assert store in signed.read_bytes()
    assert report["validation_state"] == "Trusted"
    assert len(report["manifests"]) == 2


def test_the_active_manifest_alone_is_the_last_of_the_store(signed: Path, anchors: str) -> None:
    store = manifest_store(signed)
    alone = active_manifest(store)
    whole = read(signed.read_bytes(), store, anchors)

    assert len(alone) < len(store)
    assert whole["active_manifest"].encode() in alone
    others = set(whole["manifests"]) - {whole["active_manifest"]}
    assert active_manifest(alone) == alone
    assert all(alone.count(label.encode()) < store.count(label.encode()) for label in others)


def test_a_file_without_a_store_says_so(video: Path, tmp_path: Path) -> None:
    (tmp_path / "rubbish.mp4").write_bytes(b"\x00\x00\x00\x04ftyp" + bytes(100))
    for path in (video, tmp_path / "rubbish.mp4", tmp_path / "missing.mp4"):
        with pytest.raises(CredentialUnreadable):
            manifest_store(path)


@pytest.mark.parametrize("store", [b"", b"\x00\x00\x00\x08jumb", b"\x00\x00\x00\x10jumb\x00\x00\x00\xffjumd"])
def test_what_is_no_store_is_refused(store: bytes) -> None:
    with pytest.raises(CredentialUnreadable):
        active_manifest(store)
