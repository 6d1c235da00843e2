"""The tables about who calls and who works: API keys, requests that may be repeated, workers that were heard of.

Working state: it may change. Part of `safety.tables`; questions about them are in `safety.lookup.access`.
"""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from safety.columns import UtcTime, metadata

workers = Table(
    "workers",
    metadata,
    Column("executor_id", Text, primary_key=True),
    Column("seen_at", UtcTime, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False, unique=True),  # SHA-256 of a 256-bit random secret
    Column("scopes", Text, nullable=False),  # sorted words, one space between
    Column("label", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("requester", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),  # of the request that came first
    Column("reference", Text, nullable=False),  # id of what it made
    Column("created_at", UtcTime, nullable=False, index=True),
)
