"""What a file says about itself: evidence from its credential and its container's tags. Pure; looks at no pixel."""

from __future__ import annotations

from media.clip import Coverage, VideoInfo
from provenance.base import Credential, CredentialState
from safety.domain import Origin, OriginEvidence, Strength, Unmeasured
from safety.known import ReleaseIndex
from safety.origin import CAPTURED_SOURCE_TYPES, SYNTHETIC_SOURCE_TYPES

Links = tuple[list[OriginEvidence], list[Unmeasured]]
"""Evidence that was found, and what could not be looked at."""

DECLARING_TAGS = frozenset({"aigc"})
"""Container tags that exist only to declare synthesis (GB 45438-2025 asks for the field `AIGC`)."""

WRITER_TAGS = frozenset({"encoder", "handler_name", "software"})
"""Container tags that name the software that wrote the file last."""


def credential_link(credential: Credential | str, known: ReleaseIndex) -> Links:
    """Return what a credential proves or declares; a text is the reason why it could not be read."""
    if isinstance(credential, str):
        return [], [
            Unmeasured(f"origin.{each}", credential) for each in (Origin.SYNTHETIC, Origin.CAPTURED, Origin.OURS)
        ]
    if credential.state is CredentialState.ABSENT:
        return [], []
    trusted = credential.state is CredentialState.TRUSTED
    release = known.by_credential(credential)
    origin, strength, words = _statement(credential, release, trusted=trusted)
    detail: dict[str, object] = {
        "state": credential.state.value,
        "issuer": credential.issuer,
        "manifest": credential.label,
        "source_types": list(credential.source_types),
        "failures": list(credential.failures),
        "release": release,
    }
    return [OriginEvidence("credential", origin, strength, words, detail)], []


def _statement(credential: Credential, release: str | None, *, trusted: bool) -> tuple[Origin, Strength, str]:
    if credential.state is CredentialState.INVALID:
        words = "It carries a credential that does not validate: the file or the credential was changed."
        return Origin.UNKNOWN, Strength.HINT, words
    if release is not None:
        return Origin.OURS, Strength.PROOF, f"It carries our valid credential of release {release}."
    issuer = credential.issuer if trusted else f"an issuer we do not know ({credential.issuer or 'unnamed'})"
    if SYNTHETIC_SOURCE_TYPES & set(credential.source_types):
        words = f"A valid credential by {issuer} declares that it is synthetic."
        return Origin.SYNTHETIC, Strength.DECLARATION, words
    if trusted and CAPTURED_SOURCE_TYPES & set(credential.active_source_types):
        words = f"A trusted credential by {issuer} says that a camera recorded it."
        return Origin.CAPTURED, Strength.PROOF, words
    words = f"It carries a valid credential by {issuer} that does not say how it was made."
    return Origin.UNKNOWN, Strength.HINT, words


def metadata_link(info: VideoInfo) -> Links:
    """Return declarations in container tags; the name of an encoder is a hint and nothing more."""
    found: list[OriginEvidence] = []
    for key, value in info.tags.items():
        shown: dict[str, object] = {key: value[:200]}
        if any(kind in value for kind in SYNTHETIC_SOURCE_TYPES) or key in DECLARING_TAGS:
            words = f"The container's tag {key!r} declares that it is synthetic. Anyone can write or remove it."
            found.append(OriginEvidence("metadata", Origin.SYNTHETIC, Strength.DECLARATION, words, shown))
        elif key in WRITER_TAGS and value:
            words = f"The container's tag {key!r} names the software that wrote it last."
            found.append(OriginEvidence("metadata", Origin.UNKNOWN, Strength.HINT, words, shown))
    return found, []


HOLE_FRAMES = 8
"""Frames' worth of time without a frame, at the container's own rate, that is a hole and no rhythm of the video."""

LEAST_HOLE_S = 1.0
MISSING_SHARE = 0.1
"""Share of the declared length that may be missing: containers round, and sound may run on."""


def unseen_link(info: VideoInfo, coverage: Coverage) -> Links:
    """Return what of a video was not seen although its decoder reported no error: damaged middles are skipped by some
    containers, and what stands there is not cleared by the rest."""
    reasons = []
    if coverage.longest_gap_s > max(LEAST_HOLE_S, HOLE_FRAMES / info.fps):
        reasons.append(f"for {coverage.longest_gap_s:.1f} s of it no frame could be decoded")
    if info.duration_s and coverage.duration_s < (1 - MISSING_SHARE) * info.duration_s - LEAST_HOLE_S:
        reasons.append(f"it declares {info.duration_s:.1f} s and only {coverage.duration_s:.1f} s could be decoded")
    why = " and ".join(reasons)
    return [], [Unmeasured(signal, why) for signal in ("video.synthetic", "origin.likely_synthetic") if why]
