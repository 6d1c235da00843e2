"""Changes the signing key without a stop: new files are taken up when they are there and have proven themselves.

    before each signature: files changed? ─no▶ sign
                             └yes▶ new signer ─▶ self-test ─fails▶ go on with the old one, say so
                                                    └passes▶ the new one signs from now on

Chain, key and anchors cannot be replaced at one moment; while they do not fit together, the old signer, which is in
memory, goes on. What came of it is told to whoever keeps the record. Makes no keys.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from provenance.base import Claim, Credential, CredentialSigner, SignerUnusable

_LOG = logging.getLogger(__name__)

RETRY_S = 60.0
"""Seconds after which files that were refused are tried again although they did not change."""

Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True)
class Change:
    """The key files changed: what came of it."""

    taken_up: bool
    reason: str = ""
    """Why the new key was not taken up."""


class RotatingSigner:
    """A CredentialSigner that looks at its files before each signature.

    Args:
        build: makes a signer from the files as they are; raises SignerUnusable.
        files: those that are watched.
        told: is told of each change, once; where it raises, the change is tried again at the next signature.
        clock: seconds that only grow.

    Raises:
        SignerUnusable: there is no signer to begin with.
    """

    def __init__(
        self,
        build: Callable[[], CredentialSigner],
        files: Sequence[Path],
        told: Callable[[Change], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._build = build
        self._files = tuple(files)
        self._told = told
        self._clock = clock
        self._turn = threading.Lock()
        self._refused: Stamp | None = None
        self._again = 0.0
        self._stamp = self._look()
        self._signer = build()

    @property
    def name(self) -> str:
        """Return the name of the signer in service."""
        return self._signer.name

    def sign(self, source: Path, destination: Path, claim: Claim) -> Credential:
        """Sign with the newest key that has proven itself; as `CredentialSigner.sign`."""
        return self._current().sign(source, destination, claim)

    def self_test(self) -> None:
        """Test the signer in service; as `CredentialSigner.self_test`."""
        self._current().self_test()

    def _current(self) -> CredentialSigner:
        stamp = self._look()
        if stamp == self._stamp:
            return self._signer
        with self._turn:
            stamp = self._look()
            if stamp != self._stamp and (stamp != self._refused or self._clock() >= self._again):
                self._take_up(stamp)
            return self._signer

    def _take_up(self, stamp: Stamp) -> None:
        """Put what the files hold in service, or try it again later: a key service may be away for a moment."""
        try:
            new = self._build()
            new.self_test()
        except SignerUnusable as error:
            _LOG.error("the new signing key is not taken up, the old one goes on: %s", error)
            is_news, self._refused, self._again = stamp != self._refused, stamp, self._clock() + RETRY_S
            if is_news:
                self._told(Change(taken_up=False, reason=str(error)))
        else:
            self._told(Change(taken_up=True))  # first: nothing is signed by a key whose change is not recorded
            self._signer, self._stamp = new, stamp
            _LOG.warning("a new signing key is in service")

    def _look(self) -> Stamp:
        found: list[tuple[int, int, int] | None] = []
        for path in self._files:
            try:
                status = path.stat()
            except OSError:
                found.append(None)
            else:
                found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return tuple(found)
