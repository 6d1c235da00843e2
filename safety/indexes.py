"""The tables that make the record findable beyond its own columns: words of reasons, classifiers, counts by the hour.

They are derived from the entries in their order, some time after they were appended, and may be thrown away and built
again. So they cost an append nothing and prove nothing: `safety.lookup.search` fills them. Part of `safety.tables`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Table, Text

from safety.columns import Position, UtcTime, metadata

search_state = Table(
    "search_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),  # the first entry that is not in the index
    CheckConstraint("id = 1", name="single"),
)

search_words = Table(
    "search_words",
    metadata,
    Column("word", Text, primary_key=True),  # compared byte by byte on both databases
    Column("entry", Position, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

search_panels = Table(
    "search_panels",
    metadata,
    Column("name", Text, primary_key=True),  # of a classifier
    Column("version", Text, primary_key=True),
    Column("panel", Text, primary_key=True),  # digest of all classifiers that were asked together
    sqlite_with_rowid=False,
)

search_panel_entries = Table(
    "search_panel_entries",
    metadata,
    Column("panel", Text, primary_key=True),
    Column("entry", Position, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

search_tallies = Table(
    "search_tallies",
    metadata,
    Column("dimension", Text, primary_key=True),
    Column("hour", UtcTime, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("action", Text, primary_key=True),
    Column("decisions", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

INDEXES = (search_words, search_panels, search_panel_entries, search_tallies, search_state)
"""What may be thrown away and built again."""

__all__ = ["INDEXES", "search_panel_entries", "search_panels", "search_state", "search_tallies", "search_words"]
