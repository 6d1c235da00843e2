"""Makes a finished temporary file appear under its name, whole and surviving a power cut.

Writes no content itself and cleans nothing up.
"""

from __future__ import annotations

import os
from pathlib import Path


def publish(temporary: Path, destination: Path) -> None:
    """Sync `temporary`, move it over `destination` (same file system) and sync the directory.

    Raises:
        OSError: the disk refused; `destination` is what it was before, or complete.
    """
    _sync(temporary, os.O_RDONLY)
    temporary.replace(destination)
    _sync(destination.parent, os.O_RDONLY | os.O_DIRECTORY)  # else the new name may not survive a power cut


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
