"""Finds our own releases again: by watermark id, manifest or fingerprint. An index over the ledger, rebuilt from it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from media.fingerprint import Fingerprint
from media.fingerprint_index import ClipMatch, FingerprintIndex, matches_of_clip
from provenance.base import OWN_ANCHORS, Credential, CredentialState
from safety.ledger import Ledger
from safety.lookup.withdrawals import WithdrawalReader


class ReleaseIndex:
    """Answers for one process; reads releases of other processes before each match."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.withdrawals = WithdrawalReader(ledger.engine)
        self._index = FingerprintIndex()
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

    def match(self, fingerprints: Sequence[Fingerprint]) -> ClipMatch | None:
        """Return the release whose frames these are best, by the clip matching rule of `media.fingerprint_index`."""
        return next(iter(self.matches(fingerprints)), None)

    def matches(self, fingerprints: Sequence[Fingerprint]) -> list[ClipMatch]:
        """Return every release whose frames are among these, by the same rule, the best first."""
        with self._lock:
            self._refresh()
            return matches_of_clip(self._index, fingerprints)

    def _refresh(self) -> None:
        for release, hashes in self._ledger.fingerprints(after=self._newest):
            self._index.add(release, hashes)
            self._newest = release
