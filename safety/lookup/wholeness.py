"""Says at a glance whether all tables of the record are of the same moment: a backup that was restored in part is not.

A few look-ups, whatever the size of the ledger; that no row was changed is `safety.audit`, which reads all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, func, select, text

from safety.database import reading
from safety.merkle import KEPT_HEIGHTS
from safety.projections import DECISION, RELEASE
from safety.tables import APPEND_ONLY, decisions, entries, ledger_head, metadata, releases, subtrees

DERIVED = ((DECISION, decisions), (RELEASE, releases))
"""Kinds of entries of which the newest must have its row."""


def faults(engine: Engine) -> list[str]:
    """Return what does not fit together, in words; empty where all does.

    Raises:
        DatabaseError: the database is gone, or a table is missing altogether.
    """
    with reading(engine) as connection:
        return [*_places(connection), *_guards(connection)]


def _places(connection: Connection) -> Iterator[str]:
    head = connection.execute(select(ledger_head.c.size)).scalar()
    newest = connection.execute(select(func.max(entries.c.position))).scalar()
    size, there = head or 0, 0 if newest is None else newest + 1
    if size != there:
        yield f"the head says {size} entries and the newest is number {there}"
    first = connection.execute(select(func.min(entries.c.position))).scalar()
    if first not in (None, 0):
        yield f"the ledger begins with entry {first}: what stood before is missing"
    for kind, table in DERIVED:
        of_kind = select(entries.c.position).where(entries.c.kind == kind).order_by(entries.c.position.desc()).limit(1)
        wanted = connection.execute(of_kind).scalar()
        found = connection.execute(select(func.max(table.c.entry))).scalar()
        if wanted != found:
            yield f"the newest {kind} is entry {wanted}, and the newest row of {table.name} is of entry {found}"
    for height in KEPT_HEIGHTS:
        whole = there >> height
        kept = connection.execute(select(func.max(subtrees.c.number)).where(subtrees.c.height == height)).scalar()
        if (kept or 0) + (kept is not None) != whole:
            yield f"{whole} subtrees of height {height} are whole, and the newest that is kept is number {kept}"


def _guards(connection: Connection) -> Iterator[str]:
    """Triggers that refuse changes are dropped with a table and come back only with its definition."""
    if connection.dialect.name == "sqlite":
        query = "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND tgenabled = 'A'"
        )
    guarded = set(connection.execute(text(query)).scalars())
    for table in APPEND_ONLY:
        if table.name not in guarded and table.name in metadata.tables:
            yield f"nothing refuses changes of {table.name}: its triggers are missing"
