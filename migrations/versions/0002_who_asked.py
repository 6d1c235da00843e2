"""Who asked, in which session, and what a request was derived from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("requester", "session", "sketch", "parent"):
        op.add_column("decisions", sa.Column(column, sa.Text()))
    op.create_index("ix_decisions_session_action_entry", "decisions", ["session", "action", "entry"])
    op.add_column("jobs", sa.Column("parent", sa.Text()))
