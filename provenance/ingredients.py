"""What a file was made from, according to its manifests: a bounded tree.

Pure, of a reader's report. Every word of a manifest is its signer's claim; the states beside it are the validation's.
Does not validate, does not read files; `safety.credential_words` tells it to people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provenance.base import CredentialState

DEEPEST = 8
"""Generations of ingredients that are followed; a manifest store can be made to nest without end."""

MOST = 64
"""Ingredients that are listed."""

LONGEST_TITLE = 120
"""Characters."""

Json = Mapping[str, Any]


def ingredient_tree(report: Json) -> list[dict[str, Any]]:
    """Return the active manifest's ingredients: title, relation, state, source types and their own `ingredients`."""
    manifests: dict[str, Json] = report.get("manifests") or {}
    left = [MOST]
    return _branch(manifests, str(report.get("active_manifest") or ""), left, frozenset())


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


def _plain(text: object) -> str:
    # A stranger's words go to terminals and pages: nothing that steers either.
    return "".join(char for char in str(text or "")[:LONGEST_TITLE] if char.isprintable())
