"""What a release declares in plain metadata: written, covered by the signature, and read back by our own scan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from media.clip import Clip
from media.codec import decode, encode_mp4, probe
from media.errors import StorageError
from media.limits import DEFAULT_LIMITS
from media.xmp import append_xmp, read_xmp
from provenance.base import Claim, CredentialState, Declaration
from provenance.certificates import DevelopmentPki
from provenance.credentials import C2paReader
from provenance.declaring import declaration
from provenance.label_style import Field, LabelStyle
from provenance.signers import FileSigner
from safety.declared import declared
from safety.domain import Origin, Strength

EVERYTHING = LabelStyle(declare=frozenset(Field))
HOSTILE = 'a "provider" <&> ünïcode'


def made(style: LabelStyle = EVERYTHING) -> Declaration:
    return declaration(style, provider=HOSTILE, generator="embedded <&>", version='1"0', release="rel_1")


@pytest.fixture
def written(make_clip, tmp_path: Path) -> tuple[Clip, Path]:
    clip, path = make_clip(64, 96, 12, 5), tmp_path / "declared.mp4"
    encode_mp4(iter(clip.frames), path, fps=12.0, tags=made().tags)
    append_xmp(path, made().xmp)
    return clip, path


def test_nothing_is_declared_unless_it_is_asked_for() -> None:
    assert made(LabelStyle()) == Declaration()
    assert made(LabelStyle(declare=frozenset({Field.IPTC}))).tags == {}
    assert made(LabelStyle(declare=frozenset({Field.AIGC}))).xmp == b""


def test_the_field_of_the_standard_has_all_of_its_parts() -> None:
    field = json.loads(made().tags["AIGC"])

    assert list(field) == [
        *("Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2")
    ]
    assert (field["Label"], field["ContentProducer"], field["ProduceID"]) == ("1", HOSTILE, "rel_1")
    registered = LabelStyle(declare=frozenset(Field), aigc_producer="91110000")
    assert json.loads(made(registered).tags["AIGC"])["ContentProducer"] == "91110000"


def test_our_own_scan_reads_both_as_declarations(written: tuple[Clip, Path]) -> None:
    clip, path = written
    info = probe(path, DEFAULT_LIMITS)
    xmp = read_xmp(path)
    found = declared({**info.tags, **xmp})

    assert xmp["xmp:digitalsourcetype"].endswith("/trainedAlgorithmicMedia")
    assert json.loads(info.tags["aigc"])["ContentProducer"] == HOSTILE
    assert [(each.points_to, each.strength) for each in found if each.strength is Strength.DECLARATION] == [
        (Origin.SYNTHETIC, Strength.DECLARATION)
    ] * 2
    assert len(list(decode(path, DEFAULT_LIMITS))) == len(clip.frames)


def test_the_signature_covers_what_is_declared(
    written: tuple[Clip, Path], pki: DevelopmentPki, anchors: str, claim: Claim, tmp_path: Path
) -> None:
    out = tmp_path / "signed.mp4"
    credential = FileSigner(pki.chain_pem, pki.key_pem, anchors).sign(written[1], out, claim)
    data = out.read_bytes()
    assert credential.state is CredentialState.TRUSTED
    assert read_xmp(out) == read_xmp(written[1])
    assert probe(out, DEFAULT_LIMITS).tags["aigc"] == made().tags["AIGC"]

    for old, new in ((b'trainedAlgorithmicMedia"', b'digitalCapture"        "'), (b'"Label": "1"', b'"Label": "0"')):
        assert data.count(old) >= 1
        out.write_bytes(data.replace(old, new[: len(old)]))
        assert C2paReader(anchors).read(out).state is CredentialState.INVALID


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        append_xmp(tmp_path / "no folder" / "x.mp4", b"x")
