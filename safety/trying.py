"""The tables about policies that are tried: their bytes, their steps, and what each said beside the one in force.

    policies        bytes, named by their own digest: never updated or deleted
    policy_states   one row a step, derived from its entry
    trials          one row for each policy that judged beside the one in force, derived from a Decision's entry

Part of `safety.tables`; triggers refuse changes of all three.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text

from safety.columns import Position, UtcTime, metadata

policies = Table(
    "policies",
    metadata,
    Column("digest", Text, primary_key=True),  # `sha256:…` of the body
    Column("body", LargeBinary, nullable=False),
    Column("at", UtcTime, nullable=False),
)

policy_states = Table(
    "policy_states",
    metadata,
    Column("entry", Position, ForeignKey("entries.position"), primary_key=True, autoincrement=False),
    Column("policy", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("share", Float(53)),
)

trials = Table(
    "trials",
    metadata,
    Column("entry", Position, ForeignKey("entries.position"), primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("policy", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("against", Text, nullable=False),
    Column("in_force", Text, nullable=False),
    Index(None, "policy", "against", "action", "in_force"),
    sqlite_with_rowid=False,
)
