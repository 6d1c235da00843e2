"""Alembic's entry: runs the steps on the connection that `safety.database.migrate` opened."""

from __future__ import annotations

from alembic import context

from safety.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("migrations run through `framegate migrate`, which opens the database")

context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
