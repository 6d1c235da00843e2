"""The child that `provenance.isolated` starts: one order on stdin, one JSON line on stdout.

Takes its limits before it opens the file. Not a command for people.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from pathlib import Path

from provenance.base import CredentialUnreadable
from provenance.isolated import ReadLimits, credential_json
from provenance.trust_pack import pack_from_json
from provenance.trusting import TrustingReader, most_reads


def main() -> int:
    """Read the order, take the limits, answer. Return the exit code."""
    order = json.load(sys.stdin)
    limits = ReadLimits(**order["limits"])
    packs = [pack_from_json(text, "of the order") for text in order["packs"]]
    take(limits, most_reads(packs))
    allowed = order["allowed_signers"]
    reader = TrustingReader(
        order["anchors_pem"],
        packs,
        None if allowed is None else frozenset(allowed),
        max_bytes=limits.file_bytes,
        before_again=lambda: allow_again(limits),
    )
    try:
        answer: dict[str, object] = {"credential": credential_json(reader.read(Path(order["path"])))}
    except CredentialUnreadable as error:
        answer = {"unreadable": str(error)}
    except MemoryError:
        answer = {"unreadable": "reading the manifest needs more memory than allowed"}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def take(limits: ReadLimits, reads: int) -> None:
    """Take the limits: processor time for the first reading now, and at most for so many `reads`."""
    for kind, now, most in (
        (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s * reads),
        (resource.RLIMIT_FSIZE, 0, 0),  # stdout is a pipe; no file may grow
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (now, most))


def allow_again(limits: ReadLimits) -> None:
    """Give the next reading as much processor time as the first had."""
    used, most = resource.getrusage(resource.RUSAGE_SELF), resource.getrlimit(resource.RLIMIT_CPU)[1]
    until = math.ceil(used.ru_utime + used.ru_stime) + limits.cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (min(until, most), most))


if __name__ == "__main__":
    raise SystemExit(main())
