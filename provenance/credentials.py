"""Reads the C2PA manifest of a file and says what its validation came to.

Trusts only the anchors it is given, never the library's own list, and asks no network. Reads in this process: for files
of a stranger use `provenance.isolated`, which calls this in a child with limits. Does not sign, does not repair.

"Valid" to the library includes self-signed, so only "Trusted" counts here.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import stat
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from c2pa import C2paError, Context, Reader  # type: ignore[import-untyped]

from media.kinds import HEAD_BYTES, media_type_of, sidecar_type_of
from provenance.base import Credential, CredentialState, CredentialUnreadable
from provenance.ingredients import ingredient_tree
from provenance.manifest import RELEASE_ASSERTION
from provenance.sidecar import read_sidecar

MAX_BYTES = 2 * 1024**3
"""Largest file read by default. Hashing 1 GB takes about 2 s and 550 MB of memory."""

TRUSTED_USES = "".join(
    f"{oid}\n"
    for oid in (
        "1.3.6.1.4.1.62558.2.1",  # c2pa-kp-claimSigning
        "1.3.6.1.5.5.7.3.36",  # documentSigning
        "1.3.6.1.5.5.7.3.4",  # emailProtection
        "1.3.6.1.5.5.7.3.8",  # timeStamping
        "1.3.6.1.5.5.7.3.9",  # OCSPSigning
    )
)
"""Always explicit: without it a leaf with the claimSigning use alone is refused."""

Json = Mapping[str, Any]


BACKING_STORE_MB = 16
"""Above this the library works on a file in the temporary folder; its default of 512 MB keeps the file in memory twice.
"""

MERKLE_PIECE_KB = 1024
"""Size of the pieces that large files are hashed in."""


class AnchorList(StrEnum):
    """In which of the two lists of anchors the root of a signer was found, in the library's words."""

    FIRST = "system_anchors"
    SECOND = "user_anchors"


def trust_settings(anchors_pem: str, *, more_anchors_pem: str = "", merkle: bool = False) -> dict[str, Any]:
    """Return c2pa settings that trust these anchors and nothing else, and keep the library off the network.

    `more_anchors_pem`: a second list, which the library tells from the first.
    `merkle`: sign with one hash for each piece of a file, which bounds memory.
    """
    core: dict[str, Any] = {"allowed_network_hosts": [], "backing_store_memory_threshold_in_mb": BACKING_STORE_MB}
    if merkle:
        core["merkle_tree_chunk_size_in_kb"] = MERKLE_PIECE_KB
    trust = {"trust_anchors": anchors_pem, "trust_config": TRUSTED_USES}
    return {
        "version": 1,
        "trust": {**trust, "user_anchors": more_anchors_pem} if more_anchors_pem else trust,
        "verify": {
            "verify_after_sign": True,
            "verify_trust": True,
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
        },
        "core": core,
        "builder": {"thumbnail": {"enabled": False}},
    }


class ProcessContext:
    """A c2pa Context made anew in each process: the library refuses one that was inherited through fork."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._made: tuple[int, Context] | None = None

    def get(self) -> Context:
        """Return this process's context."""
        made = self._made
        if made is None or made[0] != os.getpid():
            made = (os.getpid(), Context.from_dict(self._settings))
            self._made = made
        return made[1]


class C2paReader:
    """A CredentialReader over our own anchors.

    Args:
        anchors_pem: roots of signers and of time-stamp authorities.
        allowed_signers: `provenance.chain.signer_id` of the leaves that count as trusted; None for every leaf under
            the anchors.
        more_anchors_pem: further roots; `detail["anchor_list"]` says in which list the signer's was found.
        max_bytes: larger files are refused unread.
    """

    def __init__(
        self,
        anchors_pem: str,
        allowed_signers: frozenset[str] | None = None,
        *,
        more_anchors_pem: str = "",
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._context = ProcessContext(trust_settings(anchors_pem, more_anchors_pem=more_anchors_pem))
        self._allowed = allowed_signers
        self._max_bytes = max_bytes

    def read(self, path: Path) -> Credential:
        """Return what the file carries; ABSENT when it carries nothing, or is of a kind that cannot carry it.

        Raises:
            CredentialUnreadable: the file is missing, too large, or its manifest cannot be parsed.
        """
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise CredentialUnreadable(f"{path.name} is not a regular file")
            size = status.st_size
            if size > self._max_bytes:
                raise CredentialUnreadable(f"{path.name} has {size} bytes; the limit is {self._max_bytes}")
            with path.open("rb") as file:
                head, beside = file.read(HEAD_BYTES), None
                media_type = media_type_of(head)
                if media_type is None:
                    media_type = sidecar_type_of(head)
                    if media_type is None:
                        return _absent("this kind of file cannot carry an embedded credential")
                    if (beside := read_sidecar(path)) is None:
                        return _absent("this kind of file has its credential beside it, as .c2pa; there is none")
                file.seek(0)
                with Reader(media_type, file, manifest_data=beside, context=self._context.get()) as reader:
                    report = json.loads(reader.json())
        except C2paError.ManifestNotFound:
            return _absent("no manifest")
        except C2paError as error:
            if str(error).startswith(("Remote:", "RemoteManifest:")):  # the binding gives the first no class of its own
                return _absent("the file names a remote manifest, which is not fetched")
            raise CredentialUnreadable(f"{path.name} has a manifest that cannot be read: {_kind(error)}") from error
        except (OSError, ValueError) as error:
            raise CredentialUnreadable(f"{path.name} cannot be read: {error}") from error
        return credential_from(report, self._allowed)


def credential_from(report: Json, allowed_signers: frozenset[str] | None) -> Credential:
    """Return the Credential that a reader's report (its JSON) comes to.

    Raises:
        CredentialUnreadable: the report names no active manifest.
    """
    manifests: dict[str, Json] = report.get("manifests") or {}
    label = str(report.get("active_manifest") or "")
    active = manifests.get(label)
    if active is None:
        raise CredentialUnreadable("the manifest store names no active manifest")
    ordered = [active, *(manifest for name, manifest in manifests.items() if name != label)]
    results: Json = (report.get("validation_results") or {}).get("activeManifest") or {}
    failures = _codes(results, "failure") + tuple(
        code
        for delta in (report.get("validation_results") or {}).get("ingredientDeltas") or []
        for code in _codes(delta.get("validationDeltas") or {}, "failure")
    )
    signature: Json = active.get("signature_info") or {}
    signer = f"{signature.get('cert_serial_number', '')}:{signature.get('common_name', '')}"
    state = _state(str(report.get("validation_state") or ""))
    if state is CredentialState.TRUSTED and allowed_signers is not None and signer not in allowed_signers:
        state, failures = CredentialState.UNKNOWN_ISSUER, (*failures, "signer.notAllowed")
    stamped = "timeStamp.trusted" in _codes(results, "success")
    release = _assertion(active, RELEASE_ASSERTION)
    return Credential(
        state=state,
        label=label,
        issuer=str(signature.get("issuer") or ""),
        signed_at=_time(signature.get("time")) if stamped else None,
        source_types=tuple(dict.fromkeys(kind for manifest in ordered for kind in _source_types(manifest))),
        active_source_types=tuple(dict.fromkeys(_source_types(active))),
        claim_generator=_generator(active),
        soft_bindings=tuple(_soft_bindings(active)),
        decision=str(release.get("decision") or ""),
        failures=failures,
        detail={
            "validation_state": report.get("validation_state"),
            "signer": signer,
            "anchor_list": _anchor_list(results),
            "manifests": len(manifests),
            "release": {str(key): str(value) for key, value in release.items() if key != "ledger"},
            "ledger": release.get("ledger"),
            "ingredients": ingredient_tree(report),
            "informational": list(_codes(results, "informational")),
        },
    )


def _state(validation_state: str) -> CredentialState:
    return {"Trusted": CredentialState.TRUSTED, "Valid": CredentialState.UNKNOWN_ISSUER}.get(
        validation_state, CredentialState.INVALID
    )


def _anchor_list(results: Json) -> str:
    """The list that vouches for the active manifest's signer; the report's `trustListUri` may be an ingredient's."""
    for entry in results.get("success") or []:
        if entry.get("code") == "signingCredential.trusted":
            named = [each for each in AnchorList if f"[{each.value}]" in str(entry.get("explanation", ""))]
            return named[0].value if len(named) == 1 else ""
    return ""


def _absent(note: str) -> Credential:
    return Credential(state=CredentialState.ABSENT, detail={"note": note})


def _kind(error: C2paError) -> str:
    # Only the library's words up to the first detail: a hostile manifest must not write our log lines.
    return "".join(char for char in str(error)[:120] if char.isprintable())


def _codes(results: Json, kind: str) -> tuple[str, ...]:
    return tuple(str(entry.get("code", "")) for entry in results.get(kind) or [])


def _assertions(manifest: Json, label: str) -> Iterator[Json]:
    for assertion in manifest.get("assertions") or []:
        name, data = str(assertion.get("label", "")), assertion.get("data")
        # A second assertion of the same kind is labelled `…__1`.
        if (name == label or name.startswith(f"{label}__")) and isinstance(data, dict):
            yield data


def _assertion(manifest: Json, label: str) -> Json:
    return next(_assertions(manifest, label), {})


def _source_types(manifest: Json) -> Iterator[str]:
    for label in ("c2pa.actions.v2", "c2pa.actions"):
        for data in _assertions(manifest, label):
            for action in data.get("actions") or []:
                if isinstance(action, dict) and action.get("digitalSourceType"):
                    yield str(action["digitalSourceType"]).rsplit("/", 1)[-1]


def _soft_bindings(manifest: Json) -> Iterator[tuple[str, str]]:
    for data in _assertions(manifest, "c2pa.soft-binding"):
        for block in data.get("blocks") or []:
            try:
                value = base64.b64decode(str(block.get("value", "")), validate=True)
            except (binascii.Error, ValueError, AttributeError):
                continue  # a binding that is not base64 identifies nothing
            yield str(data.get("alg", "")), value.hex()


def _generator(manifest: Json) -> str:
    for info in manifest.get("claim_generator_info") or []:
        return " ".join(str(info[key]) for key in ("name", "version") if info.get(key))
    return str(manifest.get("claim_generator") or "")


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
