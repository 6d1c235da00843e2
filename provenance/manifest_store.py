"""Takes the manifest store out of an mp4 or mov as it is embedded, for handing it to whoever lost it.

Validates nothing: what comes out is bytes of a file that we signed and verified ourselves. Writes nothing.
Where the store lies: C2PA Technical Specification, "Embedding manifests into BMFF-based assets".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from provenance.base import CredentialUnreadable

C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""User type of the `uuid` box that holds a manifest store."""

PURPOSE = b"manifest\x00"
MAX_STORE_BYTES = 64 * 1024**2


def manifest_store(path: Path) -> bytes:
    """Return the JUMBF bytes of the manifest store.

    Raises:
        CredentialUnreadable: the file holds none, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            end = path.stat().st_size
            start = 0
            while start + 8 <= end:
                file.seek(start)
                head = file.read(16 + 16)
                size, header = int.from_bytes(head[:4], "big"), 8
                if size == 1:
                    size, header = int.from_bytes(head[8:16], "big"), 16
                size = size or end - start
                if size < header:
                    break
                if head[4:8] == b"uuid" and head[header : header + 16] == C2PA_BOX and size <= MAX_STORE_BYTES:
                    file.seek(start + header + 16)
                    return _store(file.read(size - header - 16), path.name)
                start += size
    except OSError as error:
        raise CredentialUnreadable(f"{path.name} cannot be read: {error.strerror}") from error
    raise CredentialUnreadable(f"{path.name} holds no manifest store")


def stored_manifest(path: Path, active_only: bool) -> bytes:
    """Return the manifest store of a file, or its active manifest alone; raises as `manifest_store`."""
    store = manifest_store(path)
    return active_manifest(store) if active_only else store


def active_manifest(store: bytes) -> bytes:
    """Return a store that holds the active manifest alone: the last of the store.

    Raises:
        CredentialUnreadable: it is not a manifest store.
    """
    boxes = list(_boxes(store[8:]))
    if store[4:8] != b"jumb" or len(boxes) < 2 or boxes[0][0] != b"jumd":
        raise CredentialUnreadable("not a manifest store")
    body = boxes[0][1] + boxes[-1][1]
    return (len(body) + 8).to_bytes(4, "big") + b"jumb" + body


def _store(content: bytes, name: str) -> bytes:
    # Version and flags, the purpose, and the offset of a Merkle tree's first box; then the store.
    start = 4 + len(PURPOSE) + 8
    size = int.from_bytes(content[start : start + 4], "big")
    if content[4 : 4 + len(PURPOSE)] != PURPOSE or content[start + 4 : start + 8] != b"jumb" or size < 8:
        raise CredentialUnreadable(f"{name} holds a manifest box that is not a store")
    return content[start : start + size]


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (type, whole box) of the boxes that `content` is made of."""
    start = 0
    while start + 8 <= len(content):
        size = int.from_bytes(content[start : start + 4], "big")
        if size < 8 or start + size > len(content):
            raise CredentialUnreadable("a manifest store is cut off")
        yield content[start + 4 : start + 8], content[start : start + size]
        start += size
