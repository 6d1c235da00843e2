"""The tables of the registers: consents and opt-outs with their names, known persons, banks of known content;
and which scans were handed in together.

Working state: it may change, and each change is an entry of the ledger. Part of `safety.tables`, which has the rest.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text

from safety.columns import UtcTime, metadata

consents = Table(
    "consents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("requester", Text, nullable=False, index=True),
    Column("until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("salt", Text, nullable=False),  # of the digest in the ledger; empty once the names are erased
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),
    Column("salt", Text, nullable=False),
)

likeness_names = Table(
    "likeness_names",
    metadata,
    Column("registration", Text, primary_key=True),  # id of a consent or an opt-out
    Column("name", Text, primary_key=True),
    Column("first_word", Text, nullable=False, index=True),
)

persons = Table(
    "persons",
    metadata,
    Column("id", Text, primary_key=True),
    Column("photos", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # safety.people; empty once removed
    Column("created_at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),
    Column("salt", Text, nullable=False),  # of the digest in the ledger; empty once removed
)

banks = Table(
    "banks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("category", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),
)

bank_items = Table(
    "bank_items",
    metadata,
    Column("id", Text, primary_key=True),
    Column("bank", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of its hashes: the same item is banked once
    Column("frames", LargeBinary, nullable=False),  # safety.banks.pack; empty once removed
    Column("created_at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),
    Column("revision", BigInteger, nullable=False, index=True),
    Index(None, "bank", "id"),
)

bank_revision = Table(
    "bank_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),  # grows with every change of bank_items
    CheckConstraint("id = 1", name="single"),
)

scan_batches = Table(
    "scan_batches",
    metadata,
    Column("requester", Text, primary_key=True),
    Column("batch", Text, primary_key=True),
    Column("place", Text, primary_key=True),  # digest of the upload and of what its requester calls it
    Column("scan", Text, nullable=False, index=True),
    Column("created_at", UtcTime, nullable=False),
)
