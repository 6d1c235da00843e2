"""Reads the credential of a stranger's file in a child process with limits: a broken parser kills only that.

Does not sandbox system calls: it bounds memory, processor and wall time and files, and lets the child write nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from provenance.base import Credential, CredentialState, CredentialUnreadable
from provenance.credentials import MAX_BYTES
from provenance.trust_pack import TrustPack, pack_json
from provenance.trusting import most_reads

MAX_REPORT_BYTES = 4 * 1024 * 1024
"""Largest answer taken from the child."""

PACKAGE_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class ReadLimits:
    """What a child that reads one file may use. Processor and wall time are for reading it once: a file that somebody
    vouches for is read again for each trust pack, and has both again each time."""

    memory_bytes: int = 2 * 1024**3
    """Address space, libraries included."""

    cpu_s: int = 20
    open_files: int = 32
    timeout_s: float = 30.0
    """Wall time."""

    file_bytes: int = MAX_BYTES


class IsolatedReader:
    """A CredentialReader that reads every file in a child of its own, under the anchors of that moment."""

    def __init__(
        self,
        anchors_pem: Callable[[], str],
        allowed_signers: frozenset[str] | None = None,
        *,
        packs: Callable[[], Sequence[TrustPack]] = tuple,
        limits: ReadLimits | None = None,
    ) -> None:
        self._anchors_pem = anchors_pem
        self._packs = packs
        self._allowed = allowed_signers
        self._limits = limits or ReadLimits()

    def read(self, path: Path) -> Credential:
        """Return what the file carries, or raise CredentialUnreadable."""
        return read_isolated(path, self._anchors_pem(), self._allowed, packs=self._packs(), limits=self._limits)


def read_isolated(
    path: Path,
    anchors_pem: str,
    allowed_signers: frozenset[str] | None = None,
    *,
    packs: Sequence[TrustPack] = (),
    limits: ReadLimits | None = None,
) -> Credential:
    """Read one file's credential in a child process (about 0.3 s more than in this one).

    Raises:
        CredentialUnreadable: the manifest cannot be parsed, or the child died, took too long or answered nonsense.
    """
    limits = limits or ReadLimits()
    timeout_s = limits.timeout_s * most_reads(packs)
    order = {
        "path": str(path.resolve()),
        "anchors_pem": anchors_pem,
        "packs": [pack_json(each) for each in packs],
        "allowed_signers": None if allowed_signers is None else sorted(allowed_signers),
        "limits": asdict(limits),
    }
    try:
        child = subprocess.run(
            [sys.executable, "-m", "provenance.read_child"],
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=timeout_s,
            check=False,
            cwd=PACKAGE_ROOT,
            env={"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"},
            close_fds=True,
        )
    except subprocess.TimeoutExpired as error:
        raise CredentialUnreadable(f"{path.name}: reading its manifest took over {timeout_s:g} s") from error
    if child.returncode < 0:
        raise CredentialUnreadable(f"{path.name}: the reader was killed by signal {-child.returncode}")
    if child.returncode != 0 or len(child.stdout) > MAX_REPORT_BYTES:
        raise CredentialUnreadable(f"{path.name}: the reader died with code {child.returncode} and no usable answer")
    return _credential(path.name, child.stdout)


def credential_json(credential: Credential) -> dict[str, Any]:
    """Return a Credential as JSON values, for the pipe."""
    values = asdict(credential)
    values["signed_at"] = credential.signed_at.isoformat() if credential.signed_at else None
    return values


def _credential(name: str, answer: bytes) -> Credential:
    try:
        report = json.loads(answer)
        if "unreadable" in report:
            raise CredentialUnreadable(str(report["unreadable"]))
        values: dict[str, Any] = report["credential"]
        signed_at = values["signed_at"]
        return Credential(
            state=CredentialState(values["state"]),
            label=str(values["label"]),
            issuer=str(values["issuer"]),
            signed_at=datetime.fromisoformat(signed_at) if signed_at else None,
            source_types=tuple(str(kind) for kind in values["source_types"]),
            active_source_types=tuple(str(kind) for kind in values["active_source_types"]),
            claim_generator=str(values["claim_generator"]),
            soft_bindings=tuple((str(algorithm), str(value)) for algorithm, value in values["soft_bindings"]),
            decision=str(values["decision"]),
            failures=tuple(str(code) for code in values["failures"]),
            trusted_by=tuple(str(name) for name in values["trusted_by"]),
            detail=dict(values["detail"]),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise CredentialUnreadable(f"{name}: the reader answered nonsense") from error
