"""Every table of framegate. The ledger is `entries`; what can be asked about it is derived from its bytes.

    entries ──▶ decisions, findings, releases, appeals, withdrawals, subtrees   derived; never updated or deleted
       │──▶ desk                                              the same: looks at held content, and opinions
       └──────▶ checkpoints                               signed tree heads; never updated or deleted
    ledger_head                                           one row: the signed head of the newest commit
    policies, policy_states, trials                      policies that are tried (`safety.trying`): as the first
    jobs, scans                                           working state, may change
    workers, api_keys, idempotency                        the same (`safety.access`)
    claims                                                who works on which hold; may change
    consents, opt_outs, likeness_names                    the same; each change of them is an entry (`safety.registers`)
    persons, banks, bank_items, bank_revision             the same (`safety.registers`)
    search_…                                              indexes, built from the entries (`safety.indexes`)
    subjects, legal_holds, chores, deliveries             whose data is sealed, what must be kept (`safety.keeping`)

Text instead of database enums (a new kind needs no migration), times in UTC, nothing cascades. How a schema comes
to be is `migrations/`; triggers there refuse changes to the rows above. Queries are in `safety.lookup`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from safety.access import api_keys, idempotency, workers
from safety.columns import Position, UtcTime, metadata
from safety.indexes import search_panel_entries, search_panels, search_state, search_tallies, search_words
from safety.keeping import chores, cosignatures, deliveries, legal_holds, subjects
from safety.registers import bank_items, bank_revision, banks, consents, likeness_names, opt_outs, persons
from safety.trying import policies, policy_states, trials

entries = Table(
    "entries",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=False),  # gapless from 0
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", LargeBinary, nullable=False),  # canonical bytes, safety.records
    Column("leaf", LargeBinary, nullable=False),  # RFC 6962 leaf hash of body
)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),  # safety.merkle.Frontier.pack
    Column("note", Text, nullable=False),  # signed
    CheckConstraint("id = 1", name="single"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", Position, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("note", Text, nullable=False),
)


subtrees = Table(
    "subtrees",
    metadata,
    Column("height", Integer, primary_key=True, autoincrement=False),  # safety.merkle.KEPT_HEIGHTS
    Column("number", Position, primary_key=True, autoincrement=False),  # counts subtrees of this height from 0
    Column("root", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


def _entry() -> Column[int]:
    return Column("entry", Position, ForeignKey("entries.position"), primary_key=True, autoincrement=False)


decisions = Table(
    "decisions",
    metadata,
    _entry(),
    Column("id", Text, nullable=False, unique=True),
    Column("at", UtcTime, nullable=False, index=True),
    Column("job", Text),
    Column("checkpoint", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("supersedes", Text, unique=True),  # a decision is replaced once
    Column("requester", Text),
    Column("session", Text),
    Column("sketch", Text),
    Column("parent", Text),
    Column("code", Text),
    Index(None, "job", "entry"),
    Index(None, "checkpoint", "entry"),
    Index(None, "action", "entry"),
    Index(None, "subject", "entry"),
    Index(None, "policy", "entry"),
    Index(None, "session", "action", "entry"),
    Index(
        None,
        "actor",
        "entry",
        sqlite_where=text("actor_kind <> 'policy'"),
        postgresql_where=text("actor_kind <> 'policy'"),
    ),
)

findings = Table(
    "findings",
    metadata,
    _entry(),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("rule", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("action", Text, nullable=False),
    Index(None, "category", "entry"),
    sqlite_with_rowid=False,
)

releases = Table(
    "releases",
    metadata,
    _entry(),
    Column("id", Text, nullable=False, unique=True),
    Column("at", UtcTime, nullable=False),
    Column("job", Text, index=True),
    Column("sha256", Text, nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("watermark", Text, nullable=False, unique=True),
    Column("manifest", Text, nullable=False, index=True),
    Column("generator", Text, nullable=False),
)

appeals = Table(
    "appeals",
    metadata,
    _entry(),  # one row an event; the newest of an appeal says where it stands
    Column("appeal", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Index(None, "appeal", "entry"),
    Index(None, "decision", "entry"),
    Index(None, "state", "entry"),
)

desk = Table(
    "desk",
    metadata,
    _entry(),  # one row a look at content, or an opinion about a decision
    Column("at", UtcTime, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("word", Text, nullable=False),
    Index(None, "decision", "purpose", "entry"),
    Index(None, "reviewer", "at"),
    Index(None, "purpose", "at"),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    _entry(),  # one row an event; the newest of a release says where it stands
    Column("release", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False),
    Index(None, "release", "entry"),
)

claims = Table(
    "claims",
    metadata,
    Column("decision", Text, primary_key=True),  # id of a hold
    Column("reviewer", Text, nullable=False),
    Column("until", UtcTime, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("prompt", Text, nullable=False),
    Column("seconds", Float(53), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("requester", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("status", Text, nullable=False),
    Column("outputs", JSON, nullable=False),
    Column("error", Text, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("parent", Text),
    Column("task", JSON(none_as_null=True)),  # none: a clip from the prompt alone
    Column("revision", Text),  # JSON, sealed as the prompt is; none: the prompt is drawn as it is, or not yet
    Column("owner", Text, index=True),  # of subjects; the prompt is sealed with its key
    Index(None, "created_at", "id"),
    Index(None, "status", "created_at", "id"),
    Index(None, "requester", "created_at", "id"),
)

scans = Table(
    "scans",
    metadata,
    Column("id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("report", JSON(none_as_null=True)),
    Column("error", Text, nullable=False),
    Column("owner", Text, index=True),  # of subjects; the name is sealed with its key
    Column("progress", Float),  # share of the video that was looked at
    Index(None, "created_at", "id"),
    Index(None, "requester", "created_at", "id"),
)

APPEND_ONLY = (
    entries, decisions, findings, releases, appeals, withdrawals, desk, subtrees, checkpoints,
    policies, policy_states, trials,
)  # fmt: skip
"""Tables whose rows are never updated or deleted."""

__all__ = [
    "APPEND_ONLY",
    "Position",
    "UtcTime",
    "api_keys",
    "appeals",
    "bank_items",
    "bank_revision",
    "banks",
    "checkpoints",
    "chores",
    "claims",
    "consents",
    "cosignatures",
    "decisions",
    "deliveries",
    "desk",
    "entries",
    "findings",
    "idempotency",
    "jobs",
    "ledger_head",
    "legal_holds",
    "likeness_names",
    "metadata",
    "opt_outs",
    "persons",
    "policies",
    "policy_states",
    "releases",
    "scans",
    "search_panel_entries",
    "search_panels",
    "search_state",
    "search_tallies",
    "search_words",
    "subjects",
    "subtrees",
    "trials",
    "withdrawals",
    "workers",
]
