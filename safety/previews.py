"""Stills of a release, each with a credential of its own that names the release as its parent: no door lets out less.

A still has the pixels of the marked video, label included, and is found again by the fingerprint of its frame; it
carries no soft binding, because a watermark needs several frames. Kept in memory for a while, because signing may mean
asking a key service. Whether a release is served at all is `safety.withdrawals`.
"""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from media.limits import DEFAULT_LIMITS, Limits
from media.stills import spritesheet_jpeg, thumbnail_jpeg
from provenance.base import Claim, ClaimInput, CredentialSigner, InputRelation
from safety.domain import Release
from safety.errors import ReleaseError
from safety.gate import Clock
from safety.ledger import Ledger

KEPT = 64
"""Stills kept in memory: some 5 MB."""

MAKERS: dict[str, Callable[[Path, Limits], bytes]] = {"thumbnail": thumbnail_jpeg, "spritesheet": spritesheet_jpeg}
"""What a still shows, by its name."""


@dataclass(frozen=True)
class Previews:
    """Makes and signs stills; safe to use from several threads."""

    ledger: Ledger
    signer: CredentialSigner
    provider: str
    clock: Clock
    limits: Limits = DEFAULT_LIMITS
    _kept: OrderedDict[tuple[str, str], bytes] = field(default_factory=OrderedDict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def still(self, release: Release, file: Path, variant: str) -> bytes:
        """Return a signed JPEG of the released `file`; `variant` is one of `MAKERS`.

        Raises:
            MediaError: the file cannot be decoded.
            SigningError: it could not be signed; nothing leaves.
            ReleaseError: the release names no recorded decision.
        """
        key = (release.id, variant)
        with self._turn:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._signed(release, file, variant)
        with self._turn:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def _signed(self, release: Release, file: Path, variant: str) -> bytes:
        decision = self.ledger.decision(release.decisions[-1])
        if decision is None:
            raise ReleaseError(f"release {release.id} names no recorded decision; its stills are not served")
        claim = Claim(
            title=f"{release.id}.{variant}.jpg",
            release=release.id,
            decision=decision.id,
            policy=decision.verdict.policy,
            generator=release.generator,
            generator_version="",
            created_at=self.clock(),
            provider=self.provider,
            watermark_alg="",
            watermark="",
            inputs=(ClaimInput(file, InputRelation.PARENT, f"{release.id}.mp4"),),
        )
        with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
            plain, signed = Path(folder) / "plain.jpg", Path(folder) / "signed.jpg"
            plain.write_bytes(MAKERS[variant](file, self.limits))
            self.signer.sign(plain, signed, claim)
            return signed.read_bytes()
