"""What is vouched for, and that it holds no more than the claim."""

from __future__ import annotations

import base64
import json
from dataclasses import fields, replace
from datetime import datetime

import pytest

from provenance.base import Claim, SigningError
from provenance.manifest import RELEASE_ASSERTION, manifest_for


def assertion(manifest: dict, label: str) -> dict:
    return next(entry for entry in manifest["assertions"] if entry["label"] == label)


def test_the_first_action_says_created_by_a_trained_algorithm(claim: Claim) -> None:
    actions = assertion(manifest_for(claim), "c2pa.actions.v2")["data"]["actions"]

    assert [action["action"] for action in actions] == ["c2pa.created", "c2pa.watermarked.bound"]
    assert actions[0]["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert actions[0]["softwareAgent"] == {"name": "embedded", "version": "1.0"}


def test_the_latent_disclosure_names_provider_system_version_time_and_id(claim: Claim) -> None:
    assert assertion(manifest_for(claim), RELEASE_ASSERTION)["data"] == {
        "release": "r-1",
        "decision": "d-1",
        "policy": "sha256:00ff",
        "provider": "Example Studio",
        "system": "embedded",
        "version": "1.0",
        "created": "2026-11-01T12:00:00Z",
        "unique_id": "urn:framegate:release:r-1",
    }


def test_every_assertion_is_one_we_vouch_for(claim: Claim) -> None:
    assert all(entry["created"] is True for entry in manifest_for(claim)["assertions"])


def test_mining_is_not_allowed(claim: Claim) -> None:
    entries = assertion(manifest_for(claim), "cawg.training-mining")["data"]["entries"]

    assert len(entries) == 4
    assert all(entry == {"use": "notAllowed"} for entry in entries.values())


def test_the_soft_binding_carries_the_watermark_id_as_base64(claim: Claim) -> None:
    data = assertion(manifest_for(claim), "c2pa.soft-binding")["data"]

    assert data["alg"] == "io.framegate.spread-spectrum.2"
    assert base64.b64decode(data["blocks"][0]["value"]).hex() == "123456789abc"


def test_without_a_watermark_none_is_claimed(claim: Claim) -> None:
    manifest = json.dumps(manifest_for(replace(claim, watermark="", watermark_alg="")))

    assert "watermarked" not in manifest
    assert "soft-binding" not in manifest


def test_no_field_of_the_claim_can_carry_a_prompt() -> None:
    """The prompt stays out because a Claim has no place for it; a new field must be thought about here."""
    assert {field.name for field in fields(Claim)} == {
        *("title", "release", "decision", "policy", "generator", "generator_version", "created_at", "provider"),
        *("watermark_alg", "watermark", "digital_source_type", "inputs", "thumbnail", "proof", "mining"),
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"digital_source_type": "digitalCapture"}, "not a digital source type we vouch for"),
        ({"watermark": "xyz"}, "not hex"),
        ({"created_at": datetime(2026, 1, 1)}, "no time zone"),
    ],
)
def test_a_claim_that_is_not_ours_to_make_is_refused(claim: Claim, change: dict, words: str) -> None:
    with pytest.raises(SigningError, match=words):
        manifest_for(replace(claim, **change))
