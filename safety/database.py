"""Opens the database, SQLite or PostgreSQL, and brings its schema up to date.

Every transaction of this floor is one of two: `reading` (one snapshot) or `writing` (waits for its turn, durable when
it returns). Both turn the driver's "database gone" into `DatabaseError`. Tables are `safety.tables`, the steps of the
schema are `migrations/`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from safety.errors import DatabaseError, LedgerError

BUSY_TIMEOUT_S = 30.0
"""How long one writer waits for another on SQLite, and a caller for a connection."""

MAPPED_BYTES = 1 << 30
"""Bytes of a SQLite file that are mapped at most; what lies beyond is read. Address space, not memory."""

LOG_PAGES = 16_000
"""Pages that SQLite's write-ahead log holds before they are moved into the file: 64 MiB. Moving them takes two syncs
and writes each page once however often it changed, so at SQLite's own 1000 a third of an append's time goes there."""

MIGRATION_LOCK = 0x6672_616D_6500
"""Key of the PostgreSQL advisory lock that lets one process migrate at a time."""


def utc_now() -> datetime:
    """The system's clock."""
    return datetime.now(UTC)


def open_engine(url: str) -> Engine:
    """Return an engine for `sqlite:///path/to/file.db` or `postgresql://user@host/name`. Connects when first used.

    SQLite gets a write-ahead log, an fsync at every commit and foreign keys.

    Raises:
        DatabaseError: the URL is malformed, names another kind of database or SQLite without a file.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError("the database URL is malformed: sqlite:///FILE or postgresql://USER@HOST/NAME") from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return _open_sqlite(parsed)
    if kind in ("postgresql", "postgres"):
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=8,
            max_overflow=24,
            pool_timeout=BUSY_TIMEOUT_S,
            connect_args={"connect_timeout": 10, "options": "-c timezone=UTC -c synchronous_commit=on"},
        )
        event.listen(engine, "handle_error", _count_as_lost)
        return engine
    raise DatabaseError(f"the database is {kind!r}; framegate knows sqlite and postgresql")


def _count_as_lost(context: ExceptionContext) -> None:
    """Count a connection that cannot be made as lost: the durable queue waits for lost ones, not for others."""
    if context.connection is None:
        context.is_disconnect = True


def _open_sqlite(url: URL) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise DatabaseError("SQLite needs a file: a ledger in memory would not outlive its process")
    engine = create_engine(
        url,
        pool_size=8,
        max_overflow=24,
        pool_timeout=BUSY_TIMEOUT_S,
        connect_args={"timeout": BUSY_TIMEOUT_S},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        cursor.execute("PRAGMA foreign_keys=ON")
        # Without it, INSERT OR REPLACE deletes a row and no trigger sees it.
        cursor.execute("PRAGMA recursive_triggers=ON")
        cursor.close()

    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent snapshot, for as long as the block runs.

    Raises:
        DatabaseError: the database is gone.
    """
    with _named(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that commits when the block ends and rolls back when it raises.

    Raises:
        DatabaseError: the database is gone, or was busy for longer than `BUSY_TIMEOUT_S`.
        LedgerError: a constraint or trigger refused the change.
    """
    with _named(), engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # Taken at once: a transaction that reads first could not wait for another writer later.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


@contextmanager
def mapped(connection: Connection) -> Iterator[None]:
    """Let SQLite read its file as memory: it spares a copy of every page, half of the reading."""
    if connection.dialect.name != "sqlite":
        yield
        return
    before = connection.exec_driver_sql("PRAGMA mmap_size").scalar()
    connection.exec_driver_sql(f"PRAGMA mmap_size={MAPPED_BYTES}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA mmap_size={before or 0}")


@contextmanager
def in_binary(connection: Connection) -> Iterator[None]:
    """Have PostgreSQL send bytes as they are: as text they are twice as long, and reading that is slow."""
    if connection.dialect.name != "postgresql":
        yield
        return
    from psycopg import pq  # noqa: PLC0415 - a driver that SQLite does without

    driver: Any = connection.connection.driver_connection
    before = driver.cursor_factory

    def binary(*arguments: object, **options: object) -> object:
        cursor = before(*arguments, **options)
        cursor.format = pq.Format.BINARY
        return cursor

    driver.cursor_factory = binary
    try:
        yield
    finally:
        driver.cursor_factory = before


@contextmanager
def in_one_go(connection: Connection) -> Iterator[None]:
    """Have PostgreSQL get every statement of the block at once and wait for it at the end; none may be asked for rows.

    Raises:
        DBAPIError: a statement failed; which one is not said.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    import psycopg  # noqa: PLC0415 - a driver that SQLite does without

    driver: Any = connection.connection.driver_connection
    try:
        with driver.pipeline():
            yield
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error, dialect=connection.dialect) from None


@contextmanager
def _named() -> Iterator[None]:
    """Let out our errors instead of the driver's. Their text may quote parameters, so it is not repeated."""
    try:
        yield
    except PoolTimeoutError:
        raise DatabaseError(f"no connection to the database was free for {BUSY_TIMEOUT_S:g} s") from None
    except DBAPIError as error:
        cause = type(error.orig).__name__
        if _is_operational(error):
            raise DatabaseError(f"the database cannot be used ({cause}: {_first_line(error.orig)})") from None
        raise LedgerError(f"the database refused a change ({cause}: {_first_line(error.orig)})") from None
    except SQLAlchemyError as error:
        raise DatabaseError(f"the database cannot be used ({type(error).__name__})") from None


def _is_operational(error: DBAPIError) -> bool:
    names = {each.__name__ for each in type(error.orig).__mro__}
    return error.connection_invalidated or bool(names & {"OperationalError", "InterfaceError", "InternalError"})


def _first_line(error: object) -> str:
    return str(error).strip().split("\n", 1)[0][:200]


def insert_unless_there(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row, or do nothing where its primary key is taken; also when two processes try at once."""
    kind = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(kind.insert(table).on_conflict_do_nothing(), dict(values))


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to the newest version; does nothing where it is already. Safe from several processes at once.

    `revision`: an older version instead of the newest; only forward.

    Raises:
        DatabaseError: the database is gone.
        LedgerError: a step was refused; the schema is as it was.
    """
    with _alembic() as config, writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def schema_is_current(engine: Engine) -> bool:
    """Say whether the schema is the newest that this version knows.

    Raises:
        DatabaseError: the database is gone.
    """
    with _alembic() as config, reading(engine) as connection:
        heads = set(ScriptDirectory.from_config(config).get_heads())
        return set(MigrationContext.configure(connection).get_current_heads()) == heads


@contextmanager
def _alembic() -> Iterator[Config]:
    with as_file(files("migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        yield config
