"""Finds our own releases again: by watermark id, manifest, fingerprint or local features.

An index over the ledger, rebuilt from it. What a finding is worth is `safety.evidence`.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Collection, Sequence

from media.feature_index import FeatureIndex, FeatureMatch
from media.fingerprint import Fingerprint
from media.fingerprint_index import ClipMatch, FingerprintIndex, matches_of_clip
from media.local_features import FrameFeatures, described, unpack
from media.strip import Strip
from provenance.base import OWN_ANCHORS, Credential, CredentialState
from safety.errors import LedgerError
from safety.ledger import Ledger
from safety.lookup.withdrawals import WithdrawalReader

LOG = logging.getLogger(__name__)

KEY_FRAMES = 12
"""Frames of an upload whose local features are looked up, evenly spread: about half a second of a core."""

KEY_SIDE = 256
"""Pixels of the short side at which they are kept until then."""


def key_frames() -> Strip:
    """Return what keeps the frames that `ReleaseIndex.parts` looks up, while a video streams by."""
    return Strip(most=KEY_FRAMES, short_side=KEY_SIDE)


class ReleaseIndex:
    """Answers for one process; reads releases of other processes before each match."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.withdrawals = WithdrawalReader(ledger.engine)
        self._index = FingerprintIndex()
        self._features = FeatureIndex(self._kept)
        self._newest: str | None = None
        self._lock = threading.Lock()

    def by_watermark(self, id_hex: str) -> str | None:
        """Return the id of the release that carries this watermark id."""
        release = self._ledger.release_by_watermark(id_hex)
        return release.id if release else None

    def by_sha256(self, digest: str) -> str | None:
        """Return the id of the release that is exactly this file."""
        release = self._ledger.release_by_sha256(digest)
        return release.id if release else None

    def by_credential(self, credential: Credential) -> str | None:
        """Return the id of the release that this credential proves.

        A label can be copied: the credential must be trusted by our own anchors, since whoever a trust pack believes
        gives out numbers and names of his own; be by the very signer of that release, and name one of its decisions.
        """
        if credential.state is not CredentialState.TRUSTED or OWN_ANCHORS not in credential.trusted_by:
            return None
        release = self._ledger.release_by_manifest(credential.label)
        if release is None:  # a copy or a still of one: our signer names it in our own assertion
            named = credential.detail.get("release")
            release = self._ledger.release(str(named.get("release", ""))) if isinstance(named, dict) else None
        if release is None or credential.decision not in release.decisions:
            return None
        return release.id if credential.detail.get("signer") == release.signer else None

    def near(self, hash_hex: str) -> list[tuple[str, int]]:
        """Return (release id, Hamming distance) of the releases that show a frame with about this hash, closest first.

        Raises:
            ValueError: not 64 hex digits.
        """
        with self._lock:
            self._refresh()
            return self._index.lookup(hash_hex)

    def state(self) -> str:
        """Say which release is the newest that was indexed, and which event about withdrawals. Changes when an answer
        may."""
        with self._lock:
            self._refresh()
            return f"{self._newest or ''} {self.withdrawals.newest()}"

    def matches(self, fingerprints: Sequence[Fingerprint]) -> list[ClipMatch]:
        """Return every release whose frames are among these, by the clip matching rule of `media.fingerprint_index`,
        the best first."""
        with self._lock:
            self._refresh()
            return matches_of_clip(self._index, fingerprints)

    def parts(self, strip: Strip, *, withdrawn_only: bool = False) -> list[FeatureMatch]:
        """Return every release of which the frames of a strip show a part, turned, zoomed or written over.

        The rule is that of `media.feature_index`; the best first. For what the other ways do not find: it costs more.
        With `withdrawn_only` of the withdrawn releases alone, which costs nothing where there are none.
        """
        withdrawn = self.withdrawals.releases()
        if withdrawn_only and not withdrawn:
            return []
        return self._showing(described(strip.frames()), withdrawn, alone=withdrawn_only)

    def showing(self, frames: Sequence[FrameFeatures]) -> list[FeatureMatch]:
        """Return the same for frames that are described already."""
        return self._showing(frames, self.withdrawals.releases())

    def _showing(
        self, frames: Sequence[FrameFeatures], withdrawn: Collection[str], *, alone: bool = False
    ) -> list[FeatureMatch]:
        with self._lock:
            self._refresh()
            candidates = self._features.candidates(frames, withdrawn, alone=alone)
        return self._features.compared(frames, candidates)

    def _refresh(self) -> None:
        for each in self._ledger.fingerprints(after=self._newest):
            try:
                features = _unpacked(each.release, each.features)
            except LedgerError as error:
                LOG.warning("%s; until then it is found by its other marks only", error)
                features = []
            self._index.add(each.release, each.fingerprint)
            self._features.add(each.release, features)
            self._newest = each.release

    def _kept(self, id_: str) -> list[FrameFeatures]:
        release = self._ledger.release(id_)
        return [] if release is None else _unpacked(id_, release.features)


def _unpacked(release: str, features: Sequence[str]) -> list[FrameFeatures]:
    try:
        return [unpack(base64.b64decode(each)) for each in features]
    except ValueError as error:
        raise LedgerError(
            f"the local features of release {release} cannot be read ({error}): a newer framegate wrote them, "
            "or the ledger was damaged; run `framegate ledger verify`"
        ) from None
