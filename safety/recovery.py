"""Leads from a stripped file, or from a soft binding alone, back to a release and its stored manifest.

    watermark, fingerprint or local features ─▶ Release ─▶ the manifest store in the released file

Says how it was found and how sure that is. Records nothing and judges nothing: that is `safety.scan`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from media.blobs import BlobStore
from media.feature_index import FeatureMatch
from media.fingerprint import HASH_BITS, Fingerprint, fingerprint
from media.isolation import open_video
from media.limits import Limits
from media.local_features import unpack
from provenance.base import Watermark
from safety.domain import Release
from safety.errors import InvalidContent, NotFound
from safety.evidence import MOST_RELEASES
from safety.known import ReleaseIndex, key_frames
from safety.ledger import Ledger
from safety.lookup.withdrawals import Withdrawal
from safety.scan import SCAN_PLAN
from safety.withdrawals import released_file

FINGERPRINT_ALGORITHM = "io.framegate.pdq.1"
"""PDQ of a frame, 256 bits, first bit highest. Our own name, not one of the C2PA soft binding algorithm list."""

FEATURE_ALGORITHM = "io.framegate.local-features.1"
"""Points of a frame as `media.local_features` packs them. Our own name, too."""

WATERMARK_BYTES = 6
FRAME_EVERY_S = 0.2
"""Seconds between frames that are hashed: a short video is seen whole for its watermark, and hashed less often."""


@dataclass(frozen=True)
class Recovered:
    """A release that a binding leads to."""

    release: Release
    algorithm: str
    similarity: int
    """0 to 100: 100 for a watermark that decodes; of the others the share of frames or of bits that agree."""

    withdrawal: Withdrawal | None = None
    """It was withdrawn: its manifest, which holds a picture of it, is not served any more."""


@dataclass(frozen=True)
class Recovery:
    """Finds releases by their soft bindings."""

    ledger: Ledger
    known: ReleaseIndex
    watermark: Watermark
    blobs: BlobStore
    limits: Limits
    stored_manifest: Callable[[Path, bool], bytes]
    """Takes the manifest store out of a file; with True the active manifest alone."""

    def algorithms(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of the watermarks and of the fingerprints that are understood."""
        return (self.watermark.algorithm,), (FINGERPRINT_ALGORITHM, FEATURE_ALGORITHM)

    def by_binding(self, algorithm: str, value: bytes) -> list[Recovered]:
        """Return the releases that carry this binding, the most similar first.

        Raises:
            InvalidContent: an unknown algorithm, or a value of the wrong length or shape.
        """
        self._check(algorithm)
        if algorithm == FEATURE_ALGORITHM:
            try:
                return self._parts(self.known.showing([unpack(value)]))
            except ValueError as error:
                raise InvalidContent(f"that is no value of {algorithm}: {error}") from None
        wanted = WATERMARK_BYTES if algorithm == self.watermark.algorithm else HASH_BITS // 8
        if len(value) != wanted:
            raise InvalidContent(f"a value of {algorithm} has {wanted} bytes, not {len(value)}")
        if algorithm == self.watermark.algorithm:
            release = self.ledger.release_by_watermark(value.hex())
            return [] if release is None else [self._recovered(release, algorithm, 100)]
        near = self.known.near(value.hex())
        return self._found(FINGERPRINT_ALGORITHM, [(id_, 100 * (1 - far / HASH_BITS)) for id_, far in near])

    def by_content(self, path: Path, algorithm: str | None = None) -> list[Recovered]:
        """Return the releases that a file's pixels lead to: by the watermark, then by the fingerprint, and by local
        features where neither leads anywhere or they are asked for; where those lead to none that was withdrawn, parts
        of withdrawn ones are looked for.

        Of withdrawn releases, too; of one way at most the best `MOST_RELEASES`, those that are served first.

        Raises:
            MediaError: the file cannot be decoded within the limits.
            InvalidContent: an unknown algorithm.
        """
        if algorithm is not None:
            self._check(algorithm)
        detector, hashes, last_s = self.watermark.detector(), list[Fingerprint](), -FRAME_EVERY_S
        strip = key_frames()
        with open_video(path, limits=self.limits, plan=SCAN_PLAN) as video:
            for clip in video:
                detector.add(clip.frames)
                strip.watch(clip)
                for time_s, frame in zip(clip.times_s, clip.frames, strict=True):
                    if time_s >= last_s + FRAME_EVERY_S:
                        last_s = float(time_s)
                        hashes.append(fingerprint(frame, mirrored=True))
        found: list[Recovered] = []
        if algorithm in {None, self.watermark.algorithm} and (reading := detector.read()) is not None:
            found += self.by_binding(self.watermark.algorithm, bytes.fromhex(reading.id_hex))
        if algorithm in {None, FINGERPRINT_ALGORITHM}:
            shown = [(each.key, 100 * each.share) for each in self.known.matches(hashes)]
            found += self._first(self._found(FINGERPRINT_ALGORITHM, shown))
        searched = algorithm is None and all(each.withdrawal is None for each in found)
        if algorithm == FEATURE_ALGORITHM or searched:
            found += self._first(self._parts(self.known.parts(strip, withdrawn_only=bool(found))))
        return list({each.release.id: each for each in reversed(found)}.values())[::-1]

    def manifest(self, label: str, *, active_only: bool = False) -> bytes:
        """Return the manifest store (JUMBF) of the release with this active manifest.

        Raises:
            NotFound: no release has this manifest.
            Withdrawn: it is not served any more.
            Conflict: the released file was deleted.
            StorageError: the released file was changed.
            CredentialUnreadable: it holds no manifest store.
        """
        release = self.ledger.release_by_manifest(label)
        if release is None:
            raise NotFound(f"no release has the manifest {label}")
        path = released_file(self.known.withdrawals, self.blobs, release)
        return self.stored_manifest(path, active_only)

    def _check(self, algorithm: str) -> None:
        known = [name for kind in self.algorithms() for name in kind]
        if algorithm not in known:
            raise InvalidContent(f"the soft binding algorithm is unknown here; known are {', '.join(known)}")

    def _parts(self, matches: Sequence[FeatureMatch]) -> list[Recovered]:
        return self._found(FEATURE_ALGORITHM, [(each.key, 100 * each.share * each.best.coverage) for each in matches])

    def _first(self, found: Sequence[Recovered]) -> list[Recovered]:
        """Those that are served before those that were withdrawn: no best match hides a live one."""
        return sorted(found, key=lambda each: each.withdrawal is not None)[:MOST_RELEASES]

    def _found(self, algorithm: str, near: Sequence[tuple[str, float]]) -> list[Recovered]:
        releases = ((self.ledger.release(id_), similarity) for id_, similarity in near)
        return [self._recovered(release, algorithm, round(score)) for release, score in releases if release is not None]

    def _recovered(self, release: Release, algorithm: str, similarity: int) -> Recovered:
        return Recovered(release, algorithm, similarity, self.known.withdrawals.of(release.id))
