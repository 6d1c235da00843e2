"""Whose data is sealed with which key, what must be kept, and chores. New tables and nullable columns only.

The release before writes rows without an owner: their prompts stand as they are until they are sealed later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "subjects",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("lookup", sa.Text()),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        sa.Column("erased_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_subjects"),
        sa.UniqueConstraint("lookup", name="uq_subjects_lookup"),
    )
    for column in ("requester", "used_at", "erased_at"):
        op.create_index(f"ix_subjects_{column}", "subjects", [column])
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.Column("lifted_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_legal_holds"),
    )
    op.create_index("ix_legal_holds_target_lifted_at", "legal_holds", ["target", "lifted_at"])
    op.create_table(
        "chores",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("begun_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_chores"),
    )
    for table in ("jobs", "scans"):
        op.add_column(table, sa.Column("owner", sa.Text()))
        op.create_index(f"ix_{table}_owner", table, ["owner"])
