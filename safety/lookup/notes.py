"""Reads signed checkpoints as they are published: the log's own note, and behind it the lines of witnesses.

What they say and whether it holds is `safety.checkpoints`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from safety.tables import checkpoints, cosignatures


def newest_note(connection: Connection) -> str | None:
    """Return the newest stored checkpoint."""
    query = select(checkpoints.c.size, checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else cosigned(connection, [row])[0][1]


def cosigned(connection: Connection, page: Sequence[Any]) -> list[tuple[int, str]]:
    """Return (size, note) with the lines of witnesses behind each note."""
    if not page:
        return []
    c = cosignatures.c
    query = select(c.size, c.line).where(c.size >= page[0][0], c.size <= page[-1][0]).order_by(c.size, c.witness)
    lines: dict[int, str] = {}
    for size, line in connection.execute(query):
        lines[size] = f"{lines.get(size, '')}{line}\n"
    return [(size, note + lines.get(size, "")) for size, note in page]
