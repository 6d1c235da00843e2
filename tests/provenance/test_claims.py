"""What is vouched for beyond the file itself: inputs, thumbnails, ledger proofs, and keys of every allowed kind."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from c2pa import Context, Reader
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from media.clip import Clip
from media.codec import encode_mp4
from provenance import signers
from provenance.base import (
    Claim,
    ClaimInput,
    CredentialState,
    InputRelation,
    LedgerProof,
    MiningChoice,
    SigningError,
)
from provenance.certificates import DevelopmentPki, certificate_pem, issue, private_key_pem
from provenance.chain import CLAIM_SIGNING, Algorithm, SigningKey, algorithm_of
from provenance.credentials import C2paReader, trust_settings
from provenance.ingredients import DEEPEST, MOST, ingredient_tree
from provenance.signers import FileSigner

PROOF = LedgerProof("framegate/ledger\n7\nAAAA\n\n— framegate/ledger x\n", 3, bytes(32), (bytes(32), b"\x01" * 32))


@pytest.fixture
def signer(pki: DevelopmentPki, anchors: str) -> FileSigner:
    return FileSigner(pki.chain_pem, pki.key_pem, anchors)


@pytest.fixture
def still(tmp_path: Path, make_clip: Callable[..., Clip]) -> Path:
    path = tmp_path / "still.png"
    cv2.imwrite(str(path), make_clip(64, 96, 1, 3).frames[0])
    return path


def stored(path: Path, anchors: str) -> dict:
    with path.open("rb") as file, Reader("video/mp4", file, context=Context.from_dict(trust_settings(anchors))) as it:
        return json.loads(it.json())


def active(report: dict) -> dict:
    return report["manifests"][report["active_manifest"]]


def actions(report: dict) -> list[dict]:
    return next(each for each in active(report)["assertions"] if each["label"] == "c2pa.actions.v2")["data"]["actions"]


def test_a_picture_that_was_animated_is_an_input_of_what_was_created(
    signer: FileSigner, video: Path, still: Path, tmp_path: Path, claim: Claim, anchors: str
) -> None:
    made = replace(claim, inputs=(ClaimInput(still, InputRelation.INPUT, "reference"),))
    credential = signer.sign(video, tmp_path / "out.mp4", made)
    report = stored(tmp_path / "out.mp4", anchors)

    assert credential.state is CredentialState.TRUSTED
    assert [each["action"] for each in actions(report)] == ["c2pa.created", "c2pa.watermarked.bound"]
    assert len(actions(report)[0]["parameters"]["ingredients"]) == 1
    assert credential.detail["ingredients"] == [
        {"title": "reference", "relation": "inputTo", "state": "absent", "source_types": [], "ingredients": []}
    ]


def test_an_extended_release_carries_its_parents_manifest_and_its_parents_input(
    signer: FileSigner, video: Path, still: Path, tmp_path: Path, claim: Claim, anchors: str
) -> None:
    first, second, third = (tmp_path / f"{name}.mp4" for name in ("first", "second", "third"))
    signer.sign(video, first, replace(claim, inputs=(ClaimInput(still, InputRelation.INPUT, "reference"),)))
    for before, after in ((first, second), (second, third)):
        made = replace(
            claim,
            inputs=(ClaimInput(before, InputRelation.PARENT, before.name),),
            digital_source_type="compositeWithTrainedAlgorithmicMedia",
        )
        credential = signer.sign(video, after, made)
    report = stored(third, anchors)

    assert credential.state is CredentialState.TRUSTED
    assert credential.detail["manifests"] == 3
    assert [each["action"] for each in actions(report)] == ["c2pa.opened", "c2pa.edited", "c2pa.watermarked.bound"]
    assert credential.active_source_types == ("compositeWithTrainedAlgorithmicMedia",)
    tree = credential.detail["ingredients"]
    assert [tree[0]["relation"], tree[0]["title"], tree[0]["state"]] == ["parentOf", "second.mp4", "trusted"]
    assert tree[0]["ingredients"][0]["title"] == "first.mp4"
    assert tree[0]["ingredients"][0]["ingredients"][0]["relation"] == "inputTo"


def test_a_tampered_parent_is_carried_and_named(signer: FileSigner, video: Path, tmp_path: Path, claim: Claim) -> None:
    parent = tmp_path / "parent.mp4"
    signer.sign(video, parent, claim)
    data = bytearray(parent.read_bytes())
    data[data.rindex(b"mdat") + 40] ^= 1
    parent.write_bytes(data)
    made = replace(claim, inputs=(ClaimInput(parent, InputRelation.PARENT, "parent"),))
    credential = signer.sign(video, tmp_path / "out.mp4", made)

    assert credential.detail["ingredients"][0]["state"] == "invalid"


def test_two_parents_and_inputs_that_cannot_be_named_are_refused(
    signer: FileSigner, video: Path, tmp_path: Path, claim: Claim
) -> None:
    parent = ClaimInput(video, InputRelation.PARENT, "p")
    (tmp_path / "notes.txt").write_text("not a picture")
    for inputs, words in (
        ((parent, parent), "one parent at most"),
        ((ClaimInput(tmp_path / "notes.txt", InputRelation.INPUT, "notes"),), "no credential can refer to"),
    ):
        with pytest.raises(SigningError, match=words):
            signer.sign(video, tmp_path / "out.mp4", replace(claim, inputs=inputs))
    assert not (tmp_path / "out.mp4").exists()


def test_the_thumbnail_and_the_ledger_proof_are_inside(
    signer: FileSigner, video: Path, tmp_path: Path, claim: Claim, anchors: str
) -> None:
    picture = cv2.imencode(".jpg", np.full((32, 48, 3), 90, np.uint8))[1].tobytes()
    credential = signer.sign(video, tmp_path / "out.mp4", replace(claim, thumbnail=picture, proof=PROOF))

    assert active(stored(tmp_path / "out.mp4", anchors))["thumbnail"]["format"] == "image/jpeg"
    assert credential.detail["ledger"] == {
        "checkpoint": PROOF.checkpoint,
        "position": 3,
        "leaf": base64.b64encode(bytes(32)).decode(),
        "path": [base64.b64encode(each).decode() for each in PROOF.path],
    }


def test_the_choice_about_mining_is_the_claims(
    signer: FileSigner, video: Path, tmp_path: Path, claim: Claim, anchors: str
) -> None:
    signer.sign(video, tmp_path / "out.mp4", replace(claim, mining=MiningChoice.ALLOWED))
    entries = next(
        each["data"]["entries"]
        for each in active(stored(tmp_path / "out.mp4", anchors))["assertions"]
        if each["label"] == "cawg.training-mining"
    )

    assert {each["use"] for each in entries.values()} == {"allowed"}


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP256R1()), Algorithm.ES256),
        (ec.generate_private_key(ec.SECP384R1()), Algorithm.ES384),
        (ed25519.Ed25519PrivateKey.generate(), Algorithm.ED25519),
    ],
    ids=lambda value: value.value if isinstance(value, Algorithm) else "",
)
def test_every_allowed_kind_of_key_signs(
    key: SigningKey, algorithm: Algorithm, video: Path, tmp_path: Path, claim: Claim
) -> None:
    root = issue("root", "test", authority=True)
    uses = (CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION)
    leaf = issue("leaf", "test", issuer=root, uses=uses, key=key)
    chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_text(certificate_pem(leaf[0]))
    secret.write_text(private_key_pem(key))
    signer = FileSigner(chain, secret, certificate_pem(root[0]))
    signer.self_test()

    assert algorithm_of(chain.read_text()) is algorithm
    assert signer.sign(video, tmp_path / "out.mp4", claim).state is CredentialState.TRUSTED


@pytest.mark.parametrize(("ending", "head"), [(".png", b"\x89PNG"), (".jpg", b"\xff\xd8"), (".webp", b"RIFF")])
def test_pictures_are_signed_too(
    ending: str, head: bytes, signer: FileSigner, tmp_path: Path, claim: Claim, make_clip: Callable[..., Clip]
) -> None:
    source = tmp_path / f"picture{ending}"
    cv2.imwrite(str(source), make_clip(64, 96, 1, 3).frames[0])
    credential = signer.sign(source, tmp_path / f"out{ending}", claim)

    assert credential.state is CredentialState.TRUSTED
    assert (tmp_path / f"out{ending}").read_bytes().startswith(head)


def test_a_large_file_is_hashed_in_pieces_and_a_changed_byte_is_found(
    signer: FileSigner, video: Path, tmp_path: Path, claim: Claim, anchors: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signers, "MERKLE_FROM_BYTES", 1024**2)
    large = tmp_path / "large.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (24, 256, 256, 3), dtype=np.uint8)
    encode_mp4(iter(noise), large, fps=12.0, crf=4, codec="h264-fast")
    out = tmp_path / "out.mp4"
    credential = signer.sign(large, out, claim)
    hashed = next(
        each["data"]
        for each in active(stored(out, anchors))["assertions"]
        if each["label"].startswith("c2pa.hash.bmff")
    )

    assert large.stat().st_size > 1024**2
    assert credential.state is CredentialState.TRUSTED
    assert hashed["merkle"]
    data = bytearray(out.read_bytes())
    data[-100] ^= 1
    out.write_bytes(data)
    assert C2paReader(anchors).read(out).state is CredentialState.INVALID


def test_a_large_file_in_two_pieces_of_media_is_signed_all_the_same(
    signer: FileSigner, video: Path, tmp_path: Path, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signers, "MERKLE_FROM_BYTES", 1)
    two = tmp_path / "two.mp4"
    more = np.random.default_rng(0).bytes(3 * 1024**2)
    two.write_bytes(video.read_bytes() + (len(more) + 8).to_bytes(4, "big") + b"mdat" + more)

    assert signer.sign(two, tmp_path / "out.mp4", claim).state is CredentialState.TRUSTED


def nested(depth: int, width: int) -> dict:
    manifests = {
        f"m{level}": {
            "ingredients": [
                {"title": "\x1b[31mred", "relationship": "parentOf", "active_manifest": f"m{level + 1}"}
                for _ in range(width)
            ]
        }
        for level in range(depth)
    }
    return {"active_manifest": "m0", "manifests": manifests}


def depth_of(tree: list[dict]) -> int:
    return 1 + max((depth_of(each["ingredients"]) for each in tree), default=0) if tree else 0


def count_of(tree: list[dict]) -> int:
    return sum(1 + count_of(each["ingredients"]) for each in tree)


def test_a_bomb_of_ingredients_is_cut_and_steers_no_terminal() -> None:
    deep, wide = ingredient_tree(nested(100, 1)), ingredient_tree(nested(6, 10))
    circle = nested(2, 1)
    circle["manifests"]["m1"]["ingredients"][0]["active_manifest"] = "m0"

    assert depth_of(deep) == DEEPEST
    assert count_of(wide) == MOST
    assert depth_of(ingredient_tree(circle)) == 2
    assert deep[0]["title"] == "[31mred"
