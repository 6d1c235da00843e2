"""Finds our own releases again: by watermark id, manifest or fingerprint. An index over the ledger, rebuilt from it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from media.fingerprint import ClipMatch, Fingerprint, FingerprintIndex, match_clip
from safety.ledger import Ledger


class ReleaseIndex:
    """Answers for one process; reads releases of other processes before each match."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._index = FingerprintIndex()
        self._newest: str | None = None
        self._lock = threading.Lock()

    def by_watermark(self, id_hex: str) -> str | None:
        """Return the id of the release that carries this watermark id."""
        release = self._ledger.release_by_watermark(id_hex)
        return release.id if release else None

    def by_manifest(self, label: str) -> str | None:
        """Return the id of the release that was signed with this manifest."""
        release = self._ledger.release_by_manifest(label)
        return release.id if release else None

    def match(self, fingerprints: Sequence[Fingerprint]) -> ClipMatch | None:
        """Return the release whose frames these are, by the clip matching rule of `media.fingerprint`."""
        with self._lock:
            for release, hashes in self._ledger.fingerprints(after=self._newest):
                self._index.add(release, hashes)
                self._newest = release
            return match_clip(self._index, fingerprints)
