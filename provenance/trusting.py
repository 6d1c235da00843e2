"""Reads a credential under the house's own anchors and its trust packs, and says which of them vouch for the signer.

    own anchors ─▶ `own`        packs for signers ─▶ their names        packs for time stamps ─▶ the time only

A signer whose root is there for time stamps alone is of an unknown issuer. Asks no network, keeps no packs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from provenance.base import OWN_ANCHORS, Credential, CredentialState
from provenance.certificates import certificate_pem
from provenance.credentials import MAX_BYTES, AnchorList, C2paReader
from provenance.trust_pack import TrustPack, Use, fingerprint

NOT_FOR_SIGNERS = "signer.anchorForTimeStampsOnly"
"""Our own failure code, beside those of C2PA: the signer's root is believed about times and nothing else."""


class TrustingReader:
    """A CredentialReader over our own anchors and those of packs.

    Args:
        anchors_pem: the house's own roots, of signers and of time-stamp authorities.
        packs: what else is believed.
        allowed_signers: as for `C2paReader`; of every pack.
        max_bytes: larger files are refused unread.
        before_again: called before a file is read once more, which happens only to one that somebody vouches for.
    """

    def __init__(
        self,
        anchors_pem: str,
        packs: Sequence[TrustPack] = (),
        allowed_signers: frozenset[str] | None = None,
        *,
        max_bytes: int = MAX_BYTES,
        before_again: Callable[[], None] = lambda: None,
    ) -> None:
        self._own = anchors_pem
        self._packs = tuple(packs)
        self._allowed = allowed_signers
        self._max_bytes = max_bytes
        self._before_again = before_again
        self._everything = self._reader(anchors_pem, _joined(self._packs))

    def read(self, path: Path) -> Credential:
        """Return what the file carries, and in `trusted_by` who vouches for its signer; raises as `C2paReader`."""
        credential = self._everything.read(path)
        if credential.state is not CredentialState.TRUSTED:
            return credential
        if _in(AnchorList.FIRST, credential) or self._again(path, self._own, "").state is CredentialState.TRUSTED:
            return replace(credential, trusted_by=(OWN_ANCHORS,))
        vouching = tuple(
            each.name for each in self._packs if each.use is not Use.TIMESTAMPS and self._vouches(each, path)
        )
        if vouching:
            return replace(credential, trusted_by=vouching)
        failures = (*credential.failures, NOT_FOR_SIGNERS)
        return replace(credential, state=CredentialState.UNKNOWN_ISSUER, failures=failures)

    def _vouches(self, pack: TrustPack, path: Path) -> bool:
        """Say whether a pack's anchors vouch for the signer.

        Where they alone do not, those for time stamps stand beside them: a signature may outlive its certificate.
        """
        stamps = _joined([each for each in self._packs if each.use is not Use.SIGNERS], without=pack)
        return any(
            _in(AnchorList.SECOND, self._again(path, self._own + beside, pack.anchors_pem))
            for beside in dict.fromkeys(("", stamps))
        )

    def _again(self, path: Path, first: str, second: str) -> Credential:
        self._before_again()
        return self._reader(first, second).read(path)

    def _reader(self, first: str, second: str) -> C2paReader:
        # A signer whose root is in both lists is found in either, by chance.
        return C2paReader(first, self._allowed, more_anchors_pem=second, max_bytes=self._max_bytes)


def most_reads(packs: Sequence[TrustPack]) -> int:
    """Return how often `TrustingReader` reads a file at most: under everything, our own anchors, and each pack with and
    without the anchors for time stamps."""
    return 2 + 2 * sum(each.use is not Use.TIMESTAMPS for each in packs)


def _in(which: AnchorList, credential: Credential) -> bool:
    return credential.state is CredentialState.TRUSTED and credential.detail.get("anchor_list") == which


def _joined(packs: Sequence[TrustPack], *, without: TrustPack | None = None) -> str:
    """Return the anchors of packs as PEM, each once."""
    left_out = set() if without is None else {fingerprint(each) for each in without.certificates}
    found = {fingerprint(each): each for pack in packs for each in pack.certificates}
    return "".join(certificate_pem(each) for key, each in found.items() if key not in left_out)
