"""A release as webm, for players that take no H.264: VP9, with a credential of its own beside it.

    released file ─▶ decode ─▶ VP9 ─▶ decode again: shows the same? mark reads? ─▶ sign, parent: the release ─▶ out

What was judged is the released file; what leaves here is shown to be that, frame by frame, before it is signed. It has
the release's mark, label and fingerprint, and its manifest is the hash of all of its bytes. Equal files give equal
copies. Kept in memory for a while. Whether a release is served at all is `safety.withdrawals`.
"""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from media.codec import decode, encode_webm, probe
from media.errors import StorageError
from media.kinds import sidecar_of
from media.quality import psnr_db
from provenance.base import Claim, ClaimInput, CredentialSigner, Declaration, InputRelation, Watermark
from safety.domain import Release
from safety.errors import Occupied, ReleaseError
from safety.gate import Clock
from safety.ledger import Ledger

LEAST_DB = 30.0
"""PSNR of each frame beside the released one, below which it would not count as the same picture. VP9 at the quality
used here reaches 36 and more on moving texture."""

KEPT, KEPT_BYTES = 8, 32_000_000
"""Copies kept in memory, and the most that one of them may have."""

Kept = TypeVar("Kept")

REFUSED = 256
"""Releases remembered that cannot be had as webm."""


@dataclass(frozen=True)
class WebmCopy:
    """A webm file and the manifest that lies beside it."""

    video: bytes
    manifest: bytes


@dataclass(frozen=True)
class WebmCopies:
    """Makes and signs webm copies of releases; safe to use from several threads.

    One copy is made at a time, since it takes a core for as long as the video lasts and longer: who asks for another
    one meanwhile is told so instead of waiting. What was made, or refused, is remembered for a while.
    """

    ledger: Ledger
    signer: CredentialSigner
    watermark: Watermark
    provider: str
    clock: Clock
    declared: Callable[[str], Declaration] = lambda _release: Declaration()
    _kept: OrderedDict[str, WebmCopy] = field(default_factory=OrderedDict)
    _refused: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _making: threading.Lock = field(default_factory=threading.Lock)

    def of(self, release: Release, file: Path) -> WebmCopy:
        """Return the webm copy of the released `file`.

        Raises:
            MediaError: the file cannot be decoded, or the copy not be written.
            Occupied: another copy is being made.
            ReleaseError: the copy shows something else, its mark does not read, or the release names no recorded
                decision; nothing leaves.
            SigningError: it could not be signed; nothing leaves.
        """
        kept = self._remembered(release.id)
        if kept is not None:
            return kept
        if not self._making.acquire(blocking=False):
            raise Occupied("another webm copy is being made: ask again in a while, or take the mp4")
        try:
            made = self._signed(release, file)
        except ReleaseError as error:
            with self._lock:
                _keep(self._refused, release.id, str(error), REFUSED)
            raise
        finally:
            self._making.release()
        if len(made.video) <= KEPT_BYTES:
            with self._lock:
                _keep(self._kept, release.id, made, KEPT)
        return made

    def forget(self, release: str) -> None:
        """Drop the copy of a release that is not served any more."""
        with self._lock:
            self._kept.pop(release, None)

    def _remembered(self, release: str) -> WebmCopy | None:
        with self._lock:
            if release in self._refused:
                raise ReleaseError(self._refused[release])
            if release in self._kept:
                self._kept.move_to_end(release)
            return self._kept.get(release)

    def _signed(self, release: Release, file: Path) -> WebmCopy:
        decision = self.ledger.decision(release.decisions[-1])
        if decision is None:
            raise ReleaseError(f"release {release.id} names no recorded decision; it is not served as webm")
        claim = Claim(
            title=f"{release.id}.webm",
            release=release.id,
            decision=decision.id,
            policy=decision.verdict.policy,
            generator=release.generator,
            generator_version="",
            created_at=self.clock(),
            provider=self.provider,
            watermark_alg=self.watermark.algorithm,
            watermark=release.watermark,
            inputs=(ClaimInput(file, InputRelation.PARENT, f"{release.id}.mp4"),),
        )
        with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
            plain, signed = Path(folder) / "plain.webm", Path(folder) / "signed.webm"
            frames = (frame for _, frame in decode(file))  # of our own making: no isolation is needed
            encode_webm(frames, plain, fps=probe(file).fps, tags=self.declared(release.id).tags)
            self._prove(release, file, plain)
            self.signer.sign(plain, signed, claim)
            return WebmCopy(signed.read_bytes(), sidecar_of(signed).read_bytes())

    def _prove(self, release: Release, file: Path, copy: Path) -> None:
        """Refuse a copy that does not show what was judged, or does not carry the mark."""
        detector = self.watermark.detector()
        for number, (released, copied) in enumerate(zip_longest(decode(file), decode(copy))):
            if released is None or copied is None or released[1].shape != copied[1].shape:
                raise ReleaseError(f"the webm copy of release {release.id} has other frames; nothing leaves")
            reached = psnr_db(released[1][None], copied[1][None])
            if reached < LEAST_DB:
                raise ReleaseError(
                    f"frame {number} of the webm copy of release {release.id} is {reached:.1f} dB from the released "
                    f"one, {LEAST_DB:g} are needed; take it as mp4"
                )
            detector.add(copied[1][None])
        reading = detector.read()
        if reading is None or reading.id_hex != release.watermark:
            raise ReleaseError(f"the watermark does not read from the webm copy of {release.id}; take it as mp4")


def _keep(kept: OrderedDict[str, Kept], key: str, value: Kept, most: int) -> None:
    kept[key] = value
    while len(kept) > most:
        kept.popitem(last=False)


def write_webm(copy: WebmCopy, destination: Path) -> None:
    """Write a copy, and its manifest beside it, which is there first; raises StorageError."""
    for path, data in ((sidecar_of(destination), copy.manifest), (destination, copy.video)):
        partial = path.with_name(f".{path.name}.partial")
        try:
            partial.write_bytes(data)
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StorageError(f"{path} cannot be written: {error.strerror}") from error
