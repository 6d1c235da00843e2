"""Exports Decisions into a file or folder, without a cap, in bounded memory, going on after an interruption.

    OUT.part       what is written so far; OUT only when it is whole
    OUT.progress   up to where the ledger is exported, how far that came, under which conditions

What is exported is fixed when an export begins: the ledger up to its size then. So an export in ten pieces has the
bytes of one in a single piece. It signs nothing: an export that proves itself is `safety.ledger_export`.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from safety.errors import Conflict, LedgerError
from safety.exports.sinks import Csv, JsonLines, Parquet, Sink
from safety.lookup.record import LedgerReader
from safety.lookup.selection import Selection, selected

Progress = Callable[[int, int], None]
"""Told the ledger's position that is done, and where it ends."""


class Format(StrEnum):
    """How an export is written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


SINKS: dict[Format, Callable[[Path], Sink]] = {Format.JSONL: JsonLines, Format.CSV: Csv, Format.PARQUET: Parquet}


@dataclass(frozen=True)
class Exported:
    """What an export holds."""

    rows: int
    resumed_after: int
    """Rows that an earlier, interrupted run had written."""

    end: int
    """Entries of the ledger that it looks at: 0 … end - 1."""


@dataclass
class _State:
    format: str
    log: str
    selection: dict[str, str]
    end: int
    after: int = -1
    rows: int = 0
    kept: int = 0


def export_decisions(
    reader: LedgerReader,
    out: Path,
    format_: Format,
    selection: Selection,
    *,
    log: str = "",
    progress: Progress | None = None,
) -> Exported:
    """Write the Decisions that meet the conditions, or go on with an export to `out` that was interrupted.

    `log`: name of the ledger, kept with the export's state.

    Raises:
        Conflict: `out` is there already, another process writes it, or what was begun there has other conditions,
            another format or another log.
        LedgerError: it cannot be written, or the ledger not read. Repeating it goes on.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _alone(out):
            return _export(reader, out, format_, selection, log, progress)
    except OSError as error:
        raise LedgerError(f"the export {out} cannot be written: {error.strerror}; repeat it, it goes on") from error


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep a second export to the same place out for as long as the block runs; a process that dies lets go."""
    lock = out.with_name(f"{out.name}.lock")
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"{out} is being written by another process: wait for it") from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _export(
    reader: LedgerReader, out: Path, format_: Format, selection: Selection, log: str, progress: Progress | None
) -> Exported:
    part, state_file = out.with_name(f"{out.name}.part"), out.with_name(f"{out.name}.progress")
    state = _begun(state_file, _State(format_.value, log, selection.to_json(), reader.size()))
    if out.exists():
        if state_file.exists() and not part.exists():  # it died between its last two steps
            state_file.unlink()
            return Exported(state.rows, state.rows, state.end)
        raise Conflict(f"{out} is there already: choose another name, or delete it first")
    if state.end > reader.size():
        raise Conflict(f"{state_file} was begun with a ledger of {state.end} entries: this one has fewer")
    return _write(reader, out, SINKS[format_](part), selection, state, state_file, progress)


def _begun(path: Path, fresh: _State) -> _State:
    """The state of an interrupted export, or a new one."""
    if not path.exists():
        return fresh
    try:
        begun = _State(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise Conflict(f"{path} is not the state of an export: delete it to begin again") from None
    names = ("format", "log", "selection")
    if other := [name for name in names if getattr(begun, name) != getattr(fresh, name)]:
        what = " and ".join(other)
        raise Conflict(f"{path} was begun with another {what}: repeat it as it was begun, or delete it to begin again")
    return begun


def _write(
    reader: LedgerReader,
    out: Path,
    sink: Sink,
    selection: Selection,
    state: _State,
    state_file: Path,
    progress: Progress | None,
) -> Exported:
    if not sink.open(state.kept):  # what was kept is gone: from the beginning, up to the same end
        state.after, state.rows, state.kept = -1, 0, 0
        sink.open(0)
    _remember(state_file, state)
    resumed = rows = state.rows
    after = state.after
    try:
        for page in selected(reader.engine, selection, after=state.after, end=state.end):
            kept = sink.write(page)
            rows, after = rows + len(page), page[-1].position
            if kept is not None:
                state.after, state.rows, state.kept = after, rows, kept
                _remember(state_file, state)
            if progress is not None:
                progress(after + 1, state.end)
        state.after, state.rows, state.kept = after, rows, sink.finish()
        _remember(state_file, state)
    finally:
        sink.close()
    part = out.with_name(f"{out.name}.part")
    part.replace(out)
    state_file.unlink()
    if progress is not None:
        progress(state.end, state.end)
    return Exported(rows, resumed, state.end)


def _remember(path: Path, state: _State) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        json.dump(asdict(state), file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
