"""Scores stand in the entry alone; roots of whole subtrees are kept, so that a proof does not read every leaf.

The table `scores` held nothing that is not in the bytes of its entry. Nothing read it but verification.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WIDTH = 256


def upgrade() -> None:
    op.drop_table("scores")
    op.create_table(
        "subtrees",
        sa.Column("height", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", POSITION, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("height", "number", name="pk_subtrees"),
        sqlite_with_rowid=False,
    )
    _fill()
    _refuse_changes("subtrees")


def _fill() -> None:
    """Write the roots that the ledger would have written: subtrees of 256 leaves, of 256 of those, and so on."""
    connection = op.get_bind()
    table = sa.table("subtrees", sa.column("height"), sa.column("number"), sa.column("root"))
    source = "SELECT leaf FROM entries WHERE position >= :first AND position < :last ORDER BY position"
    for height in (8, 16, 24, 32):
        number = 0
        while True:
            span = {"first": number * WIDTH, "last": (number + 1) * WIDTH}
            nodes = [bytes(node) for (node,) in connection.execute(sa.text(source), span)]
            if len(nodes) < WIDTH:
                break
            while len(nodes) > 1:
                pairs = zip(nodes[::2], nodes[1::2], strict=True)
                nodes = [hashlib.sha256(b"\x01" + one + other).digest() for one, other in pairs]
            connection.execute(table.insert(), {"height": height, "number": number, "root": nodes[0]})
            number += 1
        source = (
            f"SELECT root FROM subtrees WHERE height = {height} AND number >= :first AND number < :last "  # noqa: S608
            "ORDER BY number"
        )


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
