"""What a file was made from, according to its manifests: a bounded tree, and the whole credential in plain sentences.

Pure functions of a reader's report. Every word of a manifest is its signer's claim; the states beside it are the
validation's. Does not validate, does not read files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provenance.base import Credential, CredentialState

DEEPEST = 8
"""Generations of ingredients that are followed; a manifest store can be made to nest without end."""

MOST = 64
"""Ingredients that are listed."""

LONGEST_TITLE = 120
"""Characters."""

Json = Mapping[str, Any]

_RELATIONS = {"parentOf": "changed from", "inputTo": "made with", "componentOf": "put together with"}


def ingredient_tree(report: Json) -> list[dict[str, Any]]:
    """Return the active manifest's ingredients: title, relation, state, source types and their own `ingredients`."""
    manifests: dict[str, Json] = report.get("manifests") or {}
    left = [MOST]
    return _branch(manifests, str(report.get("active_manifest") or ""), left, frozenset())


def sentences(credential: Credential) -> list[str]:
    """Return what a credential says and how far it can be believed, for people, a sentence a line."""
    issuer = credential.issuer or "an unnamed issuer"
    words = {
        CredentialState.TRUSTED: f"Signed by {issuer}, which is trusted here.",
        CredentialState.UNKNOWN_ISSUER: f"Signed by {issuer}, which is not known here: anybody could have signed it.",
        CredentialState.INVALID: "Its credential does not hold: the file or the credential was changed.",
        CredentialState.ABSENT: "It carries no credential, which says nothing about where it comes from.",
    }
    found = [words[credential.state]]
    if credential.state in {CredentialState.ABSENT, CredentialState.INVALID}:
        return found
    if credential.signed_at is not None:
        found.append(f"A trusted authority stamped the signature on {credential.signed_at:%Y-%m-%d %H:%M:%S} UTC.")
    if credential.active_source_types:
        maker = credential.claim_generator or "its signer"
        found.append(f"According to {maker} it is {', '.join(credential.active_source_types)}.")
    tree = credential.detail.get("ingredients")
    found += list(_lines(tree, 0)) if isinstance(tree, list) else []
    return found


def _branch(manifests: Mapping[str, Json], label: str, left: list[int], above: frozenset[str]) -> list[dict[str, Any]]:
    manifest = manifests.get(label)
    if manifest is None or label in above or len(above) >= DEEPEST:
        return []
    found: list[dict[str, Any]] = []
    for ingredient in manifest.get("ingredients") or []:
        if left[0] == 0:
            break
        left[0] -= 1
        own = str(ingredient.get("active_manifest") or "")
        found.append(
            {
                "title": _plain(ingredient.get("title")),
                "relation": _plain(ingredient.get("relationship")),
                "state": _state(ingredient, own),
                "source_types": list(dict.fromkeys(_source_types(manifests.get(own, {})))),
                "ingredients": _branch(manifests, own, left, above | {label}),
            }
        )
    return found


def _state(ingredient: Json, own: str) -> str:
    if not own:
        return CredentialState.ABSENT.value
    results = (ingredient.get("validation_results") or {}).get("activeManifest") or {}
    failures = {str(each.get("code", "")) for each in results.get("failure") or []}
    if failures - {"signingCredential.untrusted", "timeStamp.untrusted"}:
        return CredentialState.INVALID.value
    trusted = "signingCredential.trusted" in {str(each.get("code", "")) for each in results.get("success") or []}
    return (CredentialState.TRUSTED if trusted and not failures else CredentialState.UNKNOWN_ISSUER).value


def _source_types(manifest: Json) -> Iterator[str]:
    for assertion in manifest.get("assertions") or []:
        data = assertion.get("data")
        if str(assertion.get("label", "")).startswith("c2pa.actions") and isinstance(data, dict):
            for action in data.get("actions") or []:
                if isinstance(action, dict) and action.get("digitalSourceType"):
                    yield _plain(str(action["digitalSourceType"]).rsplit("/", 1)[-1])


def _lines(tree: list[Any], depth: int) -> Iterator[str]:
    for each in tree:
        relation = _RELATIONS.get(each["relation"], each["relation"])
        kinds = f" ({', '.join(each['source_types'])})" if each["source_types"] else ""
        yield f"{'  ' * depth}It was {relation} {each['title'] or 'something unnamed'}{kinds}: {each['state']}."
        yield from _lines(each["ingredients"], depth + 1)


def _plain(text: object) -> str:
    # A stranger's words go to terminals and pages: nothing that steers either.
    return "".join(char for char in str(text or "")[:LONGEST_TITLE] if char.isprintable())
