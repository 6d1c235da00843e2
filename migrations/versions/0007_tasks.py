"""What a job makes of its prompt and references. One nullable column: the release before leaves it empty."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("task", sa.JSON(none_as_null=True), nullable=True))
