"""Keeps file contents under their SHA-256, so that storing twice is storing once and a name proves its content.

Knows nothing about what the bytes mean or who may read them.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from media.durable import publish
from media.errors import StorageError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 1024 * 1024


class BlobStore:
    """Content-addressed files below one directory: `root/ab/cd/abcd…`.

    Safe for several processes at once: a blob appears complete or not at all.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, path: Path) -> str:
        """Store a copy of a file; return its SHA-256 as 64 hex digits.

        Raises:
            StorageError: the file cannot be read or the store cannot be written; nothing was added.
        """
        try:
            with path.open("rb") as source:
                return self._store(source, str(path))
        except OSError as error:
            raise StorageError(f"{path}: cannot be stored in {self._root}: {error.strerror}") from error

    def put_bytes(self, data: bytes) -> str:
        """Store bytes; return their SHA-256 as 64 hex digits.

        Raises:
            StorageError: the store cannot be written; nothing was added.
        """
        return self._store(io.BytesIO(data), f"{len(data)} bytes")

    def put_stream(self, source: BinaryIO) -> str:
        """Store what is left to read of an open file; return its SHA-256 as 64 hex digits.

        Raises:
            StorageError: the stream cannot be read or the store cannot be written; nothing was added.
        """
        return self._store(source, "a stream")

    def path(self, digest: str) -> Path:
        """Return the file of a blob, to be read only.

        Raises:
            StorageError: there is no such blob.
        """
        place = self._place(digest)
        if not place.is_file():
            raise StorageError(f"blob {digest} is not in {self._root}: it was discarded or never stored")
        return place

    def contains(self, digest: str) -> bool:
        """Return whether a blob is stored."""
        return self._place(digest).is_file()

    def discard(self, digest: str) -> None:
        """Delete a blob, if it is there.

        Raises:
            StorageError: it could not be deleted.
        """
        try:
            self._place(digest).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"blob {digest} cannot be deleted from {self._root}: {error.strerror}") from error

    def stored(self) -> Iterator[tuple[str, float]]:
        """Yield the digest of every blob and when it was stored (seconds since 1970), in no order."""
        for path in self._root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            try:
                yield path.name, path.stat().st_mtime
            except FileNotFoundError:
                continue  # discarded meanwhile

    def verify(self, digest: str) -> None:
        """Read a blob again and compare it with its name.

        Raises:
            StorageError: absent, unreadable or altered.
        """
        try:
            with self.path(digest).open("rb") as stored:
                found = hashlib.file_digest(stored, "sha256").hexdigest()
        except OSError as error:
            raise StorageError(f"blob {digest} cannot be read from {self._root}: {error.strerror}") from error
        if found != digest:
            raise StorageError(f"blob {digest} in {self._root} was altered: its content is now {found}")

    def _place(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):  # a digest becomes a path: nothing else may
            raise StorageError("a blob is named by 64 lower-case hex digits")
        return self._root / digest[:2] / digest[2:4] / digest

    def _store(self, source: BinaryIO, what: str) -> str:
        temporary: Path | None = None
        try:
            incoming = self._root / "incoming"
            incoming.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=incoming)
            temporary = Path(name)
            hasher = hashlib.sha256()
            with os.fdopen(descriptor, "wb") as sink:
                while chunk := source.read(_CHUNK_BYTES):
                    hasher.update(chunk)
                    sink.write(chunk)
            place = self._place(hasher.hexdigest())
            if not place.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                temporary.chmod(0o440)
                publish(temporary, place)
            return hasher.hexdigest()
        except OSError as error:
            raise StorageError(f"{what}: cannot be stored in {self._root}: {error.strerror}") from error
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
