"""Words of reasons, classifiers and hourly counts, and who decided: indexes that are filled later. New tables only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Ranges of words begin and end where their bytes do; the default collation of a server would not let an index help."""


def upgrade() -> None:
    op.create_table(
        "search_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_state"),
        sa.CheckConstraint("id = 1", name=op.f("ck_search_state_single")),
    )
    op.create_table(
        "search_words",
        sa.Column("word", BYTEWISE, nullable=False),
        sa.Column("entry", POSITION, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("word", "entry", name="pk_search_words"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_panels",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("panel", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", "panel", name="pk_search_panels"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_panel_entries",
        sa.Column("panel", sa.Text(), nullable=False),
        sa.Column("entry", POSITION, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("panel", "entry", name="pk_search_panel_entries"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_tallies",
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("dimension", "hour", "value", "action", name="pk_search_tallies"),
        sqlite_with_rowid=False,
    )
    op.execute(sa.text("INSERT INTO search_state (id, position) VALUES (1, 0)"))
    by_people = sa.text("actor_kind <> 'policy'")
    op.create_index(
        "ix_decisions_actor_entry", "decisions", ["actor", "entry"], sqlite_where=by_people, postgresql_where=by_people
    )
