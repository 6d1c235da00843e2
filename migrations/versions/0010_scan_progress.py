"""How far a scan has come. One nullable column: the release before leaves it empty."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("scans", sa.Column("progress", sa.Float(), nullable=True))
