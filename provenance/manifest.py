"""Writes what we vouch for as a C2PA manifest definition: a pure function of the Claim.

Never holds the prompt: only ids that our own ledger resolves. Does not sign, does not touch files.
"""

from __future__ import annotations

import base64
from datetime import UTC
from typing import Any

from provenance.base import Claim, ClaimInput, InputRelation, LedgerProof, SigningError

RELEASE_ASSERTION = "io.framegate.release"
"""Label of our own assertion: the latent disclosure (provider, system, version, time, unique id)."""

SYSTEM = "framegate"

THUMBNAIL = "thumbnail.jpg"
"""Name of the thumbnail among the manifest's resources."""

SOURCE_TYPE_ROOT = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""IPTC NewsCodes, digital source type."""

SOURCE_TYPES = frozenset(
    {
        "trainedAlgorithmicMedia",
        "compositeWithTrainedAlgorithmicMedia",
        "algorithmicMedia",
        "algorithmicallyEnhanced",
        "compositeSynthetic",
    }
)
"""The types that a generator or an editing model may claim; a camera's types are not ours to vouch for."""

MINING_USES = ("cawg.ai_inference", "cawg.ai_generative_training", "cawg.ai_training", "cawg.data_mining")
"""Entries of `cawg.training-mining`, CAWG Training and Data Mining Assertion 1.1."""


def manifest_for(claim: Claim) -> dict[str, Any]:
    """Return the manifest definition for a c2pa Builder: JSON values only.

    Raises:
        SigningError: the claim names a source type that is not ours to vouch for, a watermark that is not hex, a time
            without a zone, or two parents.
    """
    if claim.digital_source_type not in SOURCE_TYPES:
        raise SigningError(
            f"{claim.digital_source_type!r} is not a digital source type we vouch for; choose one of "
            f"{', '.join(sorted(SOURCE_TYPES))}"
        )
    if claim.created_at.tzinfo is None:
        raise SigningError("the claim's created_at has no time zone")
    if sum(each.relation is InputRelation.PARENT for each in claim.inputs) > 1:
        raise SigningError("a claim has one parent at most: what else was used is an input")
    created = claim.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    actions = _making(claim, created)
    assertions: list[dict[str, Any]] = []
    if claim.watermark:
        actions.append({"action": "c2pa.watermarked.bound", "when": created, "softwareAgent": {"name": SYSTEM}})
        assertions.append(_soft_binding(claim))
    assertions.insert(
        0, {"label": "c2pa.actions.v2", "data": {"actions": actions, "allActionsIncluded": True}, "created": True}
    )
    entries = {use: {"use": claim.mining.value} for use in MINING_USES}
    assertions.append({"label": "cawg.training-mining", "data": {"entries": entries}, "created": True})
    assertions.append({"label": RELEASE_ASSERTION, "data": _release(claim, created), "created": True})
    manifest: dict[str, Any] = {
        "title": claim.title,
        "claim_generator_info": [{"name": SYSTEM}],
        "assertions": assertions,
    }
    if claim.thumbnail:
        manifest["thumbnail"] = {"format": "image/jpeg", "identifier": THUMBNAIL}
    return manifest


def ingredient_for(claim_input: ClaimInput, number: int) -> dict[str, str]:
    """Return the definition of the `number`-th input as an ingredient, from 0."""
    return {"title": claim_input.title, "relationship": claim_input.relation.value, "label": _label(number)}


def _making(claim: Claim, created: str) -> list[dict[str, Any]]:
    agent = {"name": claim.generator, "version": claim.generator_version}
    source_type = SOURCE_TYPE_ROOT + claim.digital_source_type
    labels = {
        relation: [_label(number) for number, each in enumerate(claim.inputs) if each.relation is relation]
        for relation in InputRelation
    }
    made: dict[str, Any] = {"when": created, "digitalSourceType": source_type, "softwareAgent": agent}
    if labels[InputRelation.INPUT]:
        made["parameters"] = {"ingredientIds": labels[InputRelation.INPUT]}
    if not labels[InputRelation.PARENT]:
        return [{"action": "c2pa.created", **made}]
    opened = {"action": "c2pa.opened", "when": created, "parameters": {"ingredientIds": labels[InputRelation.PARENT]}}
    return [opened, {"action": "c2pa.edited", **made}]


def _label(number: int) -> str:
    return f"input-{number}"


def _soft_binding(claim: Claim) -> dict[str, Any]:
    try:
        value = bytes.fromhex(claim.watermark)
    except ValueError as error:
        raise SigningError(f"the claim's watermark {claim.watermark!r} is not hex") from error
    blocks = [{"scope": {}, "value": base64.b64encode(value).decode("ascii")}]
    return {"label": "c2pa.soft-binding", "data": {"alg": claim.watermark_alg, "blocks": blocks}, "created": True}


def _release(claim: Claim, created: str) -> dict[str, Any]:
    return {
        "release": claim.release,
        "decision": claim.decision,
        "policy": claim.policy,
        "provider": claim.provider,
        "system": claim.generator,
        "version": claim.generator_version,
        "created": created,
        "unique_id": f"urn:framegate:release:{claim.release}",
        **({} if claim.proof is None else {"ledger": _ledger(claim.proof)}),
    }


def _ledger(proof: LedgerProof) -> dict[str, Any]:
    return {
        "checkpoint": proof.checkpoint,
        "position": proof.position,
        "leaf": base64.b64encode(proof.leaf).decode("ascii"),
        "path": [base64.b64encode(each).decode("ascii") for each in proof.path],
    }
