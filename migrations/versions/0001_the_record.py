"""The record, what is derived from it, working state, and triggers that refuse to rewrite history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("entries", "decisions", "findings", "scores", "releases", "checkpoints")

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _ledger()
    _derived()
    _work()
    _access()
    if op.get_bind().dialect.name == "sqlite":
        _refuse_changes_on_sqlite()
    else:
        _refuse_changes_on_postgresql()


def _ledger() -> None:
    op.create_table(
        "entries",
        sa.Column("position", POSITION, autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_entries"),
        sa.UniqueConstraint("id", name="uq_entries_id"),
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_head"),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_head_single")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", POSITION, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_checkpoints"),
    )


def _derived() -> None:
    op.create_table(
        "decisions",
        sa.Column("entry", POSITION, autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("job", sa.Text()),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.Text()),
        sa.ForeignKeyConstraint(["entry"], ["entries.position"], name="fk_decisions_entry"),
        sa.PrimaryKeyConstraint("entry", name="pk_decisions"),
        sa.UniqueConstraint("id", name="uq_decisions_id"),
        sa.UniqueConstraint("supersedes", name="uq_decisions_supersedes"),
    )
    op.create_index("ix_decisions_at", "decisions", ["at"])
    for column in ("job", "checkpoint", "action", "subject", "policy"):
        op.create_index(f"ix_decisions_{column}_entry", "decisions", [column, "entry"])
    op.create_table(
        "findings",
        sa.Column("entry", POSITION, autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entries.position"], name="fk_findings_entry"),
        sa.PrimaryKeyConstraint("entry", "ordinal", name="pk_findings"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_findings_category_entry", "findings", ["category", "entry"])
    op.create_table(
        "scores",
        sa.Column("entry", POSITION, autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(53), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entries.position"], name="fk_scores_entry"),
        sa.PrimaryKeyConstraint("entry", "ordinal", name="pk_scores"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "releases",
        sa.Column("entry", POSITION, autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("job", sa.Text()),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("watermark", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("generator", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entries.position"], name="fk_releases_entry"),
        sa.PrimaryKeyConstraint("entry", name="pk_releases"),
        sa.UniqueConstraint("id", name="uq_releases_id"),
        sa.UniqueConstraint("watermark", name="uq_releases_watermark"),
    )
    for column in ("job", "sha256", "manifest"):
        op.create_index(f"ix_releases_{column}", "releases", [column])


def _work() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outputs", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_status_created_at_id", "jobs", ["status", "created_at", "id"])
    op.create_table(
        "scans",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("report", sa.JSON()),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scans"),
    )
    for table in ("jobs", "scans"):
        op.create_index(f"ix_{table}_created_at_id", table, ["created_at", "id"])
        op.create_index(f"ix_{table}_requester_created_at_id", table, ["requester", "created_at", "id"])
    op.create_table(
        "workers",
        sa.Column("executor_id", sa.Text(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("executor_id", name="pk_workers"),
    )


def _access() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("hash", name="uq_api_keys_hash"),
    )
    op.create_table(
        "idempotency",
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("requester", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])


def _refuse_changes_on_sqlite() -> None:
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER refuse_{change.lower()}_{table} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    op.execute(
        "CREATE TRIGGER refuse_shrinking_head BEFORE UPDATE ON ledger_head WHEN NEW.size < OLD.size "
        "BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
    )
    op.execute(
        "CREATE TRIGGER refuse_delete_ledger_head BEFORE DELETE ON ledger_head "
        "BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
    )


def _refuse_changes_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION framegate_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    triggers = [(table, "UPDATE OR DELETE", "ROW", "") for table in APPEND_ONLY]
    triggers += [(table, "TRUNCATE", "STATEMENT", "") for table in (*APPEND_ONLY, "ledger_head")]
    triggers += [("ledger_head", "DELETE", "ROW", ""), ("ledger_head", "UPDATE", "ROW", "WHEN (NEW.size < OLD.size)")]
    for table, change, each, when in triggers:
        name = f"refuse_{change.lower().replace(' ', '_')}_{table}"
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {change} ON {table} FOR EACH {each} {when} "
            "EXECUTE FUNCTION framegate_refuse_change()"
        )
        # Also where session_replication_role would switch ordinary triggers off.
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
