"""Writes the ledger into a folder that an auditor verifies without us: entries, leaf hashes, checkpoints, verifier.

    entries.jsonl       one line an entry, exactly the bytes that were hashed; line 1 is entry 0
    leaves.bin          32 bytes an entry: its leaf hash, to name the very entry that was changed
    checkpoints.jsonl   every signed checkpoint, the newest last; it covers every entry above
    key.txt             the log's public key, to be compared with the one that was published
    verify_export.py    needs Python and nothing else

Written in pages, so memory does not grow with the ledger, and into the same folder again: what is there stays, what is
new or was cut off is added. It verifies nothing: `safety.verify_export` does, and `safety.audit` in the database.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

from safety.checkpoints import verify_checkpoint
from safety.errors import Conflict, LedgerError
from safety.ledger import Ledger
from safety.merkle import HASH_BYTES, leaf_hash

CHUNK = 1 << 20
"""Bytes read at once while lines are counted."""


@dataclass(frozen=True)
class Exported:
    """What an export holds now."""

    entries: int
    added: int
    """Entries that were not there before."""

    checkpoints: int


def export_ledger(ledger: Ledger, folder: Path, progress: Callable[[int, int], None] | None = None) -> Exported:
    """Write the ledger as it is now into a folder, or bring an earlier export there up to date.

    Signs a checkpoint first, so that every entry is under one. `progress` is told how many of how many are written.

    Raises:
        Conflict: the folder holds the export of another ledger, or of more entries than there are.
        LedgerError: the folder cannot be written, or the ledger not read.
    """
    size = verify_checkpoint(ledger.checkpoint(), ledger.public_key).size
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _opened(folder / "entries.jsonl") as lines, _opened(folder / "leaves.bin") as leaves:
            start = _go_on(ledger, lines, leaves)
            if start > size:
                raise Conflict(f"{folder} holds {start} entries and the ledger {size}: it is not an export of this one")
            _write_entries(ledger, lines, leaves, start, size, progress)
        count = _write_checkpoints(ledger, folder / "checkpoints.jsonl", size)
        (folder / "key.txt").write_text(f"{ledger.public_key.text}\n", encoding="utf-8")
        (folder / "verify_export.py").write_bytes(files("safety").joinpath("verify_export.py").read_bytes())
    except OSError as error:
        raise LedgerError(f"the export {folder} cannot be written: {error.strerror}; repeat it, it goes on") from error
    return Exported(size, size - start, count)


def _opened(path: Path) -> BinaryIO:
    path.touch()
    return path.open("r+b")


def _go_on(ledger: Ledger, lines: BinaryIO, leaves: BinaryIO) -> int:
    """Cut off what was written by halves, and return how many entries are there."""
    leaves.seek(0, 2)
    hashed = leaves.tell() // HASH_BYTES
    count, end, at = 0, 0, 0
    while count < hashed and (chunk := lines.read(CHUNK)):
        found = -1
        while count < hashed and (found := chunk.find(b"\n", found + 1)) >= 0:
            count, end = count + 1, at + found + 1
        at += len(chunk)
    lines.truncate(end)
    leaves.truncate(count * HASH_BYTES)
    lines.seek(end)
    leaves.seek(max(count - 1, 0) * HASH_BYTES)
    stored = ledger.entries(count - 1, 1) if count else []
    last = leaves.read(HASH_BYTES)
    if stored and leaf_hash(stored[0].body) != last:
        raise Conflict("the folder holds an export of another ledger: choose an empty one")
    return count


def _write_entries(
    ledger: Ledger,
    lines: BinaryIO,
    leaves: BinaryIO,
    start: int,
    size: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    position = start
    while position < size:
        page = [entry for entry in ledger.entries(position) if entry.position < size]
        if not page or page[0].position != position:
            raise LedgerError(f"entry {position} is missing: run `framegate ledger verify`")
        lines.writelines(entry.body + b"\n" for entry in page)
        leaves.writelines(leaf_hash(entry.body) for entry in page)
        position = page[-1].position + 1
        if progress is not None:
            progress(position, size)


def _write_checkpoints(ledger: Ledger, path: Path, size: int) -> int:
    part, count = path.with_suffix(".part"), 0
    with part.open("w", encoding="utf-8") as file:
        for at, note in ledger.checkpoints():
            if at <= size:
                file.write(json.dumps({"size": at, "note": note}, ensure_ascii=False) + "\n")
                count += 1
    part.replace(path)
    return count
