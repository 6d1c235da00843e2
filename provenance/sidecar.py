"""A manifest that lies beside its file, as `NAME.c2pa`: for kinds of files that cannot carry one inside (webm, mkv).

Its hash is over the whole file, byte for byte. Validates nothing itself, and follows no links.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from media.kinds import MAX_SIDECAR_BYTES, SIDECAR_SUFFIX, sidecar_of
from provenance.base import CredentialUnreadable

__all__ = ["MAX_SIDECAR_BYTES", "read_sidecar", "sidecar_of", "write_sidecar"]


def read_sidecar(path: Path) -> bytes | None:
    """Return the manifest that lies beside a file, as `video.webm.c2pa` or `video.c2pa`; None where none does.

    Raises:
        CredentialUnreadable: it is too large, a link or no file, or cannot be read.
    """
    for beside in (sidecar_of(path), path.with_suffix(SIDECAR_SUFFIX)):
        try:
            status = beside.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_SIDECAR_BYTES:
                raise CredentialUnreadable(f"{beside.name} is no file of at most {MAX_SIDECAR_BYTES} bytes")
            return beside.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CredentialUnreadable(f"{beside.name} cannot be read: {error.strerror}") from error
    return None


def write_sidecar(path: Path, store: bytes) -> None:
    """Write a manifest beside a file, durably; raises OSError."""
    with sidecar_of(path).open("wb") as file:
        file.write(store)
        file.flush()
        os.fsync(file.fileno())
