"""Writes the rows of a group of appends: one statement a table, handed to the driver as it is.

Every call of a driver lets other threads run, and the ledger's writer then waits for its turn among all its callers: a
statement for each row cost more than the rows. What the rows are is `safety.projections`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect

from safety.columns import UtcTime
from safety.projections import Row
from safety.tables import metadata

PARAMETERS = 30_000
"""Values of one statement at most: SQLite takes 32 766."""


def insert_rows(connection: Connection, rows: Mapping[str, Sequence[Row]]) -> None:
    """Insert table -> rows, each row in the order of its table's columns.

    Raises:
        DBAPIError: as the driver says; `safety.database.writing` names it.
    """
    for name, values in rows.items():
        if not values:
            continue
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(
                _from_arrays(name, connection.dialect), tuple(map(list, zip(*values, strict=True)))
            )
            continue
        at_once = PARAMETERS // len(values[0])
        for start in range(0, len(values), at_once):
            part = values[start : start + at_once]
            connection.exec_driver_sql(_from_values(name, len(part)), _flat(name, part))


@cache
def _from_arrays(name: str, dialect: Dialect) -> str:
    table = metadata.tables[name]
    arrays = ", ".join(f"%b::{column.type.compile(dialect)}[]" for column in table.columns)
    return f"INSERT INTO {name} ({', '.join(table.columns.keys())}) SELECT * FROM unnest({arrays})"  # noqa: S608 - our own tables


@cache
def _from_values(name: str, count: int) -> str:
    columns = metadata.tables[name].columns.keys()
    marks = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {name} ({', '.join(columns)}) VALUES {', '.join([marks] * count)}"  # noqa: S608 - our own tables


@cache
def _times(name: str) -> tuple[int, ...]:
    """Which of a table's columns are times."""
    columns = metadata.tables[name].columns
    return tuple(place for place, column in enumerate(columns) if isinstance(column.type, UtcTime))


def _flat(name: str, rows: Sequence[Row]) -> tuple[Any, ...]:
    """The values of all rows, one behind the other, times as SQLAlchemy has SQLite keep them."""
    width, values = len(rows[0]), [value for row in rows for value in row]
    for place in _times(name):
        values[place::width] = [_as_sqlite_has_it(at) for at in values[place::width]]
    return tuple(values)


def _as_sqlite_has_it(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
