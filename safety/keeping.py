"""The tables about what is kept, for whom and how long: subjects and keys, legal holds, chores, webhooks; cosignatures.

Working state: it may change, and each erasure and legal hold is an entry of the ledger. Part of `safety.tables`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from safety.columns import UtcTime, metadata

subjects = Table(
    "subjects",
    metadata,
    Column("id", Text, primary_key=True),  # random: says nothing about whose it is
    Column("lookup", Text, unique=True),  # keyed digest of whose it is; none once erased
    Column("requester", Text, nullable=False, index=True),  # id of the API key that asked for them, or `local`
    Column("wrapped", LargeBinary),  # their key, sealed with the house's; none once erased
    Column("created_at", UtcTime, nullable=False),
    Column("used_at", UtcTime, nullable=False, index=True),  # to the day
    Column("erased_at", UtcTime, index=True),
)

legal_holds = Table(
    "legal_holds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("target", Text, nullable=False),  # id of a subject, a job or a scan
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("placed_at", UtcTime, nullable=False),
    Column("lifted_at", UtcTime),
    Index(None, "target", "lifted_at"),
)

chores = Table(
    "chores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("begun_at", UtcTime, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("receiver", Text, primary_key=True),  # digest of a webhook's address
    Column("position", BigInteger, nullable=False),  # of the next entry that it may be told
    Column("failures", BigInteger, nullable=False),
    Column("failing_since", UtcTime),
    Column("next_at", UtcTime),
)

cosignatures = Table(
    "cosignatures",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),  # of the checkpoint
    Column("witness", Text, primary_key=True),
    Column("line", Text, nullable=False),  # proves itself: signed by the witness
    Column("at", UtcTime, nullable=False),
)
