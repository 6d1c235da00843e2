"""Writes pages of decisions as JSON lines, CSV or Parquet, so that writing can stop anywhere and go on.

    JsonLines, Csv   one file; what is kept is a number of bytes, the rest is cut off when writing goes on
    Parquet          a folder of parts, each whole or not there; what is kept is a number of parts

`safety.exports.decision_files` decides what is written and remembers how far it came.
"""

from __future__ import annotations

import io
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from safety.exports.decision_rows import COLUMNS, Row, cells_of, csv_text, json_line, row_of
from safety.lookup.selection import Selected

ROWS_A_PART = 100_000
"""Decisions in one part of a Parquet folder: some tens of megabytes, and a second or two of lost work."""

_TYPES: dict[str, Any] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "time": pa.timestamp("us", tz="UTC"),
    "texts": pa.list_(pa.string()),
    "numbers": pa.map_(pa.string(), pa.float64()),
}

SCHEMA = pa.schema([(name, _TYPES[kind]) for name, kind in COLUMNS])
"""Of the Parquet files."""

_TIMES = frozenset(name for name, kind in COLUMNS if kind == "time")


class Sink(Protocol):
    """Where pages go."""

    def open(self, kept: int) -> bool:
        """Go on where `kept` was written for good; False: that much is not there any more."""
        ...

    def write(self, page: Sequence[Selected]) -> int | None:
        """Write a page; return what is kept on the disk up to and with it, or None where that is not known yet."""
        ...

    def finish(self) -> int:
        """Write what waits, close, and return what is kept."""
        ...

    def close(self) -> None:
        """Close, finished or not."""
        ...


class _TextFile(ABC):
    """One growing file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: io.BufferedRandom | None = None

    def open(self, kept: int) -> bool:
        """Cut the file off after `kept` bytes and go on there."""
        self._path.touch()
        file = self._path.open("r+b")
        if file.seek(0, os.SEEK_END) < kept:
            file.close()
            return False
        file.truncate(kept)
        file.seek(kept)
        self._file = file
        if not kept:
            file.write(self._head())
        return True

    def write(self, page: Sequence[Selected]) -> int | None:
        """Write a page and wait until the disk has it."""
        file = self._opened
        file.write(self._text(page))
        file.flush()
        os.fsync(file.fileno())
        return file.tell()

    def finish(self) -> int:
        """Close the file."""
        file = self._opened
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
        file.close()
        return size

    def close(self) -> None:
        """Close the file as it is."""
        if self._file is not None:
            self._file.close()

    @property
    def _opened(self) -> io.BufferedRandom:
        if self._file is None:
            raise ValueError("a sink is opened before it is written")
        return self._file

    def _head(self) -> bytes:
        return b""

    @abstractmethod
    def _text(self, page: Sequence[Selected]) -> bytes: ...


class JsonLines(_TextFile):
    """One JSON object a line: the recorded bytes, with the position and the replacement before them."""

    def _text(self, page: Sequence[Selected]) -> bytes:
        return b"".join(map(json_line, page))


class Csv(_TextFile):
    """A table as RFC 4180 has it, UTF-8, with a heading."""

    def _head(self) -> bytes:
        return csv_text([[name for name, _ in COLUMNS]])

    def _text(self, page: Sequence[Selected]) -> bytes:
        return csv_text([cells_of(row_of(each)) for each in page])


class Parquet:
    """A folder of Parquet files, `part-00000.parquet` and so on, zstd inside: readers take the folder as one table."""

    def __init__(self, folder: Path, rows_a_part: int = ROWS_A_PART) -> None:
        self._folder = folder
        self._rows_a_part = rows_a_part
        self._writer: Any = None
        self._part = self._rows = 0

    def open(self, kept: int) -> bool:
        """Go on after `kept` whole parts; what else lies there is deleted."""
        self._folder.mkdir(parents=True, exist_ok=True)
        whole = [self._path(number) for number in range(kept)]
        if not all(path.exists() for path in whole):
            return False
        for path in set(self._folder.iterdir()) - set(whole):
            path.unlink()
        self._part = kept
        return True

    def write(self, page: Sequence[Selected]) -> int | None:
        """Write a row group; a part that has enough rows is closed and given its name."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._unnamed, SCHEMA, compression="zstd")
        self._writer.write_batch(batch_of([row_of(each) for each in page]))
        self._rows += len(page)
        return self._close_part() if self._rows >= self._rows_a_part else None

    def finish(self) -> int:
        """Close the last part; an export without rows has one part without rows, which still tells the columns."""
        if self._writer is None and not self._part:
            self._writer = pq.ParquetWriter(self._unnamed, SCHEMA, compression="zstd")
        return self._part if self._writer is None else self._close_part()

    def close(self) -> None:
        """Leave the open part without a name: opening deletes it."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _close_part(self) -> int:
        self._writer.close()
        self._writer, self._rows = None, 0
        with self._unnamed.open("rb") as file:
            os.fsync(file.fileno())
        self._unnamed.replace(self._path(self._part))
        self._part += 1
        return self._part

    @property
    def _unnamed(self) -> Path:
        return self._folder / ".part"

    def _path(self, number: int) -> Path:
        return self._folder / f"part-{number:05d}.parquet"


def batch_of(rows: Sequence[Row]) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Turn rows into a record batch of SCHEMA."""
    columns = []
    for (name, kind), values in zip(COLUMNS, zip(*rows, strict=True), strict=True):
        if name in _TIMES:
            text = pa.array([each.replace("Z", "") for each in values], pa.string())
            columns.append(text.cast(pa.timestamp("us")).cast(_TYPES[kind]))
        elif kind == "numbers":
            columns.append(pa.array([list(each.items()) for each in values], _TYPES[kind]))
        else:
            columns.append(pa.array(values, _TYPES[kind]))
    return pa.record_batch(columns, schema=SCHEMA)
