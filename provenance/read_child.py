"""The child that `provenance.isolated` starts: one order on stdin, one JSON line on stdout.

Takes its limits before it opens the file. Not a command for people.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from provenance.base import CredentialUnreadable
from provenance.isolated import ReadLimits, credential_json
from provenance.trust_pack import pack_from_json
from provenance.trusting import TrustingReader


def main() -> int:
    """Read the order, take the limits, answer. Return the exit code."""
    order = json.load(sys.stdin)
    limits = ReadLimits(**order["limits"])
    _take(limits)
    allowed = order["allowed_signers"]
    reader = TrustingReader(
        order["anchors_pem"],
        [pack_from_json(text, "of the order") for text in order["packs"]],
        None if allowed is None else frozenset(allowed),
        max_bytes=limits.file_bytes,
    )
    try:
        answer: dict[str, object] = {"credential": credential_json(reader.read(Path(order["path"])))}
    except CredentialUnreadable as error:
        answer = {"unreadable": str(error)}
    except MemoryError:
        answer = {"unreadable": "reading the manifest needs more memory than allowed"}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def _take(limits: ReadLimits) -> None:
    for kind, amount in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_FSIZE, 0),  # stdout is a pipe; no file may grow
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (amount, amount))


if __name__ == "__main__":
    raise SystemExit(main())
