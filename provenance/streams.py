"""Files that are written whole or not at all by a foreign library, and that remember why a write failed.

The library's stream callbacks turn every exception into -1, so that a full disk would read as "I/O error".
Does not retry.
"""

from __future__ import annotations

import os
import shutil
from io import BufferedRandom
from pathlib import Path
from types import TracebackType

from provenance.base import SigningError

MANIFEST_ROOM_BYTES = 256 * 1024
"""Disk kept free beyond the source's size: a manifest takes about 14 KB."""


class WitnessedFile:
    """A read-write binary file; `failure` holds the first OSError it raised. Synced to disk when closed."""

    def __init__(self, file: BufferedRandom) -> None:
        self._file = file
        self.failure: OSError | None = None

    @classmethod
    def create(cls, path: Path) -> WitnessedFile:
        """Open `path` for writing from its start, dropping what it held."""
        return cls(path.open("w+b"))

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes."""
        return self._file.read(size)

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        try:
            return self._file.write(data)
        except OSError as error:
            self.failure = self.failure or error
            raise

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; flushes, so it may fail like a write."""
        try:
            return self._file.seek(offset, whence)
        except OSError as error:
            self.failure = self.failure or error
            raise

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._file.tell()

    def flush(self) -> None:
        """Hand buffered bytes to the operating system."""
        try:
            self._file.flush()
        except OSError as error:
            self.failure = self.failure or error
            raise

    def __enter__(self) -> WitnessedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
                os.fsync(self._file.fileno())
        finally:
            try:
                self._file.close()
            except OSError as late:  # close() flushes again, and fails again on a full disk
                self.failure = self.failure or late


def require_room(source: Path, destination: Path) -> None:
    """Raise SigningError when the signed copy of `source` would not fit on the destination's disk."""
    wanted = source.stat().st_size + MANIFEST_ROOM_BYTES
    free = shutil.disk_usage(destination.parent).free
    if free < wanted:
        raise SigningError(f"the disk of {destination.parent} is full: {free} bytes free, {wanted} needed")


def put_in_place(part: Path, destination: Path) -> None:
    """Give a finished, synced file its name in one step, durably."""
    part.chmod(0o644)  # mkstemp makes files private; a release is meant to be served
    part.replace(destination)
    folder = os.open(destination.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too, must survive a power cut
    finally:
        os.close(folder)
