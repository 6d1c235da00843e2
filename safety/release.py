"""The release desk: marks a clip, signs the file that was screened, proves both, and only then writes the Release.

The order is a promise: no Release row exists for a file whose watermark does not decode or whose signature is not
Trusted under our own anchors. Judging what leaves is `safety.gate`; the whole path is `safety.pipeline`.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from media.blobs import BlobStore
from media.clip import Clip
from media.codec import decode, encode_mp4, probe
from media.fingerprint import MIN_QUALITY, fingerprint
from media.local_features import features_of
from media.redaction import Place, redacted
from media.stills import thumbnail_jpeg
from media.xmp import append_xmp
from provenance.base import (
    Claim,
    ClaimInput,
    CredentialSigner,
    CredentialState,
    Declaration,
    LedgerProof,
    Watermark,
)
from safety.domain import Decision, Release
from safety.errors import ReleaseError
from safety.gate import NAMESPACE, Clock, Gate
from safety.ledger import Ledger
from safety.merkle import leaf_hash
from safety.proofs import prove_entry

CRF = 18
"""x264 quality of what leaves: visually lossless at delivery sizes, and the watermark survives a second encode."""

FINGERPRINTS_PER_S = 8.0
"""A scan looks at 4 frames a second: each is at most a sixteenth of a second from one that is registered."""

MAX_CLIP_BYTES = 1_500_000_000
"""Decoded pixels that are marked in memory at once."""


@dataclass(frozen=True)
class Marked:
    """A labelled, watermarked, encoded clip in the blob store: what the output gate looks at."""

    sha256: str
    watermark: str
    psnr_db: float
    strength: float
    robust: bool
    fingerprint: list[str] = field(default_factory=list)
    """PDQ hashes of its textured frames, `FINGERPRINTS_PER_S` of them; empty in jobs held before there were so many."""

    features: tuple[str, ...] = ()
    """Local features of its key frames, packed and in Base64; empty in jobs held before there were any."""


@dataclass(frozen=True)
class Screened:
    """What the decode at the output gate found besides scores."""

    decision: str
    watermark: str
    """Hex of the id that decodes from the file; empty when none does."""

    fingerprint: list[str]
    """PDQ hashes of the sampled frames."""


@dataclass(frozen=True)
class ReleaseDesk:
    """Everything between a clip and a Release."""

    ledger: Ledger
    blobs: BlobStore
    watermark: Watermark
    signer: CredentialSigner
    label: Callable[[Clip], Clip]
    clock: Clock
    provider: str
    """Who takes responsibility: stands in the manifest as the latent disclosure's provider."""

    generator: str
    generator_version: str
    declared: Callable[[str], Declaration] = lambda _release: Declaration()
    """What the file of a release, by its id, declares in plain metadata."""

    def mark(self, clip: Clip, job: str) -> Marked:
        """Burn the visible label, embed the watermark, encode with what is declared, and store.

        Raises:
            MarkingError: the watermark does not decode at an acceptable quality.
            MediaError: the clip could not be encoded or stored.
        """
        labelled = self.label(clip)
        ours = not np.may_share_memory(labelled.frames, clip.frames)
        marked, mark = self.watermark.embed(labelled, self._free_id(release_id(job)), overwrite=ours)
        with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
            path = Path(folder) / "marked.mp4"
            declared = self.declared(release_id(job))
            encode_mp4(iter(marked.frames), path, fps=marked.fps, crf=CRF, tags=declared.tags)
            if declared.xmp:
                append_xmp(path, declared.xmp)
            digest = self.blobs.put(path)
        hashes, features = fingerprints_of(marked), packed_features_of(marked)
        return Marked(digest, mark.id_hex, mark.psnr_db, mark.strength, mark.robust, hashes, features)

    def screen(
        self, gate: Gate, marked: Marked, job: str, *, requester: str = "", supersedes: str | None = None
    ) -> Screened:
        """Decode the marked file again, judge it at the output gate, and read its mark and fingerprint.

        `requester`: whose consents to show people count. `supersedes`: id of the Decision about the same clip before it
        was redacted.

        Raises:
            MediaError, LedgerError: could not be judged; nothing is released.
        """
        self.blobs.verify(marked.sha256)
        detector = self.watermark.detector()
        hashes: list[str] = []

        def watch(clip: Clip) -> None:
            detector.add(clip.frames)
            hashes.extend(fingerprint(frame).hash_hex for frame in clip.frames)

        path = self.blobs.path(marked.sha256)
        decision = gate.screen_video(path, job=job, also=watch, supersedes=supersedes, requester=requester)
        reading = detector.read()
        return Screened(decision.id, reading.id_hex if reading else "", hashes)

    def redact(self, marked: Marked, places: Sequence[Place], job: str) -> Marked:
        """Make these places of a marked clip unrecognisable, mark it again, encode and store it.

        Raises:
            MarkingError: the watermark does not decode any more at an acceptable quality.
            MediaError: the clip could not be decoded, encoded or stored.
        """
        self.blobs.verify(marked.sha256)
        path = self.blobs.path(marked.sha256)  # of our own making: no isolation is needed
        fps = probe(path).fps
        timed = list(decode(path))
        frames, times_s = np.stack([frame for _, frame in timed]), np.array([time_s for time_s, _ in timed])
        return self.mark(redacted(Clip(frames, times_s, fps), places), job)

    def sign(
        self,
        marked: Marked,
        screened: Screened,
        before: Sequence[Decision],
        output: Decision,
        job: str,
        *,
        inputs: Sequence[ClaimInput] = (),
    ) -> Release:
        """Sign the screened file, re-read it as Trusted, store it and return the Release to register.

        `before`: the Decisions that allowed the prompt and what the job started from, prompt first.
        `inputs`: what the clip was made from; the manifests they carry are carried on.

        Raises:
            ReleaseError: the watermark does not decode from the screened file, or the Decision is about another file.
            SigningError: the signature or its verification failed; nothing was stored.
            StorageError: the signed file could not be stored.
        """
        if screened.watermark != marked.watermark:
            raise ReleaseError("the watermark cannot be read back from the encoded file; nothing is released")
        if output.subject != f"sha256:{marked.sha256}":
            raise ReleaseError(f"decision {output.id} is about another file than the marked one; nothing is released")
        self.blobs.verify(marked.sha256)
        id_, at = release_id(job), self.clock()
        claim = Claim(
            title=f"{id_}.mp4",
            release=id_,
            decision=output.id,
            policy=output.verdict.policy,
            generator=self.generator,
            generator_version=self.generator_version,
            created_at=at,
            provider=self.provider,
            watermark_alg=self.watermark.algorithm,
            watermark=marked.watermark,
            inputs=tuple(inputs),
            thumbnail=thumbnail_jpeg(self.blobs.path(marked.sha256)),
            proof=self._proof(output),
        )
        with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
            path = Path(folder) / "signed.mp4"
            credential = self.signer.sign(self.blobs.path(marked.sha256), path, claim)
            if credential.state is not CredentialState.TRUSTED:
                raise ReleaseError(f"the signed file reads {credential.state}, not trusted; nothing is released")
            size_bytes = path.stat().st_size
            digest = self.blobs.put(path)
        return Release(
            id=id_,
            at=at,
            job=job,
            decisions=(*(each.id for each in before), output.id),
            sha256=digest,
            size_bytes=size_bytes,
            watermark=marked.watermark,
            watermark_psnr_db=marked.psnr_db,
            watermark_robust=marked.robust,
            manifest=credential.label,
            signer=str(credential.detail.get("signer", "")),
            generator=self.generator,
            fingerprint=tuple(marked.fingerprint or screened.fingerprint),
            conditions=output.verdict.conditions,
            features=tuple(marked.features),
        )

    def register(self, release: Release) -> Release:
        """Write the Release: from here on it can be downloaded, found by its marks, and audited."""
        self.blobs.verify(release.sha256)
        return self.ledger.append_release(release)

    def _proof(self, decision: Decision) -> LedgerProof:
        self.ledger.checkpoint()
        proof = prove_entry(self.ledger, decision.id, self.ledger.public_key)
        return LedgerProof(proof.checkpoint, proof.position, leaf_hash(proof.body), proof.path)

    def _free_id(self, release: str) -> str:
        """A 48-bit id from the release's id; the next one where another release holds it already."""
        attempt = 0
        while True:
            id_hex = hashlib.sha256(f"{release}/{attempt}".encode()).hexdigest()[:12]
            holder = self.ledger.release_by_watermark(id_hex)
            if holder is None or holder.id == release:
                return id_hex
            attempt += 1


def fingerprints_of(clip: Clip) -> list[str]:
    """Return the PDQ hashes under which a clip is found again: of textured frames, each different one once."""
    frames = clip.frames[:: max(1, round(clip.fps / FINGERPRINTS_PER_S))]
    textured = (one.hash_hex for one in map(fingerprint, frames) if one.quality >= MIN_QUALITY)
    return list(dict.fromkeys(textured))


def packed_features_of(clip: Clip) -> tuple[str, ...]:
    """Return the local features under which a part of a clip is found again: of its key frames, packed, in Base64."""
    return tuple(base64.b64encode(each.pack()).decode() for each in features_of(clip))


def release_id(job: str) -> str:
    """The id of a job's only release."""
    return f"rel_{uuid.uuid5(NAMESPACE, f'{job}/release').hex}"
