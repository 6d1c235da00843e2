"""What a file says about itself, by its credential and its tags, and what of it nobody saw. Looks at no pixel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from media.clip import Coverage, VideoInfo
from media.feature_index import FeatureMatch
from media.fingerprint_index import ClipMatch
from media.strip import Strip
from media.xmp import read_xmp
from provenance.base import Credential, CredentialState
from safety.credential_words import sentences
from safety.declared import declared
from safety.domain import Origin, OriginEvidence, Strength, Unmeasured
from safety.known import ReleaseIndex
from safety.measure import WITHDRAWN_ORIGIN
from safety.origin import CAPTURED_SOURCE_TYPES, SYNTHETIC_SOURCE_TYPES

MOST_RELEASES = 8
"""Releases that a report names for its frames alone; near copies of one clip would fill it."""

Links = tuple[list[OriginEvidence], list[Unmeasured]]
"""Evidence that was found, and what could not be looked at."""


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
        "trusted_by": list(credential.trusted_by),
        "manifest": credential.label,
        "source_types": list(credential.source_types),
        "failures": list(credential.failures),
        "ingredients": credential.detail.get("ingredients", []),
        "told": sentences(credential),
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


def note_withdrawal(link: Links, known: ReleaseIndex) -> Links:
    """Say of evidence that leads to one of our releases whether that was withdrawn."""
    evidence, missing = link
    return [_with_withdrawal(each, known) for each in evidence], missing


def _with_withdrawal(evidence: OriginEvidence, known: ReleaseIndex) -> OriginEvidence:
    release = evidence.detail.get("release")
    if not isinstance(release, str):
        return evidence
    standing = known.withdrawals.of(release)
    if standing is None:
        return replace(evidence, detail={**evidence.detail, "withdrawn": None})
    told = {"at": standing.at.isoformat(), "code": standing.code}
    words = f"{evidence.summary} It was withdrawn on {standing.at:%Y-%m-%d} ({standing.code})."
    return replace(evidence, summary=words, detail={**evidence.detail, "withdrawn": told})


def is_withdrawn(evidence: Iterable[OriginEvidence]) -> bool:
    """Say whether any evidence proves that it is, or shows, a release that was withdrawn."""
    return any(each.strength is Strength.PROOF and each.detail.get("withdrawn") for each in evidence)


def fingerprint_link(matches: Sequence[ClipMatch], known: ReleaseIndex) -> Links:
    """Return which of our releases the frames show: the best `MOST_RELEASES`, and every one that was withdrawn."""
    shown = [
        each
        for place, each in enumerate(matches)
        if place < MOST_RELEASES or known.withdrawals.of(each.key) is not None
    ]
    return [
        OriginEvidence(
            "fingerprint",
            Origin.OURS,
            Strength.PROOF,
            f"{each.share:.0%} of its frames match our release {each.key}.",
            {"release": each.key, "share": round(each.share, 3)},
        )
        for each in shown
    ], []


def features_link(matches: Sequence[FeatureMatch]) -> Links:
    """Return of which of our releases the frames show a part: zoomed, turned, cropped, written over or as a screen."""
    return [
        OriginEvidence(
            "local_features",
            Origin.OURS,
            Strength.PROOF,
            f"{each.share:.0%} of its frames show a part of our release {each.key}: {each.best.points} points agree.",
            {
                "release": each.key,
                "share": round(each.share, 3),
                "points": each.best.points,
                "coverage": round(each.best.coverage, 3),
                "zoom": round(each.best.zoom, 3),
                "turned_deg": round(each.best.turn_deg, 1),
                "mirrored": each.mirrored,
            },
        )
        for each in matches
    ], []


def parts_link(links: Sequence[Links], keys: Strip, known: ReleaseIndex) -> Links:
    """Look for parts of any release where nothing proves ours yet, and of withdrawn ones alone until one was found:
    what was pasted of a release that stands must not hide them. `links` know already what was withdrawn."""
    if any(is_withdrawn(evidence) for evidence, _ in links):
        return [], []
    return features_link(known.parts(keys, withdrawn_only=proves_ours(links)))


def proves_ours(links: Iterable[Links]) -> bool:
    """Say whether any evidence proves that it is, or shows, a release of ours."""
    return any(
        each.strength is Strength.PROOF and each.points_to is Origin.OURS for evidence, _ in links for each in evidence
    )


def withdrawal_link(links: Sequence[Links], unseen: Links) -> Links:
    """Return that nobody knows whether it shows a withdrawn release: none was found, and a link could not look, or
    part of the video was `unseen`."""
    if is_withdrawn(each for evidence, _ in links for each in evidence):
        return [], []
    blind = [gap for _, missing in links for gap in missing if gap.signal == f"origin.{Origin.OURS}"]
    return [], [Unmeasured(WITHDRAWN_ORIGIN, gap.reason) for gap in (*blind, *unseen[1])[:1]]


def metadata_link(info: VideoInfo, path: Path) -> Links:
    """Return what the tags and the XMP of a file declare."""
    try:
        return declared({**info.tags, **read_xmp(path)}), []
    except OSError as error:
        return declared(info.tags), [Unmeasured("metadata.xmp", f"it cannot be read: {error.strerror}")]


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
