"""Policies that are tried: their bytes, their steps and their trials. New tables only; no older entry has any."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_policies"),
    )
    op.create_table(
        "policy_states",
        sa.Column("entry", POSITION, autoincrement=False, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("share", sa.Float(53), nullable=True),
        sa.ForeignKeyConstraint(["entry"], ["entries.position"], name="fk_policy_states_entry"),
        sa.PrimaryKeyConstraint("entry", name="pk_policy_states"),
    )
    op.create_table(
        "trials",
        sa.Column("entry", POSITION, autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False),
        sa.Column("in_force", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entries.position"], name="fk_trials_entry"),
        sa.PrimaryKeyConstraint("entry", "ordinal", name="pk_trials"),
        sqlite_with_rowid=False,
    )
    columns = ["policy", "against", "action", "in_force"]
    op.create_index("ix_trials_policy_against_action_in_force", "trials", columns)
    for table in ("policies", "policy_states", "trials"):
        _refuse_changes(table)


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
