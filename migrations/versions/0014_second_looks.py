"""Looks at held content and opinions about decisions, by reviewer. A new table, filled from the entries there are."""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    desk = op.create_table(
        "desk",
        sa.Column("entry", POSITION, autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entries.position"], name="fk_desk_entry"),
        sa.PrimaryKeyConstraint("entry", name="pk_desk"),
    )
    for columns in (["decision", "purpose", "entry"], ["reviewer", "at"], ["purpose", "at"]):
        op.create_index(f"ix_desk_{'_'.join(columns)}", "desk", columns)
    _fill(desk)
    _refuse_changes("desk")


def _fill(desk: sa.Table) -> None:
    """Derive rows for the looks that were recorded before this table was there."""
    connection, position = op.get_bind(), -1
    entries = sa.table("entries", sa.column("position"), sa.column("kind"), sa.column("body", sa.LargeBinary()))
    query = sa.select(entries.c.position, entries.c.body).where(entries.c.kind == "reveal")
    while page := connection.execute(
        query.where(entries.c.position > position).order_by(entries.c.position).limit(1000)
    ).all():
        rows = []
        for position, body in page:
            record = json.loads(bytes(body))
            rows.append(
                {
                    "entry": position,
                    "at": _as_stored(datetime.fromisoformat(record["at"])),
                    "decision": record["decision"],
                    "reviewer": record["reviewer"],
                    "purpose": "reveal",
                    "word": record["what"],
                }
            )
        connection.execute(sa.insert(desk), rows)


def _as_stored(at: datetime) -> datetime:
    """SQLite keeps the digits of UTC without a zone."""
    return at.replace(tzinfo=None) if op.get_bind().dialect.name == "sqlite" else at


def _refuse_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER refuse_{change.lower()}_{table} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    for change, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        name = f"refuse_{change.lower().replace(' ', '_')}_{table}"
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {change} ON {table} FOR EACH {each} "
            "EXECUTE FUNCTION framegate_refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
